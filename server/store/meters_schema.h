// The tables of meters, of who watches them and of exchanges: one step of schema.h.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration meters_migration();

}  // namespace meterlens::store
