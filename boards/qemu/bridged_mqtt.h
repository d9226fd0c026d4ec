// `MeterlensMqtt` for a DTU whose MQTT client is `meterlens-modem` at the other end of a UART
// (bridge.h): calls become records, and what the modem reports is remembered here. Bytes go out
// through the Outlet, records come in through `hear`. No heap, no clock of its own, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "boards/qemu/bridge.h"
#include "device/port.h"
#include "protocol/ids.h"

namespace meterlens::boards::qemu {

// Where bytes for the modem go; both functions outlive the BridgedMqtt.
struct Outlet {
  void* context;
  std::size_t (*room)(void* context);
  void (*put)(void* context, std::span<const std::uint8_t> bytes);
};

// Who this DTU is: the modem tells it, as a SIM and a settings file would. Texts hold as long as
// the BridgedMqtt.
struct Identity {
  protocol::Dialect dialect = protocol::Dialect::native;
  std::string_view product, device, user, password;
};

class BridgedMqtt {
 public:
  explicit BridgedMqtt(const Outlet& outlet) : outlet_(outlet) {}
  BridgedMqtt(const BridgedMqtt&) = delete;
  BridgedMqtt& operator=(const BridgedMqtt&) = delete;

  // Holds as long as this object.
  MeterlensMqtt port();
  // Asks the modem who this DTU is; `hear` gets the answer.
  void ask_identity();
  // Takes a status; before that, the identity. false: it is neither, or broken.
  bool hear(const Record& record, std::uint64_t now_ms);
  void tick(std::uint64_t now_ms) { now_ms_ = now_ms; }
  bool knows_identity() const { return !identity_.device.empty(); }
  const Identity& identity() const { return identity_; }

 private:
  bool hear_identity(protocol::ByteReader in);
  bool hear_status(protocol::ByteReader in);
  void connect(const MeterlensMqttLogin& login);
  void disconnect();
  bool publish(const char* topic, protocol::Bytes payload, std::uint8_t qos, bool retain);
  bool subscribe(const char* topic, std::uint8_t qos);
  bool send(protocol::Bytes record);

  Outlet outlet_;
  Identity identity_;
  std::array<char, 1'024> identity_texts_;
  std::array<std::uint8_t, record_head_bytes + record_body_bytes_max> out_;
  std::uint32_t attempt_ = 0;
  std::uint32_t published_ = 0;  // in this attempt
  std::uint32_t finished_ = 0;
  MeterlensMqttState state_ = METERLENS_MQTT_DOWN;
  std::uint64_t now_ms_ = 0;
  std::uint64_t clock_ms_ = 0;  // Unix time minus the DTU's; 0 unknown
};

}  // namespace meterlens::boards::qemu
