// The DTU's own timer: it orders a capture each period, whether the server is there or not.
//
// Due moments are multiples of the period of Unix time (plus offset and the device's own delay
// within the spread), or of the DTU's uptime while there is no network time. A clock that jumps
// orders at most one capture. An order without an answer is repeated; one that failed is ordered
// anew, as long as its period lasts and at most attempts_max times.
//
// Command ids have the top bit, which a server's never have; below it the due moment in seconds and
// the attempt, so that an order repeated after a reset is the same one to the camera.
// No heap, no clock of its own, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/message.h"
#include "protocol/settings.h"

namespace meterlens::dtu {

inline constexpr std::uint32_t timer_command = 0x8000'0000;
inline constexpr std::uint64_t order_retry_first_ms = 20'000;
inline constexpr std::uint64_t order_retry_last_ms = 600'000;
inline constexpr std::uint32_t attempts_max = 4;
// A moment this long ago is still ordered after a reset.
inline constexpr std::uint64_t after_reset_s = 600;

class CaptureTimer {
 public:
  struct Counters {
    std::uint32_t ordered = 0;  // moments
    std::uint32_t missed = 0;   // moments without an answer, or whose attempts all failed
  };

  // `seed`: another one at each start; for ids without network time.
  CaptureTimer(std::string_view device, std::uint32_t seed);

  // Requires the DTU's settings.
  void set(const protocol::SettingValues& values);
  // The id of a capture to be ordered now. unix_ms: 0 unknown.
  std::optional<std::uint32_t> step(std::uint64_t unix_ms, std::uint64_t now_ms);
  // The camera speaks of a command; others than the one that is waited for are passed over.
  void hear(const protocol::Report& report, std::uint64_t now_ms);
  void hear_offer(std::uint32_t command_id);

  // When `step` has something to do; UINT64_MAX: never.
  std::uint64_t due_ms(std::uint64_t unix_ms, std::uint64_t now_ms) const;
  const Counters& counters() const { return counters_; }

 private:
  struct Moment {
    std::uint64_t second = 0;       // on the clock that was used
    std::uint64_t since_ms = 0;     // how long ago
    std::uint64_t next_in_ms = 0;   // to the one after it
  };
  Moment moment_at(std::uint64_t unix_ms, std::uint64_t now_ms) const;
  std::uint32_t order(std::uint64_t now_ms);
  std::uint32_t first_id() const;  // of the newest moment, without the top bit
  std::uint32_t command_id() const;
  void give_up();

  std::uint32_t name_hash_;
  std::uint32_t seed_;
  std::uint32_t period_s_ = 0;
  std::uint32_t offset_s_ = 0;  // with the device's own delay
  bool by_unix_ = false;        // the clock that `second_` is of
  bool begun_ = false;
  std::uint64_t second_ = 0;  // of the newest moment
  bool waits_ = false;        // for the camera's answer to it
  std::uint32_t attempt_ = 0;
  std::uint64_t retry_ms_ = 0;
  std::uint64_t retry_due_ms_ = 0;
  Counters counters_;
};

}  // namespace meterlens::dtu
