// A part's half of remote update (SPEC.md, section 10): judges an offered image before anything is
// erased, makes room, programs packets in any order, reads the whole image back, hands it to the
// board on trial and restarts. A program that is on trial is confirmed once it has been heard from
// outside; else it restarts into the old one. A reset in the middle forgets the update, the old
// program runs, and the server begins anew.
// A pure state machine: no heap, no clock of its own, one thread. Memory: about 600 bytes in the
// object, 1.2 KB of stack in `step` (the signature).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "device/port.h"
#include "protocol/image.h"
#include "protocol/message.h"

namespace meterlens::update {

// An answer may have to go through a DTU and a broker before the part restarts.
inline constexpr std::uint64_t restart_pause_ms = 3'000;
inline constexpr std::uint64_t trial_ms_initial = 600'000;
inline constexpr std::uint64_t erase_poll_ms = 5;
inline constexpr std::uint32_t check_step_bytes = 2'048;  // read back in one step

struct Settings {
  MeterlensImages images{};    // all zero: every image is refused
  MeterlensPower power{};      // without `restart` as well
  std::string_view board;      // what images must be signed for; must outlive the receiver
  protocol::PublicKey key{};   // all zero: no signature is right
  std::uint64_t trial_ms = trial_ms_initial;
};

class Receiver {
 public:
  struct Counters {
    std::uint32_t packets = 0;  // programmed
    std::uint32_t ignored = 0;  // doubled, late, or of a wrong size
    std::uint32_t refused = 0;  // images
    std::uint32_t failed = 0;   // updates, and confirmations that the board did not take
  };

  Receiver(protocol::Part part, const Settings& settings);

  void start(std::uint64_t now_ms);
  // For this part; a packet: of the update that this part knows.
  bool is_own(const protocol::Image& image) const { return image.part == part_; }
  bool is_own(const protocol::ImageSent& sent) const { return sent.part == part_; }
  bool is_own(const protocol::ImagePacket& packet) const;
  void hear(const protocol::Image& image);
  void hear(const protocol::ImagePacket& packet);
  void hear(const protocol::ImageSent& sent);
  // Somebody outside has heard this program: it is confirmed, and the server told what runs.
  void heard_from_outside();

  // `quiet`: an update may begin, and the part restart.
  void step(std::uint64_t now_ms, bool quiet);
  // A frame for the server; 0: none. Requires frame_bytes_max.
  std::size_t next_frame(std::span<std::uint8_t> out);
  bool has_frame() const { return state_due_ || missing_due_ || start_due_ || unknown_id_ != 0; }
  // When `step` has something to do; UINT64_MAX: never.
  std::uint64_t due_ms(std::uint64_t now_ms, bool quiet) const;

  bool on_trial() const { return on_trial_; }
  // Makes room, reads back, or is about to restart.
  bool at_work() const {
    return step_ == Step::erasing || step_ == Step::checking || step_ == Step::trying;
  }
  // A reset would lose an update, or how long the trial has lasted.
  bool remembers() const { return on_trial_ || step_ != Step::none; }
  const Counters& counters() const { return counters_; }

 private:
  enum class Step : std::uint8_t {
    none,       // no update, or one that has ended as `told_` says
    offered,    // to be judged
    erasing,
    receiving,
    checking,
    verified,   // waits for quiet
    trying,     // waits for the restart
  };

  bool can_update() const;
  protocol::UpdateFailure judge() const;
  bool signature_is_right() const;
  void end(protocol::UpdateState state, protocol::UpdateFailure failure);
  void say(protocol::UpdateState state);
  void begin();
  void erase();
  bool program(std::uint32_t offset, protocol::Bytes data) const;
  void check();
  void try_new(std::uint64_t now_ms);
  void unknown(std::uint32_t update_id);
  std::size_t state_frame(std::span<std::uint8_t> out, std::uint32_t update_id,
                          protocol::UpdateState state, protocol::UpdateFailure failure) const;
  protocol::ImageHead head() const;

  protocol::Part part_;
  Settings settings_;
  Step step_ = Step::none;
  bool on_trial_;
  bool was_heard_ = false;  // since the start
  bool start_due_ = false;
  bool state_due_ = false;
  bool missing_due_ = false;
  protocol::UpdateState told_ = protocol::UpdateState::receiving;
  protocol::UpdateFailure failure_ = protocol::UpdateFailure::none;
  std::uint64_t started_ms_ = 0;
  std::uint64_t restart_ms_ = 0;

  std::uint32_t update_id_ = 0;  // 0: none since the start
  std::uint32_t unknown_id_ = 0;  // to be answered by an empty ImageMissing
  std::uint32_t version_ = 0;
  std::uint32_t image_bytes_ = 0;
  protocol::Digest sha256_{};
  std::array<std::uint8_t, protocol::signature_bytes> signature_{};
  std::uint32_t missing_count_ = 0;
  std::array<std::uint8_t, protocol::packet_count_max / 8> missing_{};
  std::uint32_t checked_bytes_ = 0;
  protocol::Sha256 sum_;
  Counters counters_;
};

}  // namespace meterlens::update
