// The one loop that runs the cores: its clock, its watchdog, and how others wake it. Whatever comes
// from elsewhere (a byte, a frame, a message) only wakes it; the cores are touched by nobody else.
#pragma once

#include <cstdint>

namespace meterlens::esp32cam {

// Milliseconds since the start; any task.
std::uint64_t uptime_ms();

class Loop {
 public:
  // The longest sleep: the watchdog wants to be fed.
  static constexpr std::uint64_t wait_ms_max = 1'000;

  // To be made by the task that runs the cores: the watchdog watches it from now on.
  Loop();
  // Feeds the watchdog; sleeps until `wake` or `due_ms`, never longer than wait_ms_max.
  void wait_until(std::uint64_t due_ms);
  // From any task, not from an interrupt.
  void wake();

 private:
  void* task_;
};

}  // namespace meterlens::esp32cam
