// A camera's flash memory as NOR flash behaves: erased bytes are 0xFF, programming only clears
// bits, an erasure takes a few calls, any write can fail or be torn by a power cut, bits rot.
// Holds only what was programmed, so thousands of empty ones cost nothing. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "device/port.h"
#include "sim/events.h"

namespace meterlens::sim {

class Flash {
 public:
  Flash(std::uint32_t slot_count, std::uint32_t slot_bytes, Random random)
      : slots_(slot_count), slot_bytes_(slot_bytes), random_(random) {}

  MeterlensFlash port();

  // Power goes during the write that many writes from now (1: the next), of which `share` (0 to 1)
  // is done; later ones do nothing until power is restored.
  void cut_after(int writes, double share);
  bool has_power() const { return writes_left_ != 0; }
  void restore_power() { writes_left_ = -1; }
  // Turns one bit of what is programmed; false: nothing is.
  bool rot();
  void wipe() { slots_.assign(slots_.size(), {}); }
  void set_failure(double chance) { failure_chance_ = chance; }
  int writes() const { return writes_; }  // begun since the start

 private:
  using Slot = std::vector<std::uint8_t>;  // bytes behind its end are erased

  bool program(std::uint32_t slot, std::uint32_t offset, const std::uint8_t* from,
               std::uint32_t bytes);
  int erase(std::uint32_t slot);
  void read(std::uint32_t slot, std::uint32_t offset, std::uint8_t* out, std::uint32_t bytes) const;
  double begin_write();

  std::vector<Slot> slots_;
  std::uint32_t slot_bytes_;
  Random random_;
  double failure_chance_ = 0;
  int writes_ = 0;
  int writes_left_ = -1;  // until power goes; -1: it does not
  double share_ = 0;
  int erase_calls_ = 0;
};

}  // namespace meterlens::sim
