// One meter's camera and DTU: the production programs, each with a power supply and an uptime of
// its own, on simulated flash, sensor, serial line and MQTT. Does work only when something comes or
// is due, so an idle device costs almost nothing. One thread; events, broker and faults outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "device/camera/camera.h"
#include "device/dtu/dtu.h"
#include "sim/areas.h"
#include "sim/broker.h"
#include "sim/flash.h"
#include "sim/line.h"
#include "sim/photographer.h"

namespace meterlens::sim {

inline constexpr std::uint32_t flash_slot_count = 4;
inline constexpr std::uint32_t flash_slot_bytes = 65'536;
inline constexpr std::int64_t mobile_latency_us = 50'000;  // LTE Cat.1, one way
// From what wakes a camera to its running program; what the line brings until then is lost.
inline constexpr std::int64_t wake_light_us = 3'000;
inline constexpr std::int64_t wake_deep_us = 900'000;
// The true time at the beginning of every world.
inline constexpr std::int64_t unix_begin_ms = 1'700'000'000'000;

struct DeviceSettings {
  std::string name;
  std::string product = {};  // not empty: speaks SmartDTU's dialect
  camera::TextSettings text = {};
  camera::SleepSettings sleep = {};
  std::int64_t latency_us = mobile_latency_us;  // one way, to the broker
  std::uint32_t timer_period_s = 0;  // of the DTU's own timer, which it keeps; 0: none
};

class Device {
 public:
  Device(Events& events, Broker& broker, const Faults& faults, DeviceSettings settings,
         Random random);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void start();
  void cut_camera(std::int64_t away_us);
  void cut_dtu(std::int64_t away_us);
  // The next power cut comes during a write to the flash.
  void cut_at_flash_write(int writes, double share) { flash_.cut_after(writes, share); }
  void cut_link(std::int64_t away_us) { broker_.cut(client_, away_us); }
  void mute_camera(bool muted) { up_.mute(muted); }
  void jump_clock(std::int64_t by_ms) { clock_offset_ms_ += by_ms; }
  // The DTU's own timer, by a message as the server's; it keeps the period. Requires power.
  void set_timer(std::uint32_t period_s);
  // The first moment of that timer, by the network's time as it is now, not before `from_ms` of
  // the world; the others follow by the period.
  std::int64_t timer_moment_ms(std::int64_t from_ms) const;
  // The id of the order of that moment, of its first attempt.
  std::uint32_t timer_order(std::int64_t moment_ms) const {
    const std::int64_t unix_s = (unix_begin_ms + clock_offset_ms_ + moment_ms) / 1000;
    return dtu::timer_command | static_cast<std::uint32_t>(unix_s);
  }
  std::uint32_t timer_period_s() const { return settings_.timer_period_s; }
  // Power everywhere, now.
  void restore();

  const std::string& name() const { return settings_.name; }
  protocol::Dialect dialect() const;
  Flash& flash() { return flash_; }
  Sensor& sensor() { return sensor_; }
  // Null without power.
  const camera::Camera* camera() const { return camera_.get(); }
  std::uint64_t camera_starts() const { return camera_number_; }
  bool asleep() const { return asleep_; }
  bool attached() const { return broker_.attached(client_); }
  std::uint64_t camera_sleeps() const { return sleep_number_; }

  // After every turn of the camera, and after it has started.
  std::function<void(Device&)> on_camera = [](Device&) {};

 private:
  void power_camera(MeterlensReset cause = METERLENS_RESET_POWER_ON);
  void sleep(bool deep, std::uint64_t ms);
  void wake_after(std::int64_t delay_us);
  void wake();
  MeterlensPower power_port(MeterlensReset cause);
  void power_dtu();
  void lose_camera(std::int64_t away_us);
  std::size_t pull_camera(std::span<std::uint8_t> out);
  void camera_hears(protocol::Bytes bytes);
  std::size_t pull_dtu(std::span<std::uint8_t> out);
  void dtu_hears(protocol::Bytes bytes);
  void dtu_turn();
  void wake_camera();
  void wake_dtu();
  MeterlensMqtt mqtt_port();
  std::uint64_t camera_uptime_ms() const;
  std::uint64_t dtu_uptime_ms() const;

  Events& events_;
  Broker& broker_;
  DeviceSettings settings_;
  Random random_;
  Flash flash_;
  Sensor sensor_;
  Line up_, down_;
  Broker::Client client_;
  std::int64_t clock_offset_ms_ = 0;
  bool clock_known_ = false;

  std::unique_ptr<camera::Camera> camera_;
  std::int64_t camera_since_us_ = 0;
  std::uint64_t camera_number_ = 0;  // of its starts: what belongs to an earlier one is void
  std::int64_t camera_wake_us_ = -1;
  bool asleep_ = false;
  bool deep_ = false;
  bool waking_ = false;             // a byte has come
  std::uint64_t sleep_number_ = 0;  // what belongs to an earlier one is void
  std::uint32_t survives_sleep_ = 0;
  Areas areas_;  // of the DTU
  std::unique_ptr<dtu::Dtu> dtu_;
  std::int64_t dtu_since_us_ = 0;
  std::uint64_t dtu_number_ = 0;
  std::int64_t dtu_wake_us_ = -1;
};

}  // namespace meterlens::sim
