// Inside store/: readings and messages by month, in PostgreSQL.
#pragma once

#include "server/store/schema.h"

namespace meterlens::store {

Migration partitions_migration();

}  // namespace meterlens::store
