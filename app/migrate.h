// `meterlens migrate`: all rows of a store into an empty one of the other engine (store/moving.h).
// Gives the exit status: 0 when all is there and proven equal, 1 else, and has told people.
#pragma once

#include <cstdint>
#include <string>

namespace meterlens::app {

struct MigrateOptions {
  std::string from;            // sqlite:FILE or postgresql://...
  std::string to;
  std::string config;          // [store] password_file and [storage] busy_timeout_ms are used
  int batch_rows = 5000;
};
int migrate(const MigrateOptions& options);

}  // namespace meterlens::app
