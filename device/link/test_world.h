// For the tests of the link: camera and DTU on a serial line that behaves as a UART does (time per
// byte, garbage when the speeds differ, noise), an uplink that may be slow or stand still, and the
// server of the camera's tests. The camera may sleep: bytes that come meanwhile wake it and are
// lost, and so are those that come until it is awake. Virtual time in steps of 1 ms; each side runs
// only when something came or its own `due_ms` says so.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "device/camera/camera.h"
#include "device/camera/test_board.h"
#include "device/dtu/dtu.h"
#include "device/link/message.h"

namespace meterlens::link {

using Buffer = std::vector<std::uint8_t>;

// One direction of the line.
class Wire {
 public:
  // Copies of a unit that arrive; asked only when set, and then units leave whole.
  using Judge = std::function<int(Bytes unit)>;

  explicit Wire(std::uint32_t seed) : random_(seed) {}

  // What a byte's time allows in 1 ms goes out; the rest of the unit next time.
  template <class Pull>
  void send(const Pull& pull, std::uint32_t baud) {
    room_ = std::min(room_ + baud / 10'000.0, baud / 10'000.0 + 1);
    std::array<std::uint8_t, 128> out;
    const auto count = pull(std::span(out).first(static_cast<std::size_t>(room_)));
    room_ -= static_cast<double>(count);
    bytes += count;
    for (const std::uint8_t byte : std::span(out).first(count)) put(byte, baud);
  }
  // What a receiver of that speed takes for the bytes that have come.
  Buffer receive(std::uint32_t baud) {
    Buffer got;
    for (const auto& [byte, sent_baud] : flying_) {
      const bool garbled = sent_baud != baud || (sent_baud > works_up_to && hits(garbles));
      if (hits(drops)) continue;
      if (hits(inserts)) got.push_back(static_cast<std::uint8_t>(random_()));
      got.push_back(garbled || hits(flips) ? static_cast<std::uint8_t>(random_()) : byte);
    }
    flying_.clear();
    return got;
  }
  bool empty() const { return flying_.empty(); }
  // A sender that loses power: only so many bytes of what is on the way arrive.
  void cut() { flying_.resize(flying_.empty() ? 0 : random_() % flying_.size()); }

  // Chances a byte.
  double flips = 0, drops = 0, inserts = 0;
  std::uint32_t works_up_to = 921'600;
  double garbles = 1;  // above that speed
  Judge judge;
  std::size_t bytes = 0;

 private:
  struct Flying {
    std::uint8_t byte = 0;
    std::uint32_t baud = 0;
  };

  bool hits(double chance) {
    return chance > 0 && static_cast<double>(random_()) < chance * 4294967296.0;
  }
  void put(std::uint8_t byte, std::uint32_t baud) {
    if (!judge) {
      flying_.push_back({byte, baud});
      return;
    }
    unit_.push_back({byte, baud});
    const auto unit = reader_.put(byte);
    if (byte != 0) return;
    for (int copies = unit ? judge(*unit) : 1; copies > 0; --copies)
      flying_.insert(flying_.end(), unit_.begin(), unit_.end());
    unit_.clear();
  }

  std::mt19937 random_;
  double room_ = 0;
  std::vector<Flying> flying_;
  std::vector<Flying> unit_;
  UnitReader reader_;
};

// The MQTT client of the DTU, the broker and the server in one.
class Uplink {
 public:
  MeterlensMqtt port() {
    MeterlensMqtt mqtt{};
    mqtt.context = this;
    mqtt.connect = [](void*, const MeterlensMqttLogin*) {};
    mqtt.disconnect = [](void*) {};
    mqtt.state = [](void*) { return METERLENS_MQTT_UP; };
    mqtt.subscribe = [](void*, const char*, std::uint8_t) { return true; };
    mqtt.publish = [](void* self, const char* topic, const void* payload, std::uint32_t count,
                      std::uint8_t, bool) {
      const auto* from = static_cast<const std::uint8_t*>(payload);
      if (std::string_view(topic).ends_with("/up"))
        static_cast<Uplink*>(self)->waiting_.emplace_back(from, from + count);
      return true;
    };
    mqtt.unacknowledged = [](void* self) {
      return static_cast<std::uint32_t>(static_cast<Uplink*>(self)->waiting_.size());
    };
    mqtt.unix_ms = [](void* self) { return static_cast<Uplink*>(self)->unix_ms; };
    return mqtt;
  }

  // One more millisecond; true when something was acknowledged. `down` takes what the server says.
  bool tick(std::uint64_t now_ms, const std::function<void(const Buffer&)>& down) {
    bool moved = false;
    room_ = std::min(room_ + bytes_per_s / 1000.0, 2 * bytes_per_s / 1000.0 + 1100);
    while (!blocked && !waiting_.empty() && room_ >= static_cast<double>(waiting_[0].size())) {
      room_ -= static_cast<double>(waiting_[0].size());
      for (Buffer& reply : server.hear(waiting_[0], now_ms)) down(reply);
      waiting_.pop_front();
      moved = true;
    }
    for (Buffer& reply : server.step(now_ms)) down(reply);
    return moved;
  }
  void forget() { waiting_.clear(); }

  camera::FakeServer server;
  bool blocked = false;
  double bytes_per_s = 1e9;
  std::uint64_t unix_ms = 1'700'000'000'000;

 private:
  std::deque<Buffer> waiting_;
  double room_ = 0;
};

class LinkWorld {
 public:
  explicit LinkWorld(std::uint32_t baud_max = 115'200, std::uint32_t seed = 1)
      : up(seed), down(seed + 1000), baud_max_(baud_max), random_(seed + 2000) {
    uplink.server.unix_ms = 0;  // the DTU tells the time
    reset_camera();
    reset_dtu();
  }
  LinkWorld(const LinkWorld&) = delete;
  LinkWorld& operator=(const LinkWorld&) = delete;

  // Power off and on again at once.
  void reset_camera(MeterlensReset cause = METERLENS_RESET_POWER_ON) {
    up.cut();
    camera_line_.baud = bauds[0];
    camera_since_ms_ = now_ms;
    asleep = false;
    if (cause != METERLENS_RESET_WAKE) naps = 0;
    camera::CameraSettings settings{"test-1", protocol::Dialect::native, 1, {}, {}};
    settings.first_mark = static_cast<std::uint16_t>(random_());
    settings.sleep = sleep;
    camera = std::make_unique<camera::Camera>(sensor.port(), flash.port(), settings,
                                              camera_line_.port(baud_max_), power_port(cause));
    camera->start(0);
    camera_due_ms_ = now_ms;
  }
  void reset_dtu() {
    if (dtu) dropped_before_ += dtu->counters().up_dropped;
    down.cut();
    uplink.forget();
    dtu_line_.baud = bauds[0];
    dtu_since_ms_ = now_ms;
    dtu::DtuSettings settings;
    settings.session.device = "D";
    dtu = std::make_unique<dtu::Dtu>(uplink.port(), settings, dtu_line_.port(baud_max_));
    dtu->start(0);
    dtu_due_ms_ = now_ms;
  }

  void capture(std::uint32_t command_id) {
    tell(camera::FakeServer::frame_of(protocol::Capture{command_id}));
  }
  // Runs until `done`, at most so long; true if it came to that.
  bool run(
      std::uint64_t most_ms, const std::function<bool()>& done = [] { return false; }) {
    for (const std::uint64_t end = now_ms + most_ms; now_ms < end; ++now_ms) {
      if (done()) return true;
      tick();
    }
    return done();
  }
  bool run_until_stored(std::size_t count, std::uint64_t most_ms = 300'000) {
    return run(most_ms, [&] {
      return uplink.server.stored.size() >= count && camera->ring().waiting_count() == 0;
    });
  }
  // A photo of that size is in the camera's flash.
  bool shoot(std::size_t photo_bytes, std::uint32_t command_id = 1) {
    sensor.photo = camera::make_photo(photo_bytes, command_id);
    const auto before = camera->counters().shots;
    capture(command_id);
    return run(10'000, [&] { return camera->counters().shots > before; });
  }
  std::uint32_t dropped() const { return dropped_before_ + dtu->counters().up_dropped; }
  bool at_baud(std::uint32_t baud) const {
    return camera_line_.baud == baud && dtu_line_.baud == baud;
  }

  camera::FakeFlash flash;
  camera::FakeSensor sensor;
  Uplink uplink;
  Wire up;
  Wire down;
  std::unique_ptr<camera::Camera> camera;
  std::unique_ptr<dtu::Dtu> dtu;
  std::uint64_t now_ms = 1000;
  std::uint32_t baud_most = 0;  // at which both ever were
  std::uint32_t wakes = 0;      // of both sides
  camera::SleepSettings sleep;  // of a camera from its next reset on
  std::uint64_t wake_up_ms = 5;  // from the first byte, or the timer, to the running program
  bool asleep = false;
  bool deep = false;
  std::uint32_t naps = 0;       // what survives deep sleep
  std::vector<std::uint64_t> sleeps_ms = {};  // how long each was to be

 private:
  struct Port {
    std::uint32_t baud = bauds[0];
    MeterlensLine port(std::uint32_t baud_max) {
      MeterlensLine line{};
      if (baud_max <= bauds[0]) return line;
      line.context = this;
      line.baud_max = baud_max;
      line.set_baud = [](void* self, std::uint32_t wish) {
        static_cast<Port*>(self)->baud = wish;
        return true;
      };
      return line;
    }
  };

  MeterlensPower power_port(MeterlensReset cause) {
    MeterlensPower power{};
    power.context = this;
    power.reset_cause = cause;
    power.survives_sleep = &naps;
    power.sleep = [](void* context, bool deeply, std::uint64_t ms) {
      auto& self = *static_cast<LinkWorld*>(context);
      self.asleep = true;
      self.deep = deeply;
      self.sleeps_ms.push_back(ms);
      self.wake_at_ms_ = ms == UINT64_MAX ? ms : self.now_ms + ms;
    };
    return power;
  }
  void wake(bool bytes) {
    if (bytes) wake_at_ms_ = std::min(wake_at_ms_, now_ms + wake_up_ms);
    if (now_ms < wake_at_ms_) return;
    asleep = false;
    camera_due_ms_ = now_ms;
    if (deep) reset_camera(METERLENS_RESET_WAKE);
  }
  void tell(const Buffer& frame) {
    dtu->mqtt_in("meterlens/D/down", frame, now_ms - dtu_since_ms_);
    dtu_due_ms_ = now_ms;
  }
  void tick() {
    Buffer to_camera = down.receive(camera_line_.baud);
    const Buffer to_dtu = up.receive(dtu_line_.baud);
    if (asleep) {
      const bool bytes = !to_camera.empty();
      to_camera.clear();
      wake(bytes);
    }
    if (!asleep && (!to_camera.empty() || now_ms >= camera_due_ms_)) run_camera(to_camera);
    const bool acknowledged = uplink.tick(now_ms, [this](const Buffer& reply) { tell(reply); });
    if (!to_dtu.empty() || acknowledged || now_ms >= dtu_due_ms_) run_dtu(to_dtu);
    if (at_baud(camera_line_.baud)) baud_most = std::max(baud_most, camera_line_.baud);
  }
  void run_camera(const Buffer& bytes) {
    const std::uint64_t own_ms = now_ms - camera_since_ms_;
    ++wakes;
    camera->receive(bytes, own_ms);
    camera->step(own_ms);
    up.send([&](std::span<std::uint8_t> out) { return camera->pull(out, own_ms); },
            camera_line_.baud);
    const std::uint64_t due_ms = camera->due_ms(own_ms);
    camera_due_ms_ = due_ms == UINT64_MAX ? due_ms : due_ms + camera_since_ms_;
  }
  void run_dtu(const Buffer& bytes) {
    const std::uint64_t own_ms = now_ms - dtu_since_ms_;
    ++wakes;
    dtu->serial_in(bytes, own_ms);
    dtu->step(own_ms);
    down.send([&](std::span<std::uint8_t> out) { return dtu->pull(out, own_ms); }, dtu_line_.baud);
    const std::uint64_t due_ms = dtu->due_ms(own_ms);
    dtu_due_ms_ = due_ms == UINT64_MAX ? due_ms : due_ms + dtu_since_ms_;
  }

  std::uint32_t baud_max_;
  std::mt19937 random_;
  Port camera_line_;
  Port dtu_line_;
  std::uint64_t wake_at_ms_ = 0;
  std::uint64_t camera_since_ms_ = 0;
  std::uint64_t dtu_since_ms_ = 0;
  std::uint64_t camera_due_ms_ = 0;
  std::uint64_t dtu_due_ms_ = 0;
  std::uint32_t dropped_before_ = 0;
};

}  // namespace meterlens::link
