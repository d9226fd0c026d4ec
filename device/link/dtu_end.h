// The DTU's end of the link: grants the camera what its queue surely has room for, and follows the
// camera's wishes for another speed (SPEC.md, section 5). A camera that never marks is granted
// nothing and asked nothing.
//
//   rates: steady --Switch--> agreeing --Agree--> switching --> proving --anything whole--> steady
//          nothing whole at the new rate: back to the former one, and after a silence to the first
//
// A camera that has said Sleep is woken by zero bytes, which are empty units, before it is spoken
// to.
//
// Memory: about 130 bytes, no heap. One thread; no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/link/camera_end.h"
#include "device/link/message.h"
#include "device/link/rate.h"

namespace meterlens::link {

// Kept free for what comes without credit: the Hello of a camera that was reset, a frame doubled.
inline constexpr std::size_t room_kept_bytes = frame_cost_max;
// A Grant is said by itself when it is so much more than the one before.
inline constexpr std::uint64_t grant_step_bytes = 2 * frame_cost_max;
// To a sleeping camera, for as long as nothing whole comes; then it is spoken to all the same. Some
// boards wake only by several edges.
inline constexpr std::size_t wake_zero_count = 4;
inline constexpr std::uint64_t wake_step_ms = 100;
inline constexpr std::uint16_t wake_light_ms = 2'000;
inline constexpr std::uint16_t wake_deep_ms = 5'000;

class DtuEnd {
 public:
  struct Counters {
    std::uint32_t switches = 0;  // changes of speed that were proven
    std::uint32_t falls = 0;     // taken back, or to the first rate after a silence
  };
  // What the DTU's other parts know.
  struct Situation {
    std::size_t room_bytes = 0;  // of the queue to the broker
    std::uint32_t errors = 0;    // damaged units so far
    bool frames_held = false;    // there is something for the camera
  };

  explicit DtuEnd(const MeterlensLine& line);

  void start(std::uint64_t now_ms);
  // false: not for a DTU.
  bool hear(const LinkMessage& message, std::uint64_t now_ms);
  // A whole frame came, and so many of its bytes went into the queue; 0: dropped.
  void hear_frame(std::size_t queued_bytes, std::uint64_t now_ms);
  // The camera says that it has begun: what was marked before is no more.
  void hear_hello();

  // A frame to the camera may be made now.
  bool open() const { return state_ == State::steady && !asleep_; }
  // As the camera has said.
  bool asleep() const { return asleep_; }
  // So many zero bytes are due to wake the camera, for which a frame is held; 0: none now.
  std::size_t wake(std::uint64_t now_ms);
  // Writes the next link message (link_bytes_max); 0: none.
  std::size_t next(std::span<std::uint8_t> out, const Situation& situation);
  // `drained`: all that was made has been pulled. true: the speed was changed.
  bool step(bool drained, std::uint64_t now_ms);
  // When `next` or `step` has something to do; UINT64_MAX: never.
  std::uint64_t due_ms(const Situation& situation, std::uint64_t now_ms) const;

  std::uint32_t baud() const { return bauds[rate_]; }
  const Counters& counters() const { return counters_; }

 private:
  enum class State : std::uint8_t { steady, agreeing, switching, proving };

  void take(const Switch& wish);
  void take(const Sleep& sleep);
  void note_whole(std::uint64_t now_ms);
  std::uint64_t limit(const Situation& situation) const;
  bool grant_is_due(const Situation& situation) const;
  bool set_rate(std::uint8_t rate);
  bool fall(std::uint8_t rate);

  MeterlensLine line_;
  std::uint8_t rates_;
  std::uint64_t whole_ms_ = 0;  // when something whole came

  std::uint16_t mark_ = 0;
  std::uint64_t received_ = 0;   // since the Mark, with the costs
  std::uint64_t announced_ = 0;  // the limit last granted, from the Mark
  bool grant_due_ = false;

  bool asleep_ = false;
  bool waking_ = false;
  std::uint64_t wake_due_ms_ = 0;
  std::uint64_t wake_until_ms_ = 0;
  std::uint16_t wake_ms_ = 0;

  State state_ = State::steady;
  std::uint8_t rate_ = 0;
  std::uint8_t former_ = 0;
  std::uint8_t asked_ = 0;
  std::uint16_t switch_number_ = 0;
  bool proof_due_ = false;
  Counters counters_;
};

}  // namespace meterlens::link
