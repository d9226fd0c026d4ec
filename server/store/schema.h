// The tables, as numbered steps: a database of version n is brought up to date by the steps after
// n. A step that has been released is never changed; add one at the end.
#pragma once

#include <span>
#include <string_view>

namespace meterlens::store {

// SQL statements that lead from version i to version i + 1. What begins with `only_postgresql` is
// PostgreSQL's own, untranslated, and nothing in SQLite.
inline constexpr std::string_view only_postgresql = "/* postgresql */";
using Migration = std::span<const std::string_view>;
std::span<const Migration> migrations();

}  // namespace meterlens::store
