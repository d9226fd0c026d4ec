// Messages of varying size in a ring of bytes that somebody else owns: first in, first out, each in
// one piece. No heap, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/checksum.h"
#include "protocol/require.h"

namespace meterlens::dtu {

using protocol::Bytes;

class MessageQueue {
 public:
  static constexpr std::size_t head_bytes = 2;

  explicit MessageQueue(std::span<std::uint8_t> memory) : memory_(memory) {}

  // false: no room; the queue is as before. Requires less than 65,536 bytes.
  bool push(Bytes message) {
    protocol::require(message.size() <= 0xFFFF);
    const std::size_t needed = message.size() + head_bytes;
    if (!wrapped_ && memory_.size() - tail_ < needed) {
      if (head_ < needed) return false;
      end_ = tail_;
      tail_ = 0;
      wrapped_ = true;
    } else if (wrapped_ && head_ - tail_ < needed) {
      return false;
    }
    memory_[tail_] = static_cast<std::uint8_t>(message.size());
    memory_[tail_ + 1] = static_cast<std::uint8_t>(message.size() >> 8);
    const auto to = memory_.begin() + static_cast<std::ptrdiff_t>(tail_ + head_bytes);
    std::copy(message.begin(), message.end(), to);
    tail_ += needed;
    ++count_;
    return true;
  }

  // The oldest; holds until `pop`.
  std::optional<Bytes> front() const {
    if (count_ == 0) return std::nullopt;
    return memory_.subspan(head_ + head_bytes, front_bytes());
  }

  // Requires a message.
  void pop() {
    protocol::require(count_ > 0);
    head_ += head_bytes + front_bytes();
    --count_;
    if (wrapped_ && head_ == end_) {
      head_ = 0;
      wrapped_ = false;
    }
    if (count_ == 0) head_ = tail_ = 0;
  }

  std::size_t count() const { return count_; }

  // So many bytes of messages, with `head_bytes` for each, surely find room, whatever their sizes
  // up to `message_bytes_max`: what is left over at the end of the ring is not counted. A push
  // lowers it by no more than the message and its head; a pop never lowers it.
  std::size_t sure_bytes(std::size_t message_bytes_max) const {
    if (wrapped_) return head_ - tail_;
    const std::size_t at_end = memory_.size() - tail_;
    const std::size_t left_over = message_bytes_max + head_bytes - 1;
    return std::max(at_end, at_end + head_ - std::min(at_end + head_, left_over));
  }

 private:
  std::size_t front_bytes() const {
    return memory_[head_] | static_cast<std::size_t>(memory_[head_ + 1]) << 8;
  }

  std::span<std::uint8_t> memory_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  std::size_t end_ = 0;  // of the messages behind `head_` while `wrapped_`
  std::size_t count_ = 0;
  bool wrapped_ = false;
};

}  // namespace meterlens::dtu
