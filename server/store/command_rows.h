// Inside store/: a new command within somebody's transaction.
#pragma once

#include "server/store/engine.h"

namespace meterlens::store {

// With the first moment of its life; its id.
std::int64_t insert_command(soci::session& sql, const command::Command& command);

}  // namespace meterlens::store
