// Inside store/: the newest rows of many devices or meters, for a page of them.
#pragma once

#include <vector>

#include "server/store/fleet_rows.h"

namespace meterlens::store {

// Those of devices and meters that have any, in no order.
std::vector<photo::Photo> newest_photos(soci::session& sql, const Names& devices);
std::vector<validate::Reading> newest_readings(soci::session& sql, const Names& meters);
// Of each device the oldest first.
std::vector<command::Command> open_commands_of(soci::session& sql, const Names& devices);

}  // namespace meterlens::store
