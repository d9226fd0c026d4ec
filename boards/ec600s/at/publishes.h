// The one message that waits for the modem, in memory of the owner's, and the publishes that the
// modem has taken and whose result has not come. Only bookkeeping. No heap, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "boards/ec600s/at/command.h"
#include "protocol/checksum.h"

namespace meterlens::at {

using protocol::Bytes;

inline constexpr std::size_t publishes_limit = 16;
inline constexpr std::uint64_t result_timeout_ms = 60'000;

class Publishes {
 public:
  // What a result (+QMTPUBEX: 0,id,result) means.
  enum class Result : std::uint8_t { acknowledged, again, failed, unknown };

  explicit Publishes(std::span<std::uint8_t> memory) : memory_(memory) {}

  // false: too long for the memory, or the topic is.
  bool fits(std::string_view topic, Bytes payload) const;
  // Requires that nothing is waiting and that it fits.
  void take(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain);
  bool waiting() const { return waiting_; }

  std::string_view topic() const { return topic_.view(); }
  Bytes payload() const { return Bytes(memory_).first(bytes_); }
  std::size_t bytes_max() const { return memory_.size(); }
  std::uint8_t qos() const { return qos_; }
  bool retain() const { return retain_; }
  // The id for the next attempt of the message: 1 to 65535 in a ring for QoS 1, 0 for QoS 0.
  std::uint16_t new_id();

  // The payload has left for the modem; a result may come. Requires in_flight() < publishes_limit.
  void sent(std::uint64_t now_ms);
  // The modem has taken the message: room for another.
  void taken() { waiting_ = false; }
  // The modem has refused the message.
  void refused();
  Result hear(int id, int result);
  // The connection is gone; how many messages went with it.
  std::uint32_t clear();

  std::size_t in_flight() const { return count_; }
  // Every message taken from the program and not acknowledged, each once.
  std::uint32_t unacknowledged() const;
  // When the oldest result is overdue; UINT64_MAX: none is awaited.
  std::uint64_t due_ms() const;

 private:
  struct InFlight {
    std::uint16_t id = 0;
    std::uint64_t due_ms = 0;
  };
  // Forgets the oldest with this id; false: there is none.
  bool remove(int id);

  std::span<std::uint8_t> memory_;
  Text<name_chars_max> topic_;
  std::size_t bytes_ = 0;
  std::uint8_t qos_ = 0;
  bool retain_ = false;
  bool waiting_ = false;
  bool sent_ = false;  // the one that waits is also among those in flight
  std::uint16_t last_id_ = 0;
  std::uint16_t id_ = 0;
  std::array<InFlight, publishes_limit> in_flight_;  // the oldest first
  std::size_t count_ = 0;
};

}  // namespace meterlens::at
