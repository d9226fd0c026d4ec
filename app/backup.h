// `meterlens backup` and `restore`: all rows and the files that they name, in a folder or a tar
// file, and back, also into another engine or other folders. Each returns the exit status: 0 when
// all is whole, 1 else, and has told people.
#pragma once

#include <string>

namespace meterlens::app {

struct BackupOptions {
  std::string config;  // the server's settings
  std::string place;   // a folder, which may have an earlier backup; or a file *.tar
};
// While the server runs, too. The rows are those of one moment; files never change, so those that
// are in the folder already stay. The database's copy gets its name last.
int backup(const BackupOptions& options);

// Into an empty place: no database there, or an empty one of PostgreSQL; the server must not run.
// The rows come last, so that one that was broken off is begun anew.
int restore(const BackupOptions& options);

}  // namespace meterlens::app
