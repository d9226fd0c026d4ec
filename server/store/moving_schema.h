// Inside store/: how far a move from another store is.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration moving_migration();

}  // namespace meterlens::store
