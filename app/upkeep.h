// What `meterlens backup` has done, kept in a small file beside the database, so that the server
// can tell of it; and the server's own state of upkeep.
#pragma once

#include <string>
#include <vector>

#include "app/retention.h"
#include "app/settings.h"
#include "server/api/api.h"

namespace meterlens::app {

inline constexpr std::size_t backups_kept = 10;

// Newest first; empty when there is no file, or none that can be understood.
std::vector<api::BackupDone> backups_done(const Settings& settings);
// Puts `done` before those of the file. The error is one line; a backup is no worse for it.
std::expected<void, std::string> keep_backup(const Settings& settings,
                                             const api::BackupDone& done);

api::Upkeep upkeep_of(const Settings& settings, const Retention* retention);

}  // namespace meterlens::app
