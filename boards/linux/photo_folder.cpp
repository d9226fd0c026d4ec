#include "boards/linux/photo_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>

namespace meterlens::boards {
namespace {

bool is_jpeg_name(const std::filesystem::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".jpg" || ending == ".jpeg";
}

}  // namespace

std::expected<std::unique_ptr<PhotoFolder>, std::string> PhotoFolder::open(
    const std::filesystem::path& folder) {
  std::error_code error;
  auto source = std::make_unique<PhotoFolder>();
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (is_jpeg_name(entry.path())) source->files_.push_back(entry.path());
  if (error) return std::unexpected(fmt::format("{}: {}", folder.string(), error.message()));
  if (source->files_.empty())
    return std::unexpected(fmt::format("{}: no .jpg file in it", folder.string()));
  std::sort(source->files_.begin(), source->files_.end());
  return source;
}

std::vector<std::string_view> PhotoFolder::deaf_settings() {
  return {"frame_size",   "jpeg_quality",  "exposure",   "exposure_bias", "gain",
          "gain_ceiling", "white_balance", "brightness", "contrast",      "saturation",
          "sharpness",    "frames_to_drop", "light",     "light_percent", "light_lead_ms",
          "lamp_pin",     "lamp_kind",     "lamp_count", "lamp_rgb"};
}

PhotoSource::Shot PhotoFolder::poll() {
  std::ifstream file(files_[next_], std::ios::binary);
  next_ = (next_ + 1) % files_.size();
  photo_.assign(std::istreambuf_iterator<char>(file), {});
  return file.bad() || !file.is_open() ? Shot::failed : Shot::done;
}

}  // namespace meterlens::boards
