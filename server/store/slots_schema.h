#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration slots_migration();

}  // namespace meterlens::store
