// The camera's end of the link: sends frames only within the credit that the DTU grants, and leads
// the change of the line's speed (SPEC.md, section 5). Until a link message is heard it lets every
// frame through and says but one Mark after a sleep, so a DTU without the link, or a SmartDTU, is
// served as ever.
//
//   rates: steady --Switch--> asking --Agree--> switching --> proving --Proof--> steady
//          no Agree, no Proof: back to the former rate. Nothing heard: both back to the first.
//
// Memory: about 150 bytes, no heap. One thread; no clock of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "device/link/message.h"
#include "device/link/rate.h"

namespace meterlens::link {

// A Mark at least each so many bytes of frames: what noise has cost of the credit comes back.
inline constexpr std::uint64_t mark_step_bytes = 4'096;
// An unanswered Mark, and one that asks for credit or says "still here", is repeated so often.
inline constexpr std::uint64_t mark_retry_ms = 500;
// Marks that nobody answers so long: there is no link any more, frames go as without one.
inline constexpr std::uint64_t link_lost_ms = 10'000;
// At a raised rate, when nothing whole is heard so long: back to the first rate. Both ends.
inline constexpr std::uint64_t silence_ms = 2'000;
// For Agree; longer than a DTU waits in vain at the new rate.
inline constexpr std::uint64_t agree_wait_ms = 700;
// A moment that does not come.
inline constexpr std::uint64_t never = UINT64_MAX;
inline constexpr std::uint8_t switch_attempts_max = 3;
// From the change to the first Probe, between two, and for the Proof in all.
inline constexpr std::uint64_t probe_settle_ms = 5;
inline constexpr std::uint64_t probe_step_ms = 20;
inline constexpr std::uint64_t proof_wait_ms = 300;
// A DTU at a new rate that nothing whole arrives at goes back after so long.
inline constexpr std::uint64_t prove_wait_ms = 500;
// A rate that failed is not tried again so long; after a mere silence, which may have been a reset,
// the shorter time.
inline constexpr std::uint64_t rate_ban_ms = 600'000;
inline constexpr std::uint64_t silence_ban_ms = 30'000;
// So many damaged units, either way, among so many frames or in so long: one rate down.
inline constexpr std::uint32_t error_count_max = 6;
inline constexpr std::uint32_t error_window_frames = 64;
inline constexpr std::uint64_t error_window_ms = 10'000;
// A line that carries no frames so long rests at the first rate.
inline constexpr std::uint64_t rest_after_ms = 5'000;

class CameraEnd {
 public:
  struct Counters {
    std::uint32_t stalls = 0;         // waits for credit
    std::uint32_t raised = 0;         // changes to a higher rate that were proven
    std::uint32_t lowered = 0;        // to a lower one
    std::uint32_t failed_probes = 0;  // changes taken back
    std::uint32_t silences = 0;       // falls to the first rate
    std::uint32_t lost = 0;           // times the link was given up
  };
  // What the camera has to say now.
  struct Wish {
    bool frame = false;  // a frame is due
    bool much = false;   // a photo is on its way or being taken
    bool rest = false;   // would sleep, if the line were at rest
  };

  // `first_mark`: better another one after each reset.
  CameraEnd(const MeterlensLine& line, std::uint16_t first_mark);

  // The line is spoken to in another dialect: no link, first rate.
  void reset();
  // false: not for a camera.
  bool hear(const LinkMessage& message, std::uint64_t now_ms);
  // A whole frame came; a damaged unit came.
  void hear_frame(std::uint64_t now_ms) { heard_ms_ = now_ms; }
  void hear_damage() { note_errors(1); }

  // A frame may be made now.
  bool open() const;
  void sent(std::size_t frame_bytes, std::uint64_t now_ms);
  // The camera has slept, or said that it would: says something whole, so that the DTU knows. One
  // Mark also without a link, which may have been given up while the DTU was away: its Grant brings
  // the link back, and with it the word of the next sleep.
  void wake() { mark_due_ = true; }
  // At the first rate, with nothing unanswered.
  bool at_rest() const;
  // Writes the next link message (link_bytes_max); 0: none.
  std::size_t next(std::span<std::uint8_t> out, Wish wish, std::uint64_t now_ms);
  // `drained`: all that was made has been pulled. true: the speed was changed.
  bool step(bool drained, std::uint64_t now_ms);
  // When `next` or `step` has something to do; UINT64_MAX: never.
  std::uint64_t due_ms(Wish wish, std::uint64_t now_ms) const;

  bool known() const { return known_; }
  std::uint32_t baud() const { return bauds[rate_]; }
  const Counters& counters() const { return counters_; }

 private:
  enum class State : std::uint8_t { steady, asking, switching, proving, resting };

  void take(const Grant& grant);
  void take(const Agree& agree, std::uint64_t now_ms);
  void take(const Proof& proof, std::uint64_t now_ms);
  void note_errors(std::uint32_t count);
  void note_stall(Wish wish);
  void begin_window(std::uint64_t now_ms);
  std::uint8_t rates() const { return static_cast<std::uint8_t>(own_rates_ & dtu_rates_); }
  bool has_credit() const { return sent_ + frame_cost_max <= limit_; }
  bool mark_is_due(Wish wish, std::uint64_t now_ms) const;
  std::uint8_t wanted_rate(Wish wish, std::uint64_t now_ms) const;
  std::size_t make_mark(std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::size_t ask(std::uint8_t rate, std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::size_t ask_again(std::span<std::uint8_t> out, std::uint64_t now_ms);
  void ban_above(std::uint8_t rate, std::uint64_t ban_ms, std::uint64_t now_ms);
  bool set_rate(std::uint8_t rate);
  bool fall_to_first(std::uint64_t now_ms);
  bool go_back(std::uint64_t now_ms);
  void go_on(std::uint64_t now_ms);

  MeterlensLine line_;
  std::uint8_t own_rates_;
  std::uint8_t dtu_rates_ = 1;
  bool known_ = false;
  bool first_rate_due_ = false;
  std::uint64_t heard_ms_ = 0;

  // Bytes of frames, each with its cost, since the start.
  std::uint64_t sent_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t mark_at_ = 0;
  std::uint16_t mark_number_;
  bool mark_due_ = false;
  bool mark_answered_ = true;
  bool stalled_ = false;
  std::uint64_t mark_ms_ = 0;
  std::uint64_t unanswered_since_ms_ = 0;

  State state_ = State::steady;
  std::uint8_t rate_ = 0;
  std::uint8_t former_ = 0;
  std::uint8_t asked_ = 0;
  std::uint8_t attempts_ = 0;
  std::uint16_t switch_number_;
  std::uint64_t until_ms_ = 0;
  std::uint64_t probe_due_ms_ = 0;
  std::uint64_t used_ms_ = 0;
  std::uint8_t rate_most_ = rate_last;
  std::uint64_t ban_until_ms_ = 0;

  std::uint32_t errors_ = 0;  // in the window
  std::uint8_t dtu_errors_ = 0;
  bool dtu_errors_known_ = false;
  std::uint32_t window_frames_ = 0;
  std::uint64_t window_ms_ = 0;
  Counters counters_;
};

}  // namespace meterlens::link
