#include "app/migrate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "app/stored.h"
#include "server/store/moving.h"

namespace meterlens::app {
namespace {

int complain(const std::string& words) {
  fmt::print(stderr, "meterlens migrate: {}\n", words);
  return 1;
}

// As Store::open() wants it; nothing when it is neither.
std::string place_of(const std::string& named) {
  constexpr std::string_view sqlite = "sqlite:";
  if (named.starts_with(sqlite)) return named.substr(sqlite.size());
  const bool is_url = named.starts_with("postgresql://") || named.starts_with("postgres://");
  return is_url ? named : "";
}

void tell(const store::Moved& moved, const std::string& to) {
  std::int64_t rows = 0;
  for (const store::MovedTable& table : moved.tables) {
    fmt::print("{:<20} {:>12} rows  sha256 {}\n", table.name, table.rows, table.sha256);
    rows += table.rows;
  }
  if (moved.continued)
    fmt::print("went on behind {} rows that were there already\n", moved.rows_before);
  fmt::print("{} rows in {} tables are in {}, and equal to those of the source; name it in [store] "
             "url and start the server\n", rows, moved.tables.size(), to);
}

}  // namespace

int migrate(const MigrateOptions& options) {
  const std::string from = place_of(options.from), to = place_of(options.to);
  if (from.empty() || to.empty())
    return complain("--from and --to must be like sqlite:var/meterlens.db and "
                    "postgresql://meterlens@db.example.net/meterlens");
  std::error_code error;
  if (options.from != from && !std::filesystem::exists(from, error))
    return complain("there is no database " + from);
  auto settings = settings_of(options.config);
  if (!settings) return complain(settings.error());
  settings->store_url = options.from == from ? from : to;
  settings->store_replica_url.clear();
  const auto open = store_options(*settings);
  if (!open) return complain(open.error());
  store::MoveOptions how;
  how.open = *open;
  how.batch_rows = options.batch_rows;
  if (isatty(STDERR_FILENO) != 0) {
    how.say = [](const std::string& table, std::int64_t rows) {
      fmt::print(stderr, "\r{:<20} {:>12} rows", table, rows);
    };
  }
  const auto moved = store::move_rows(from, to, how);
  if (how.say) fmt::print(stderr, "\r{:<40}\r", "");
  if (!moved) return complain(moved.error().message);
  tell(*moved, options.to);
  return 0;
}

}  // namespace meterlens::app
