// How the last run of a program ended, as a file in the folder of what it keeps: what a board's
// chip knows of its last reset. One thread.
#pragma once

#include <filesystem>

#include "device/port.h"

namespace meterlens::boards {

class RunMark {
 public:
  // A program runs from now on; the folder must be there and its own.
  explicit RunMark(const std::filesystem::path& folder);

  // Of the last run: RESTART when it said `ended`, CRASH or POWER_ON when it could not (the system
  // is the same, or was started since), UNKNOWN when there was none.
  MeterlensReset reset_cause() const { return reset_cause_; }
  // The program ends as it should, also to begin anew.
  void ended() const;
  // As `real`, but a restart says `ended` first. Holds as long as this object stays where it is,
  // and what `real` points at.
  MeterlensPower ending(const MeterlensPower& real);

 private:
  std::filesystem::path file_;
  MeterlensReset reset_cause_ = METERLENS_RESET_UNKNOWN;
  MeterlensPower real_{};
};

}  // namespace meterlens::boards
