// The two program slots of a board, played on Linux: files in a folder. What is simulated is the
// boot loader's part alone; the program itself stays the one that was started. An image is text
// whose first line is `meterlens-linux VERSION`; after a restart the program says that version.
//
//   state    "running former offered on_trial fell_back": what a boot loader keeps
//   new.bin  the room for a new image
//
// One process at a time; one thread. What a call returned true for is on the disk.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "device/port.h"
#include "device/update/receiver.h"

namespace meterlens::boards {

class ImageFiles {
 public:
  static constexpr std::uint32_t image_bytes_max = protocol::image_bytes_max;

  // What a boot loader does at the start: an image that is to be tried is from now on, one whose
  // trial has not been confirmed gives way to the former. `first_version`: of an empty folder.
  static std::expected<std::unique_ptr<ImageFiles>, std::string> open(
      std::filesystem::path folder, std::uint32_t first_version);

  // Holds as long as this object.
  MeterlensImages port();

 private:
  struct State {
    std::uint32_t running = 0, former = 0, offered = 0;
    bool on_trial = false, fell_back = false;
  };

  ImageFiles(std::filesystem::path folder, State state)
      : folder_(std::move(folder)), state_(state) {}
  static std::expected<State, std::string> load(const std::filesystem::path& folder,
                                                std::uint32_t first_version);
  bool save();
  bool program(std::uint32_t offset, const void* data, std::uint32_t bytes);
  bool read(std::uint32_t offset, void* out, std::uint32_t bytes) const;
  bool try_new();
  bool confirm();

  std::filesystem::path folder_;
  State state_;
};

// Starts this very program anew with its own arguments.
MeterlensPower restart_by_exec(char** arguments);

}  // namespace meterlens::boards
