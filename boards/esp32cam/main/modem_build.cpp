// Camera and DTU core in one chip, with a stock EC600S at the serial line as the way to the broker.
#include <algorithm>
#include <array>
#include <span>

#include "boards/ec600s/at/modem.h"
#include "boards/esp32cam/portable/pair.h"
#include "cores.h"
#include "esp_log.h"
#include "kept_setup.h"
#include "protocol/frame.h"
#include "sdkconfig.h"
#include "uart_line.h"

namespace meterlens::esp32cam {
namespace {

constexpr std::uint32_t modem_baud = 115'200;

// What is configured is not such as it can be used: whoever built it sees that on the log.
[[noreturn]] void stop(const char* what) {
  ESP_LOGE("meterlens", "menuconfig, Meterlens: %s", what);
  abort();
}

BrokerAddress configured_broker() {
  const auto address = read_broker(CONFIG_METERLENS_BROKER);
  if (!address) stop("the broker must be mqtt(s)://[USER:PASSWORD@]HOST[:PORT]");
  return *address;
}

// Files in the modem's own memory.
at::Tls configured_tls(const BrokerAddress& broker) {
  if (!broker.tls) return {};
  const at::Tls tls{CONFIG_METERLENS_MODEM_CA, CONFIG_METERLENS_MODEM_CERTIFICATE,
                    CONFIG_METERLENS_MODEM_KEY};
  if (tls.authority.empty()) stop("mqtts needs the name of a CA's file in the modem");
  if (tls.certificate.empty() != tls.key.empty()) stop("certificate and key belong together");
  return tls;
}

std::string_view configured_device() {
  static const DeviceName chip = name_of_chip();
  constexpr std::string_view device = CONFIG_METERLENS_DEVICE;
  return protocol::is_device_name(device) ? device : chip.view();
}

struct Line {
  UartLine& uart;
  at::Modem& modem;

  void read() {
    static std::array<std::uint8_t, 1024> bytes;
    modem.receive(std::span(bytes).first(uart.read(bytes)), uptime_ms());
    modem.step(uptime_ms());
  }
  void write() {
    uart.write([this](std::span<std::uint8_t> out) { return modem.pull(out, uptime_ms()); });
  }
  std::uint64_t due_ms(std::uint64_t now_ms) const {
    const std::uint64_t room_ms = uart.room_due_ms(now_ms);
    return room_ms != UINT64_MAX ? room_ms : modem.due_ms(now_ms);
  }
};

[[noreturn]] void run() {
  static Loop loop;
  keep_board_on();
  const MeterlensPower power = power_port(nullptr);
  introduce("camera and modem", power);
  static UartLine uart(loop, modem_baud);
  static CameraPorts ports(loop);
  static camera::Camera camera = make_camera(ports, protocol::Dialect::native, {}, power);
  static const BrokerAddress broker = configured_broker();
  static std::array<std::uint8_t, protocol::frame_bytes_max> publish_memory;
  static dtu::Dtu* receiving = nullptr;
  at::ModemSettings settings;
  settings.host = broker.host.view();
  settings.port = broker.port;
  settings.tls = configured_tls(broker);
  static at::Modem modem(settings, publish_memory,
                         {nullptr, [](void*, std::string_view topic, at::Bytes payload) {
                            receiving->mqtt_in(topic, payload, uptime_ms());
                          }});
  static dtu::Dtu dtu =
      make_dtu(modem.port(), broker, configured_device(), modem.identity().imei(), power);
  receiving = &dtu;
  Line line{uart, modem};
  modem.start(uptime_ms());
  camera.start(uptime_ms());
  dtu.start(uptime_ms());
  for (;;) {
    line.read();
    camera.step(uptime_ms());
    dtu.step(uptime_ms());
    carry(camera, dtu, uptime_ms());
    // What the camera has just said goes on to the modem in the same round.
    dtu.step(uptime_ms());
    line.write();
    const std::uint64_t now_ms = uptime_ms();
    loop.wait_until(std::min({camera.due_ms(now_ms), dtu.due_ms(now_ms), line.due_ms(now_ms)}));
  }
}

}  // namespace
}  // namespace meterlens::esp32cam

extern "C" void app_main() { meterlens::esp32cam::run(); }
