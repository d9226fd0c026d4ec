// Inside store/: which worker of a fleet has which queue, and which queue a device is in.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration leases_migration();

}  // namespace meterlens::store
