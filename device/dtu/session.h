// The DTU's connection to the broker: connects, subscribes, says online, comes back with growing,
// jittered pauses when it is cut or nothing that is sent is acknowledged, says offline before it
// leaves. Topics and login of both dialects.
// No heap, no clock of its own, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "device/port.h"
#include "protocol/checksum.h"
#include "protocol/ids.h"

namespace meterlens::dtu {

inline constexpr std::uint64_t connect_timeout_ms = 30'000;
inline constexpr std::uint64_t retry_pause_first_ms = 1'000;
inline constexpr std::uint64_t retry_pause_last_ms = 60'000;
// A connection that held so long sets the pauses back to the first.
inline constexpr std::uint64_t steady_ms = 30'000;
inline constexpr std::uint64_t farewell_timeout_ms = 3'000;
// A broker that answers pings and acknowledges nothing for so long may do so again on another
// connection.
inline constexpr std::uint64_t acknowledge_timeout_ms = 120'000;

struct SessionSettings {
  protocol::Dialect dialect = protocol::Dialect::native;
  std::string_view product;  // SmartDTU's product id; not used by the native dialect
  std::string_view device;
  std::string_view user;      // empty: none
  std::string_view password;  // empty: none
  std::uint32_t jitter_seed = 1;
};

class Session {
 public:
  // Requires names that protocol::is_device_name allows, user and password of at most 128.
  Session(const MeterlensMqtt& mqtt, const SessionSettings& settings);

  void start(std::uint64_t now_ms);
  // true: the connection has just come up, and `down` is subscribed to.
  bool step(std::uint64_t now_ms);
  // Says offline (native) and disconnects when that is acknowledged or time is up.
  void stop(std::uint64_t now_ms);
  bool stopped() const { return state_ == State::stopped; }
  bool up() const { return state_ == State::up; }
  std::uint64_t due_ms() const { return due_ms_; }

  // false: not now.
  bool publish_up(protocol::Bytes payload);
  bool publish_status(std::string_view json);
  bool is_down_topic(std::string_view topic) const;
  std::uint32_t connects() const { return connects_; }

 private:
  enum class State : std::uint8_t { idle, pausing, connecting, up, leaving, stopped };
  using TopicText = std::array<char, protocol::topic_chars_max + 1>;

  void connect(std::uint64_t now_ms);
  void pause(std::uint64_t now_ms);
  bool is_ignored(std::uint64_t now_ms);
  bool native() const { return settings_.dialect == protocol::Dialect::native; }

  MeterlensMqtt mqtt_;
  SessionSettings settings_;
  TopicText up_topic_{};
  TopicText down_topic_{};
  TopicText status_topic_{};
  std::array<char, 2 * protocol::device_name_chars_max + 16> client_id_{};
  std::array<char, 129> user_{};
  std::array<char, 129> password_{};
  State state_ = State::idle;
  std::uint64_t due_ms_ = 0;
  std::uint64_t up_since_ms_ = 0;
  std::uint64_t pause_ms_ = retry_pause_first_ms;
  std::uint32_t random_;
  bool farewell_said_ = false;
  std::uint32_t connects_ = 0;
  std::uint32_t sent_ = 0, acknowledged_ = 0;  // messages of this connection
  bool rests_ = true;                          // nothing was open at the last step
  std::uint64_t acknowledged_ms_ = 0;          // the last one, or nothing was open then
};

}  // namespace meterlens::dtu
