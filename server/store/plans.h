// Inside store/: connections to PostgreSQL that keep the plans of what is asked again. A statement
// of ours is short and its plan is most of its cost, so from the second time on the server is given
// its name instead of its text. A connection's own; goes with it. Memory: in the server, some 50 KB
// for each of at most 256 statements.
#pragma once

#include "server/store/driver.h"

namespace meterlens::store {

// For session::open(), in place of soci::postgresql.
const soci::backend_factory& postgresql_with_plans();

}  // namespace meterlens::store
