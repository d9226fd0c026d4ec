// What is sent to a SmartDTU besides captures: pins, UART parameters, timers, remote update, and
// any JSON for one of its UARTs; and how far it has come. Pure functions; the JSON library stays in
// control.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace meterlens::fleet {

enum class ControlKind : std::uint8_t { gpio, uart, timer, fota, send };
const char* name(ControlKind kind);

enum class ControlState : std::uint8_t {
  queued,       // the device is offline, or something else is under way there
  sent,         // for fota and send the end: a SmartDTU does not answer those
  confirmed,    // the device has told that it is so now
  unconfirmed,  // it has not, in time
  expired,      // it did not come online in time
  failed,
};
const char* name(ControlState state);
bool is_final(ControlKind kind, ControlState state);

struct Control {
  std::int64_t id = 0;
  std::string device;
  ControlKind kind = ControlKind::send;
  std::string payload;  // of the topic `control`, a JSON object
  ControlState state = ControlState::queued;
  std::string reason;
  std::int64_t created_ms = 0;  // Unix
  std::int64_t updated_ms = 0;
};

inline constexpr std::size_t control_bytes_max = 4096;  // of a payload

// The payload that a body asks for; the error says what is wrong with the body:
//   gpio   {"gpio1":1, ... "gpio14":0}
//   uart   {"uart":0 to 2, "baud_rate":115200, "data_bits":8, "parity":0, "stop_bits":1,
//           "flow_control":0}, all but uart may be left out
//   timer  {"timer":1 to 3, "enabled":true, "period_ms":60000, "repeat":true,
//           "callback":["aht10","gpio"]}
//   fota   {"firmware":"http://..."} or {"files":["http://...", ...]}
//   send   {"uart":0 to 2, "payload": any JSON but null, false, 0, "", [] and {}}
std::expected<std::string, std::string> payload_of(ControlKind kind, std::string_view body);

// Whether a state that the device has told shows what the control wanted. Never of fota and send.
bool confirms(const Control& control, std::string_view state_json);

}  // namespace meterlens::fleet
