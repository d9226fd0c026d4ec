// A folder that stands for the small memory of a board that survives a reset: the two areas of its
// settings, and how the program ended last time. One program at a time uses it (locked). One
// thread.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

#include "boards/linux/area_files.h"
#include "boards/linux/run_mark.h"
#include "device/port.h"

namespace meterlens::boards {

// Under $XDG_STATE_HOME, or ~/.local/state: `program` and the name, other characters as '_'.
std::filesystem::path default_state(const std::string& program, std::string name);

class StateFolder {
 public:
  // Makes the folder. Fails when it cannot, or when another program uses it.
  static std::expected<std::unique_ptr<StateFolder>, std::string> open(
      const std::filesystem::path& folder);
  ~StateFolder();
  StateFolder(const StateFolder&) = delete;
  StateFolder& operator=(const StateFolder&) = delete;

  // Holds as long as this object. A write is on the disk when it returns.
  MeterlensAreas areas() { return areas_.port(); }
  // How the last program that used the folder ended, and that this one does.
  RunMark& run() { return run_; }

 private:
  StateFolder(const std::filesystem::path& folder, int lock);

  AreaFiles areas_;
  RunMark run_;
  int lock_;
};

}  // namespace meterlens::boards
