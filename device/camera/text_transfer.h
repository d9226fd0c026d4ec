// The sender of a camera that was last spoken to as SmartDTU cameras are: photos as bare JSON text
// (SPEC.md, section 7), pure ASCII, one piece at a time with pauses. There is no answer in this
// dialect, so a photo is forgotten once its end mark has left.
// No heap, no clock of its own, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "device/camera/ring.h"
#include "protocol/message.h"

namespace meterlens::camera {

struct TextSettings {
  // Of the photo in a piece. 640 keep the text below the 1024 bytes that a SmartDTU reads at once,
  // so that a piece arrives as one event; 1024 is what the first cameras sent. Photos of more than
  // 2048 such pieces are sent in pieces of 1024.
  std::uint16_t piece_bytes = 640;
  // From the last byte of a piece to the first of the next. A SmartDTU publishes each on a thread
  // of its own and they overtake each other when they come fast.
  std::uint16_t pause_ms = 300;
};

// The longest text `TextTransfer` writes.
inline constexpr std::size_t text_out_bytes_max = 1600;

class TextTransfer {
 public:
  // Requires 1 <= piece_bytes <= 1024.
  TextTransfer(PhotoRing& ring, const TextSettings& settings);

  // Writes the next text into `out` (text_out_bytes_max) and returns its bytes; 0: nothing now.
  std::size_t next_text(std::span<char> out, std::uint64_t now_ms);
  // The last text has left the camera: the pause begins.
  void text_left(std::uint64_t now_ms);
  // Begins with the first piece again.
  void reset();
  // As Transfer::due_ms.
  std::uint64_t due_ms() const;

 private:
  bool begin_next();
  std::size_t make_piece(std::span<char> out);
  std::size_t make_end(std::span<char> out);

  PhotoRing& ring_;
  TextSettings settings_;
  bool active_ = false;
  bool ended_ = false;
  Photo photo_;
  std::uint32_t piece_bytes_ = 0;
  std::uint32_t index_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t due_ms_ = 0;
  std::array<std::uint8_t, protocol::packet_bytes_max> data_;
};

}  // namespace meterlens::camera
