// The DTU's core on an emulated Cortex-M3: the camera's line on UART0, on UART1 the modem
// (bridge.h), which first tells it who it is.
#include <algorithm>
#include <array>
#include <new>

#include "boards/qemu/arm/board.h"
#include "boards/qemu/bridged_mqtt.h"
#include "device/dtu/dtu.h"

namespace meterlens::boards::qemu {
namespace {

constexpr std::string_view firmware = "meterlens-qemu-dtu-0.1.0";

// The core's memory, by a name that figures.py knows; all else here is the board's own.
alignas(dtu::Dtu) std::array<std::byte, sizeof(dtu::Dtu)> dtu_core;

std::array<std::uint8_t, 1'024> line_in, line_out;
std::array<std::uint8_t, 1'024> modem_in;
std::array<std::uint8_t, 6'144> modem_out;
std::array<std::uint8_t, record_head_bytes + record_body_bytes_max> record_memory;
alignas(BridgedMqtt) std::array<std::byte, sizeof(BridgedMqtt)> mqtt_memory;

struct Wires {
  Uart line{0, line_in, line_out};
  Uart modem{1, modem_in, modem_out};
  RecordReader records{record_memory};
};

// The next record, if one is there.
std::optional<Record> next_record(Wires& wires) {
  std::uint8_t byte = 0;
  while (wires.modem.take({&byte, 1}) == 1)
    if (const auto record = wires.records.put(byte)) return record;
  return std::nullopt;
}

void learn_identity(Wires& wires, BridgedMqtt& mqtt) {
  mqtt.ask_identity();
  wires.modem.flush();
  while (!mqtt.knows_identity()) {
    if (const auto record = next_record(wires))
      mqtt.hear(*record, uptime_ms());
    else
      sleep(wires.modem, wires.line);
  }
}

void hear_modem(dtu::Dtu& dtu, BridgedMqtt& mqtt, Wires& wires) {
  while (const auto record = next_record(wires)) {
    if (record->kind != RecordKind::message) {
      mqtt.hear(*record, uptime_ms());
      continue;
    }
    protocol::ByteReader in(record->body);
    const std::string_view topic = take_text(in);
    dtu.mqtt_in(topic, in.rest(), uptime_ms());
  }
}

void hear_line(dtu::Dtu& dtu, Uart& line) {
  std::array<std::uint8_t, 256> bytes;
  while (const std::size_t count = line.take(bytes))
    dtu.serial_in(std::span(bytes).first(count), uptime_ms());
}

void speak_line(dtu::Dtu& dtu, Uart& line) {
  std::array<std::uint8_t, 256> bytes;
  line.flush();
  while (const std::size_t room = std::min(line.room(), bytes.size())) {
    const std::size_t count = dtu.pull(std::span(bytes).first(room), uptime_ms());
    if (count == 0) return;
    line.put(std::span(bytes).first(count));
    line.flush();
  }
}

[[noreturn]] void run(Wires& wires) {
  const Outlet outlet = {&wires.modem, [](void* uart) { return static_cast<Uart*>(uart)->room(); },
                         [](void* uart, std::span<const std::uint8_t> bytes) {
                           static_cast<Uart*>(uart)->put(bytes);
                         }};
  auto& mqtt = *new (mqtt_memory.data()) BridgedMqtt(outlet);
  learn_identity(wires, mqtt);
  dtu::DtuSettings settings;
  const Identity& identity = mqtt.identity();
  settings.session = {identity.dialect, identity.product,  identity.device,
                      identity.user,    identity.password, static_cast<std::uint32_t>(uptime_ms())};
  settings.firmware = firmware;
  auto& dtu = *new (dtu_core.data()) dtu::Dtu(mqtt.port(), settings);
  dtu.start(uptime_ms());
  while (true) {
    mqtt.tick(uptime_ms());
    hear_modem(dtu, mqtt, wires);
    hear_line(dtu, wires.line);
    dtu.step(uptime_ms());
    speak_line(dtu, wires.line);
    wires.modem.flush();
    sleep(wires.line, wires.modem);
  }
}

}  // namespace
}  // namespace meterlens::boards::qemu

extern "C" void run_board() {
  using namespace meterlens::boards::qemu;
  start_clock();
  Wires wires;
  run(wires);
}
