#include "server/store/moving_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// Rows while this store is being filled from another one: how far each table is. Without rows else.
constexpr std::array<std::string_view, 1> moving{
    R"(CREATE TABLE moving (
         table_name TEXT PRIMARY KEY, source TEXT NOT NULL, last_key TEXT NOT NULL,
         row_count BIGINT NOT NULL, is_whole INTEGER NOT NULL))",
};

}  // namespace

Migration moving_migration() { return moving; }

}  // namespace meterlens::store
