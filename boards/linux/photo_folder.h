// Photos from a folder: its JPEG files (.jpg, .jpeg) in the order of their names, round and round.
#pragma once

#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "boards/linux/photo_source.h"

namespace meterlens::boards {

class PhotoFolder : public PhotoSource {
 public:
  // Fails when the folder cannot be read or holds no JPEG file.
  static std::expected<std::unique_ptr<PhotoFolder>, std::string> open(
      const std::filesystem::path& folder);
  bool start() override { return true; }
  // All but mirror, flip and crop: the photos are there.
  std::vector<std::string_view> deaf_settings() override;
  // A file that cannot be read is a failed shot; the next shot takes the next file.
  Shot poll() override;

 private:
  std::vector<std::filesystem::path> files_;
  std::size_t next_ = 0;
};

}  // namespace meterlens::boards
