// What both Linux programs run on: a monotonic clock, waiting for files or time, and the wish to
// stop (SIGINT, SIGTERM). One thread.
#pragma once

#include <poll.h>
#include <signal.h>

#include <cstdint>
#include <span>

namespace meterlens::boards {

// What both programs say they are.
inline constexpr const char* firmware_name = "meterlens-linux-0.1.0";

// Since some moment before the program began; never 0.
std::int64_t now_us();
// As the device programs count it: from the program's first call.
std::uint64_t uptime_ms();
std::uint64_t unix_ms();

// Holds SIGINT and SIGTERM back except while `wait` waits, so that none is overlooked. At most one
// at a time. A broken pipe is an error of that write, not the program's end.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Until one of `files` is ready (revents are set), `timeout_us` have passed, or a signal came.
  void wait(std::span<pollfd> files, std::int64_t timeout_us);
  bool asked_to_stop() const;

 private:
  sigset_t before_;
};

}  // namespace meterlens::boards
