#include "app/stored.h"

#include <fmt/format.h>

#include <filesystem>

#include "app/settings.h"

namespace meterlens::app {

std::expected<std::unique_ptr<store::Store>, std::string> open_store(const std::string& config) {
  const auto settings = config.empty() ? parse_settings("", "") : load_settings(config);
  if (!settings) return std::unexpected(settings.error());
  const auto database = std::filesystem::path(settings->storage_data_folder) / "meterlens.db";
  std::error_code error;
  if (!std::filesystem::exists(database, error)) {
    return std::unexpected(fmt::format("there is no database {}: run this in the server's working "
                                       "directory, with its --config", database.string()));
  }
  store::Options options;
  options.busy_timeout_ms = static_cast<int>(settings->storage_busy_timeout_ms);
  options.reader_count = 1;
  auto opened = store::Store::open(database.string(), options);
  if (!opened) return std::unexpected(opened.error().message);
  return *std::move(opened);
}

bool is_labelled(const validate::Reading& reading) {
  return reading.review && !reading.review->by_server && reading.photo != 0 &&
         (reading.verdict == validate::Verdict::accepted ||
          reading.verdict == validate::Verdict::manual);
}

}  // namespace meterlens::app
