// The camera alone: a DTU of ours, or an unchanged SmartDTU, at the serial line.
#include <array>
#include <span>

#include "cores.h"
#include "sdkconfig.h"
#include "uart_line.h"

namespace meterlens::esp32cam {
namespace {

#if CONFIG_METERLENS_SMARTDTU
constexpr auto first_dialect = protocol::Dialect::smartdtu;
#else
constexpr auto first_dialect = protocol::Dialect::native;
#endif

[[noreturn]] void run() {
  static Loop loop;
  keep_board_on();
  static UartLine line(loop, link::bauds[0]);
  const MeterlensPower power = power_port(&line);
  introduce("camera", power);
  static CameraPorts ports(loop);
  static camera::Camera camera =
      make_camera(ports, first_dialect, line.port(CONFIG_METERLENS_BAUD_MAX), power);
  static std::array<std::uint8_t, 1024> bytes;
  camera.start(uptime_ms());
  for (;;) {
    camera.receive(std::span(bytes).first(line.read(bytes)), uptime_ms());
    camera.step(uptime_ms());
    line.write([](std::span<std::uint8_t> out) { return camera.pull(out, uptime_ms()); });
    const std::uint64_t now_ms = uptime_ms();
    const std::uint64_t room_ms = line.room_due_ms(now_ms);
    // Without room nothing that is due can leave.
    loop.wait_until(room_ms != UINT64_MAX ? room_ms : camera.due_ms(now_ms));
  }
}

}  // namespace
}  // namespace meterlens::esp32cam

extern "C" void app_main() { meterlens::esp32cam::run(); }
