// Inside store/: rows of meters and watches within somebody's transaction.
#pragma once

#include <optional>
#include <string>

#include "server/store/engine.h"

namespace meterlens::store {

std::optional<validate::Meter> find_meter(soci::session& sql, const std::string& id);
// A device that never watched anything gets a meter of its own name and watches it.
void adopt(soci::session& sql, const std::string& device, std::int64_t at_ms);

}  // namespace meterlens::store
