// Decides when the camera sleeps between photos, and for how long (SPEC.md, section 5).
//
//   awake --nothing to do for long enough--> leaving --Sleep said, nobody spoke--> asleep --> awake
//
// With everything done it sleeps until a byte comes or its own timer. With something unfinished
// that nobody takes (no credit, no answer, no clock) it sleeps too, wakes by itself and tries
// again, after pauses that double. What is heard while it is leaving keeps it awake.
// Memory: about 100 bytes, no heap. One thread; no clock of its own.
#pragma once

#include <cstdint>
#include <limits>

#include "device/port.h"

namespace meterlens::camera {

// The values of the setting `sleep`.
enum class SleepMode : std::uint8_t { none, light, deep };

struct SleepSettings {
  SleepMode mode = SleepMode::none;
  std::uint32_t awake_ms = 10'000;  // after the last word
};

// With something unfinished: so long without a packet sent or an answer of the server's.
inline constexpr std::uint64_t patience_ms = 20'000;
// From the Sleep that was said to the sleep itself: a frame that crossed it on the line is heard.
inline constexpr std::uint64_t leaving_ms = 120;
// The first and the longest sleep with something unfinished.
inline constexpr std::uint64_t nap_first_ms = 60'000;
inline constexpr std::uint64_t nap_last_ms = 3'600'000;

class Sleeper {
 public:
  // What the camera's other parts know.
  struct Situation {
    bool at_work = false;     // a shot, an update: stays awake
    bool unfinished = false;  // something to send that may be refused or unheard
    bool remembers = false;   // the memory holds what the flash does not: no deep sleep
    bool line_at_rest = true;
    std::uint64_t next_wake_ms = std::numeric_limits<std::uint64_t>::max();  // own next task
  };

  Sleeper(const SleepSettings& settings, const MeterlensPower& power);

  void start(std::uint64_t now_ms);
  void set(const SleepSettings& settings) { settings_ = settings; }
  // First of all when the camera runs. true: it has slept lightly since it ran last.
  bool wakes(std::uint64_t now_ms);
  // Bytes came. true: it was leaving and stays, though Sleep was said.
  bool hear_bytes(std::uint64_t now_ms);
  // A whole frame came.
  void hear_word(std::uint64_t now_ms) { word_ms_ = now_ms; }
  // A packet left, or the server answered.
  void progress(std::uint64_t now_ms) { progress_ms_ = word_ms_ = now_ms; }
  // The server speaks, and not to refuse: the naps begin anew.
  void encourage() { naps_ = 0; }

  // `says`: whether there is a link to say Sleep to. `drained`: all that was made has been pulled.
  // Sleeps by the board's `sleep`; after a deep one nothing of the camera may be relied on.
  // true: it was leaving and stays, though Sleep was said.
  bool step(const Situation& situation, bool says, bool drained, std::uint64_t now_ms);
  // Would sleep, if the line were at rest.
  bool tired() const { return tired_; }
  // Nothing is to be said, but Sleep when that is due; nor before `wakes` was asked after a sleep.
  bool silent() const { return state_ != State::awake || slept_; }
  bool word_due() const { return state_ == State::saying; }
  // Sleep is on its way; true: deep.
  bool say();
  // When `step` has something to do; UINT64_MAX: never.
  std::uint64_t due_ms(const Situation& situation) const;

 private:
  enum class State : std::uint8_t { awake, saying, going };

  bool can_sleep() const { return settings_.mode != SleepMode::none && power_.sleep != nullptr; }
  std::uint64_t tired_from_ms(const Situation& situation) const;
  bool stay(std::uint64_t now_ms);
  void sleep(const Situation& situation, std::uint64_t now_ms);

  SleepSettings settings_;
  MeterlensPower power_;
  State state_ = State::awake;
  bool deep_ = false;
  bool said_ = false;
  bool tired_ = false;
  bool slept_ = false;
  std::uint32_t naps_ = 0;  // with something unfinished, in a row
  std::uint64_t word_ms_ = 0;
  std::uint64_t progress_ms_ = 0;
  std::uint64_t go_ms_ = 0;
};

}  // namespace meterlens::camera
