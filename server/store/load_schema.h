// The step of the schema for many devices and readings: counts that are kept, and indexes.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration load_migration();

}  // namespace meterlens::store
