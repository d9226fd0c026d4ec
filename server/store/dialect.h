// The SQL of this folder is written once, for SQLite; PostgreSQL gets it through this translation.
// What may be written for both is in README.md. Pure functions.
#pragma once

#include <string>

namespace meterlens::store {

// `sql` as PostgreSQL 15 says it. Types, automatic ids, last_insert_rowid(), INSERT OR IGNORE and
// the names that only PostgreSQL reserves are translated; strings, quoted names and :values are
// left alone.
std::string postgresql_text(const std::string& sql);

}  // namespace meterlens::store
