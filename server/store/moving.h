// `meterlens migrate`: all rows of a store into an empty one of the other engine, table by table in
// batches of whole transactions. One that was broken off anywhere (kill -9, a lost server) goes on
// behind its last batch when it is called again. At the end both sides are read in the order of
// their keys and compared by count and SHA-256. While it runs, nobody writes to the source; until
// it has ended well, no program opens the target. Files that rows name stay where they are.
// One thread; memory for one batch of rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace meterlens::store {

struct MoveOptions {
  Options open = {};        // of the PostgreSQL side; `busy_timeout_ms` of both
  int batch_rows = 5000;    // in one transaction, 1 to 100'000
  // Hears how many rows of a table are in the target.
  std::function<void(const std::string& table, std::int64_t rows)> say = {};
};

struct MovedTable {
  std::string name;
  std::int64_t rows = 0;
  std::string sha256;          // over all rows in the order of the key, as COPY writes them
};
struct Moved {
  bool continued = false;      // an earlier one was broken off
  std::int64_t rows_before = 0;  // were there from it
  std::vector<MovedTable> tables;
};

// Places as of Store::open(); one is a file of SQLite, the other a URL of PostgreSQL. Refused: a
// source of another schema, a target that has rows of its own (or of another source), and, at the
// end, one that differs, which is then named by table and key.
Result<Moved> move_rows(const std::string& from, const std::string& to,
                        const MoveOptions& options);

}  // namespace meterlens::store
