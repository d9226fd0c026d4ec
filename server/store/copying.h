// Inside store/: rows of a whole database between an SQLite file and PostgreSQL, as text.
#pragma once

#include <string>

#include "server/store/driver.h"

namespace meterlens::store {

// Of SQLite: a consistent copy in `file`, which must not be there. Beside any number of writers.
void copy_sqlite(const std::string& path, const std::string& file);
// From the tables of the SQLite `file` to those of the same schema in PostgreSQL, which must be
// empty, within the transaction of `sql`; and the other way.
void copy_in(soci::session& sql, const std::string& file);
void copy_out(soci::session& sql, const std::string& file);

}  // namespace meterlens::store
