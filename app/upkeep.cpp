#include "app/upkeep.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

fs::path book_of(const Settings& settings) {
  return fs::path(settings.storage_data_folder) / "backups.json";
}

api::BackupDone done_of(const Json& json) {
  return {json.at("at_ms").get<std::int64_t>(),  json.at("place").get<std::string>(),
          json.at("photos").get<std::int64_t>(), json.at("images").get<std::int64_t>(),
          json.at("whole").get<bool>(),          json.at("note").get<std::string>()};
}

Json json_of(const api::BackupDone& done) {
  return {{"at_ms", done.at_ms},   {"place", done.place}, {"photos", done.photos},
          {"images", done.images}, {"whole", done.whole}, {"note", done.note}};
}

}  // namespace

std::vector<api::BackupDone> backups_done(const Settings& settings) {
  std::vector<api::BackupDone> out;
  std::ifstream in(book_of(settings));
  const Json json = Json::parse(in, nullptr, false);
  if (!json.is_array()) return out;
  try {
    for (const Json& one : json) out.push_back(done_of(one));
  } catch (const Json::exception&) {
    // Written by something else: what was understood stays.
  }
  if (out.size() > backups_kept) out.resize(backups_kept);
  return out;
}

std::expected<void, std::string> keep_backup(const Settings& settings,
                                             const api::BackupDone& done) {
  Json json = Json::array({json_of(done)});
  for (const auto& one : backups_done(settings))
    if (json.size() < backups_kept) json.push_back(json_of(one));
  const fs::path book = book_of(settings), part = book.string() + ".part";
  std::ofstream out(part);
  out << json.dump(1, ' ', false, Json::error_handler_t::replace) << '\n';
  out.close();
  // Where root makes the backup, the server must still be able to read of it.
  struct stat owner {};
  if (geteuid() == 0 && stat(settings.storage_data_folder.c_str(), &owner) == 0)
    [[maybe_unused]] const int given = chown(part.c_str(), owner.st_uid, owner.st_gid);
  std::error_code error;
  if (out) fs::rename(part, book, error);
  if (out && !error) return {};
  return std::unexpected(fmt::format("the console will not know of this backup: cannot write {}",
                                     book.string()));
}

api::Upkeep upkeep_of(const Settings& settings, const Retention* retention) {
  api::Upkeep out;
  out.store = settings.store_url.empty() ? "sqlite" : "postgresql";
  if (retention != nullptr) out.retained = retention->state();
  out.backups = backups_done(settings);
  for (const std::string& folder :
       {settings.storage_data_folder, settings.storage_photo_folder}) {
    std::error_code error;
    const auto space = fs::space(folder, error);
    if (error) continue;
    out.folders.push_back({fs::absolute(folder).string(),
                           static_cast<std::int64_t>(space.available),
                           static_cast<std::int64_t>(space.capacity)});
  }
  return out;
}

}  // namespace meterlens::app
