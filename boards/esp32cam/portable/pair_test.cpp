#include "boards/esp32cam/portable/pair.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "device/camera/test_board.h"

namespace meterlens::esp32cam {
namespace {

// A broker with the server behind it; acknowledges `pace` messages in each step of time.
class FakeBroker {
 public:
  MeterlensMqtt port() {
    MeterlensMqtt mqtt{};
    mqtt.context = this;
    mqtt.connect = [](void* self, const MeterlensMqttLogin*) { of(self).up_ = true; };
    mqtt.disconnect = [](void* self) { of(self).up_ = false; };
    mqtt.state = [](void* self) { return of(self).up_ ? METERLENS_MQTT_UP : METERLENS_MQTT_DOWN; };
    mqtt.subscribe = [](void*, const char*, std::uint8_t) { return true; };
    mqtt.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                      std::uint8_t, bool) {
      const auto* from = static_cast<const std::uint8_t*>(payload);
      of(self).taken_.push_back({topic, {from, from + bytes}});
      return true;
    };
    mqtt.unacknowledged = [](void* self) {
      return static_cast<std::uint32_t>(of(self).taken_.size());
    };
    mqtt.unix_ms = [](void*) -> std::uint64_t { return 1'700'000'000'000; };
    return mqtt;
  }

  void step(dtu::Dtu& dtu, std::size_t pace, std::uint64_t now_ms) {
    for (; pace > 0 && !taken_.empty(); --pace) {
      const auto [topic, payload] = taken_.front();
      taken_.erase(taken_.begin());
      if (topic != "meterlens/m1/up") continue;
      for (const auto& reply : server.hear(payload, now_ms)) down(dtu, reply, now_ms);
    }
    for (const auto& reply : server.step(now_ms)) down(dtu, reply, now_ms);
  }
  void down(dtu::Dtu& dtu, const std::vector<std::uint8_t>& frame, std::uint64_t now_ms) {
    dtu.mqtt_in("meterlens/m1/down", frame, now_ms);
  }

  camera::FakeServer server;

 private:
  struct Message {
    std::string topic;
    std::vector<std::uint8_t> payload;
  };
  static FakeBroker& of(void* self) { return *static_cast<FakeBroker*>(self); }

  bool up_ = false;
  std::vector<Message> taken_;
};

TEST(Pair, CarriesPhotosWithoutLossOverASlowUplink) {
  camera::FakeFlash flash(4, 128 * 1024);
  camera::FakeSensor sensor;
  sensor.photo = camera::make_photo(100'000, 7);
  FakeBroker broker;
  camera::CameraSettings camera_settings;
  camera_settings.firmware = "test";
  camera::Camera camera(sensor.port(), flash.port(), camera_settings);
  dtu::DtuSettings settings;
  settings.session.device = "m1";
  settings.firmware = "test";
  dtu::Dtu dtu(broker.port(), settings);
  std::uint64_t now_ms = 1;
  camera.start(now_ms);
  dtu.start(now_ms);
  for (std::uint32_t command = 1; command <= 2; ++command) {
    bool ordered = false;
    for (const std::uint64_t end_ms = now_ms + 60'000;
         now_ms < end_ms && broker.server.stored.size() < command; now_ms += 10) {
      if (dtu.online() && !ordered) {
        broker.down(dtu, camera::FakeServer::frame_of(protocol::Capture{command}), now_ms);
        ordered = true;
      }
      camera.step(now_ms);
      dtu.step(now_ms);
      carry(camera, dtu, now_ms);
      dtu.step(now_ms);
      broker.step(dtu, 1, now_ms);
    }
    EXPECT_EQ(broker.server.stored.size(), command);
  }
  for (const auto& [id, photo] : broker.server.stored) EXPECT_EQ(photo, sensor.photo) << id;
  EXPECT_EQ(dtu.counters().up_dropped, 0U);
  EXPECT_EQ(dtu.counters().down_dropped, 0U);
  EXPECT_EQ(dtu.counters().serial_errors, 0U);
  EXPECT_EQ(camera.counters().frame_errors, 0U);
  EXPECT_EQ(camera.transfer_counters().repeats, 0U);
}

}  // namespace
}  // namespace meterlens::esp32cam
