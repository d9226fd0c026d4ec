// The two small areas of a board's memory that survive a reset, as two files of a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>

#include "device/port.h"

namespace meterlens::boards {

class AreaFiles {
 public:
  explicit AreaFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Holds as long as this object stays where it is. A write is on the disk when it returns.
  MeterlensAreas port();

 private:
  std::filesystem::path file_of(std::uint8_t area) const;
  bool read(std::uint8_t area, void* out, std::uint32_t bytes) const;
  bool write(std::uint8_t area, const void* data, std::uint32_t bytes) const;

  std::filesystem::path folder_;
};

}  // namespace meterlens::boards
