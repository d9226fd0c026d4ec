// The DTU program: carries frames between a camera's serial line and an MQTT broker, unchanged, and
// keeps the connection. It knows of photos nothing: what it loses the camera sends again. But the
// camera sends only what the queue has room for (device/link): in normal operation nothing is lost.
// In the smartdtu dialect it behaves towards both sides like the devices already in the field.
// It has settings of its own (protocol/settings.h, Part::dtu), which survive a reset in `areas`,
// and a timer of its own that orders captures.
// The board runs it:
//
//   dtu.start(now);
//   forever: dtu.serial_in(bytes, now);  dtu.mqtt_in(topic, payload, now);  dtu.step(now);
//            n = dtu.pull(buffer, now);  write n bytes to the line;
//            sleep until something comes, the line has room, the client's state or acknowledgements
//            change, or dtu.due_ms(now)
//
// Memory: about 30 KB in the object, no heap. Threads: one. Time: `now_ms` is the board's own
// clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "device/dtu/capture_timer.h"
#include "device/dtu/queue.h"
#include "device/dtu/session.h"
#include "device/dtu/smart.h"
#include "device/link/dtu_end.h"
#include "device/link/unit.h"
#include "device/port.h"
#include "device/settings/kept.h"
#include "device/update/receiver.h"
#include "protocol/message.h"

namespace meterlens::dtu {

inline constexpr std::size_t up_queue_bytes = 12'288;
inline constexpr std::size_t down_queue_bytes = 4'096;
inline constexpr std::uint32_t health_chars_max = 512;  // of what the board adds to the status

// The texts must outlive the Dtu.
struct DtuSettings {
  SessionSettings session;
  std::string_view firmware;  // at most 32 characters of a device name
  std::string_view imei = "000000000000000";
  std::uint16_t uart_read_bytes = uart_text_bytes_max;  // smartdtu: see SmartUart
  MeterlensPower power = {};
  update::Settings update = {};  // of this part; as it is: no remote update
};

class Dtu {
 public:
  struct Counters {
    std::uint32_t up = 0;          // handed to the MQTT client
    std::uint32_t up_dropped = 0;  // the queue was full
    std::uint32_t down = 0;        // written to the line
    std::uint32_t down_dropped = 0;
    std::uint32_t serial_errors = 0;  // units that were no frame
    std::uint32_t foreign = 0;        // MQTT messages that were no frame, or no control
    std::uint32_t unknown_keys = 0;   // smartdtu: of control messages
  };

  // Without `line` the speed of the line is fixed; without `areas` its own settings are forgotten
  // at a reset.
  Dtu(const MeterlensMqtt& mqtt, const DtuSettings& settings, const MeterlensLine& line = {},
      const MeterlensAreas& areas = {});
  Dtu(const Dtu&) = delete;
  Dtu& operator=(const Dtu&) = delete;

  void start(std::uint64_t now_ms);
  void serial_in(Bytes bytes, std::uint64_t now_ms);
  void mqtt_in(std::string_view topic, Bytes payload, std::uint64_t now_ms);
  void step(std::uint64_t now_ms);
  // Bytes for the serial line; 0: none.
  std::size_t pull(std::span<std::uint8_t> out, std::uint64_t now_ms);
  // When `step` has something to do without anything coming in; UINT64_MAX: never.
  std::uint64_t due_ms(std::uint64_t now_ms) const;
  // Says goodbye to the broker; go on with `step` until `stopped`.
  void stop(std::uint64_t now_ms);
  bool stopped() const { return session_.stopped(); }

  bool online() const { return session_.up(); }
  std::size_t waiting_count() const { return up_.count(); }
  const Counters& counters() const { return counters_; }
  const link::UnitReader::Counters& line_counters() const { return units_.counters(); }
  const SmartUart::Counters& uart_counters() const { return uart_.counters(); }
  const link::DtuEnd& link() const { return link_; }
  const settings::Kept& kept() const { return kept_; }
  const CaptureTimer::Counters& timer_counters() const { return timer_.counters(); }
  const update::Receiver& update() const { return update_; }

 private:
  bool native() const { return settings_.session.dialect == protocol::Dialect::native; }
  void came_up(std::uint64_t now_ms);
  void say_online(std::uint64_t now_ms);
  void hear_unit(Bytes unit, std::uint64_t now_ms);
  void hear_link(Bytes unit, std::uint64_t now_ms);
  void hear_camera(Bytes frame, std::uint64_t now_ms);
  bool hear_own(const protocol::Message& message, std::uint64_t now_ms);
  bool take_settings(const protocol::Settings& wanted, std::uint64_t now_ms);
  void obey(std::uint64_t now_ms);
  void hear_control(std::string_view text, std::uint64_t now_ms);
  void order_capture(std::uint64_t now_ms);
  void send_state();
  bool hear_update(const protocol::Message& message);
  void step_update(std::uint64_t now_ms);
  link::DtuEnd::Situation situation() const;
  std::uint32_t damaged_units() const;
  bool fill(std::uint64_t now_ms);
  bool fill_zeros(std::uint64_t now_ms);
  std::size_t pull_text(std::span<std::uint8_t> out);
  std::uint64_t unix_ms() const { return mqtt_.unix_ms(mqtt_.context); }
  Bytes frame_of(const protocol::Message& message);
  void send_clock();
  void send_event(std::size_t chars);
  void flush();
  bool push_up(Bytes message);
  void push_down(Bytes message);

  MeterlensMqtt mqtt_;
  DtuSettings settings_;
  Session session_;
  link::UnitReader units_;
  link::DtuEnd link_;
  MeterlensLine line_;
  settings::Kept kept_;
  CaptureTimer timer_;
  SmartUart uart_;
  SmartTimers smart_timers_;
  Pins pins_{};
  std::uint32_t window_ = 1;
  update::Receiver update_;
  bool status_said_ = false;  // since the start
  Counters counters_;
  std::uint64_t started_ms_ = 0;
  std::uint64_t status_due_ms_ = 0;
  std::size_t waiting_most_ = 0;
  std::array<char, event_bytes_max> event_;
  std::array<std::uint8_t, up_queue_bytes> up_memory_{};
  std::array<std::uint8_t, down_queue_bytes> down_memory_{};
  MessageQueue up_;
  MessageQueue down_;
  std::array<std::uint8_t, 1 + link::unit_bytes_max> out_;  // on its way to the line
  std::size_t out_count_ = 0;
  std::size_t out_taken_ = 0;
  std::size_t text_taken_ = 0;  // smartdtu: of the front of `down_`
  bool line_idle_ = true;
};

}  // namespace meterlens::dtu
