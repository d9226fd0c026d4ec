// Inside store/: the tables of tags, switches, records, controls, profiles and campaigns.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration fleet_migration();

}  // namespace meterlens::store
