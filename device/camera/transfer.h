// The native sender: one photo at a time from the flash to the server (SPEC.md, section 4). It
// makes frames when asked for them, hears the server's answers, and keeps the retry timers.
//
//   offer -> packets -> sent -> waiting --Missing--> packets ...   waiting --Stored--> next photo
//
// No heap, no clock of its own, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "device/camera/ring.h"
#include "protocol/message.h"

namespace meterlens::camera {

inline constexpr std::uint64_t sent_retry_first_ms = 3'000;
inline constexpr std::uint64_t sent_retry_last_ms = 60'000;
inline constexpr std::uint64_t refused_pause_ms = 60'000;
// A photo whose bytes in the flash do not give its hash so many times running is given up as lost.
inline constexpr std::uint8_t flaw_count_max = 3;

class Transfer {
 public:
  struct Counters {
    std::uint32_t stored = 0;
    std::uint32_t refused = 0;       // answers of any reason
    std::uint32_t packets = 0;       // made, repeats included
    std::uint32_t repeats = 0;       // packets asked for by Missing
    std::uint32_t wrong_stored = 0;  // Stored with a foreign hash: not believed
    std::uint32_t flash_flaws = 0;   // bytes unreadable or not those that were saved
  };

  explicit Transfer(PhotoRing& ring);

  // Writes the next frame into `out` (frame_bytes_max) and returns its bytes; 0: nothing now.
  // `clock_ms` is Unix time minus the camera's own, 0 while unknown.
  std::size_t next_frame(std::span<std::uint8_t> out, std::uint64_t now_ms, std::uint64_t clock_ms);

  void hear(const protocol::Missing& missing);
  void hear(const protocol::Stored& stored);
  void hear(const protocol::Refused& refused, std::uint64_t now_ms);
  // Asks again at once if it is waiting for an answer.
  void hurry(std::uint64_t now_ms);
  // Forgets where it was; the photos stay. The next frame is an offer.
  void reset();

  // The photo in transfer did not match its hash, and is not yet given up.
  bool has_flaws() const { return state_ != State::idle && flaw_count_ > 0; }
  // Packets are due, or a photo to offer.
  bool has_packets() const;
  // When `next_frame` has something to say next; now or earlier: at once; UINT64_MAX: never.
  std::uint64_t due_ms() const;
  const Counters& counters() const { return counters_; }

 private:
  enum class State : std::uint8_t { idle, offer, packets, sent, waiting, refused };
  using Bitmap = std::array<std::uint8_t, protocol::packet_count_max / 8>;

  std::size_t packet_count() const { return protocol::packet_count(photo_.bytes); }
  bool begin_next();
  std::size_t make_offer(std::span<std::uint8_t> out, std::uint64_t clock_ms);
  void begin_full_pass();
  std::size_t make_packet(std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::size_t make_sent(std::span<std::uint8_t> out, std::uint64_t now_ms);
  void skip_to_next_packet();
  bool check_hash(std::uint64_t now_ms);
  void flaw(std::uint64_t now_ms);
  void finish(bool lost);

  PhotoRing& ring_;
  State state_ = State::idle;
  Photo photo_;
  Bitmap to_send_{};
  Bitmap last_missing_{};
  std::size_t index_ = 0;
  bool full_pass_ = false;
  bool offer_again_ = false;
  protocol::Sha256 sum_;
  std::uint8_t flaw_count_ = 0;
  std::uint8_t wrong_hash_count_ = 0;
  std::uint64_t retry_ms_ = sent_retry_first_ms;
  std::uint64_t due_ms_ = 0;
  std::array<std::uint8_t, protocol::packet_bytes_max> data_;
  Counters counters_;
};

}  // namespace meterlens::camera
