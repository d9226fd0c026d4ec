#include "app/stored.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <fstream>

namespace meterlens::app {

namespace fs = std::filesystem;

namespace {

// The first line of a file that only its owner may read.
std::expected<std::string, std::string> secret_of(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  constexpr auto others = fs::perms::group_all | fs::perms::others_all;
  if (!error && (status.permissions() & others) != fs::perms::none) {
    return std::unexpected(fmt::format("others may read store.password_file {}: chmod 600 it",
                                       path));
  }
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line))
    return std::unexpected(fmt::format("cannot read store.password_file {}", path));
  return line;
}

}  // namespace

std::string store_place(const Settings& settings) {
  if (!settings.store_url.empty()) return settings.store_url;
  return (fs::path(settings.storage_data_folder) / "meterlens.db").string();
}

std::expected<store::Options, std::string> store_options(const Settings& settings) {
  store::Options options;
  options.busy_timeout_ms = static_cast<int>(settings.storage_busy_timeout_ms);
  options.say = [](const std::string& words) { spdlog::warn(words); };
  const bool is_url = settings.store_url.starts_with("postgresql://") ||
                      settings.store_url.starts_with("postgres://");
  if (!settings.store_url.empty() && !is_url) {
    return std::unexpected(
        "url in [store] must be empty or begin with postgresql://");
  }
  options.reader_count = static_cast<int>(settings.store_connections);
  options.replica_url = settings.store_replica_url;
  if (!options.replica_url.empty() && !is_url)
    return std::unexpected("replica_url in [store] needs a url of PostgreSQL beside it");
  if (settings.store_password_file.empty()) return options;
  auto secret = secret_of(settings.store_password_file);
  if (!secret) return std::unexpected(secret.error());
  options.password = *std::move(secret);
  return options;
}

std::expected<Settings, std::string> settings_of(const std::string& config) {
  return config.empty() ? parse_settings("", "") : load_settings(config);
}

std::expected<std::unique_ptr<store::Store>, std::string> open_store(const std::string& config) {
  const auto settings = settings_of(config);
  if (!settings) return std::unexpected(settings.error());
  const std::string place = store_place(*settings);
  std::error_code error;
  if (settings->store_url.empty() && !fs::exists(place, error)) {
    return std::unexpected(fmt::format("there is no database {}: run this in the server's working "
                                       "directory, with its --config", place));
  }
  auto options = store_options(*settings);
  if (!options) return std::unexpected(options.error());
  options->reader_count = 1;
  options->migrate = false;
  options->replica_url.clear();
  auto opened = store::Store::open(place, *options);
  if (!opened) return std::unexpected(opened.error().message);
  return *std::move(opened);
}

bool is_labelled(const validate::Reading& reading) {
  return reading.review && !reading.review->by_server && reading.photo != 0 &&
         (reading.verdict == validate::Verdict::accepted ||
          reading.verdict == validate::Verdict::manual);
}

}  // namespace meterlens::app
