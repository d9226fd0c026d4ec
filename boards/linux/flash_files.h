// The camera's flash on Linux: one file a slot in a folder, so that photos survive a restart, and
// beside them the settings and how the program ended. What a call returned true for is on the disk.
// One process at a time uses a folder (it is locked).
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "boards/linux/area_files.h"
#include "boards/linux/run_mark.h"
#include "device/port.h"

namespace meterlens::boards {

class FlashFiles {
 public:
  static constexpr std::uint32_t slot_count = 16;
  // The largest photo that the wire carries, and the slot's head.
  static constexpr std::uint32_t slot_bytes = 2'097'152 + 128;

  // Makes the folder. Fails when it cannot be written or another program has it.
  static std::expected<std::unique_ptr<FlashFiles>, std::string> open(std::filesystem::path folder);
  ~FlashFiles();
  FlashFiles(const FlashFiles&) = delete;
  FlashFiles& operator=(const FlashFiles&) = delete;

  // Holds as long as this object.
  MeterlensFlash port();

  // Two files beside the slots, for the settings; holds as long as this object.
  MeterlensAreas areas() { return areas_.port(); }
  // How the last program that used the folder ended, and that this one does.
  RunMark& run() { return run_; }

  bool read(std::uint32_t slot, std::uint32_t offset, void* out, std::uint32_t bytes);
  bool program(std::uint32_t slot, std::uint32_t offset, const void* data, std::uint32_t bytes);
  int erase(std::uint32_t slot);

 private:
  FlashFiles(std::filesystem::path folder, int lock);
  std::filesystem::path file_of(std::uint32_t slot) const;

  std::filesystem::path folder_;
  AreaFiles areas_;
  RunMark run_;
  int lock_;
};

}  // namespace meterlens::boards
