// The one-chip build: camera and DTU core, Wi-Fi, ESP-IDF's MQTT client. Set up on its own page.
#include <algorithm>

#include "boards/esp32cam/portable/pair.h"
#include "cores.h"
#include "kept_setup.h"
#include "mqtt.h"
#include "wifi_station.h"

namespace meterlens::esp32cam {
namespace {

// Nothing to do until the page was filled in; that restarts the program.
[[noreturn]] void wait_for_setup(Loop& loop) {
  for (;;) loop.wait_until(UINT64_MAX);
}

[[noreturn]] void run() {
  static Loop loop;
  keep_board_on();
  begin_nvs();
  const MeterlensPower power = power_port(nullptr);
  introduce("one chip", power);
  static const std::optional<Setup> setup = load_setup();
  static WifiStation station(loop, setup);
  if (!setup) wait_for_setup(loop);
  static CameraPorts ports(loop);
  static camera::Camera camera = make_camera(ports, protocol::Dialect::native, {}, power);
  // `load_setup` has checked it.
  static const BrokerAddress broker = read_broker(setup->broker.view()).value_or(BrokerAddress{});
  static Mqtt mqtt(loop, broker);
  static dtu::Dtu dtu = make_dtu(mqtt.port(), broker, setup->device.view(), {}, power);
  camera.start(uptime_ms());
  dtu.start(uptime_ms());
  for (;;) {
    mqtt.deliver(dtu);
    camera.step(uptime_ms());
    dtu.step(uptime_ms());
    carry(camera, dtu, uptime_ms());
    // What the camera has just said goes on to the broker in the same round.
    dtu.step(uptime_ms());
    const std::uint64_t now_ms = uptime_ms();
    loop.wait_until(std::min(camera.due_ms(now_ms), dtu.due_ms(now_ms)));
  }
}

}  // namespace
}  // namespace meterlens::esp32cam

extern "C" void app_main() { meterlens::esp32cam::run(); }
