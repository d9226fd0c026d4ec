#include "boards/qemu/bridged_mqtt.h"

#include <algorithm>

#include "device/text.h"

namespace meterlens::boards::qemu {

using protocol::ByteReader;

MeterlensMqtt BridgedMqtt::port() {
  MeterlensMqtt port{};
  port.context = this;
  port.connect = [](void* self, const MeterlensMqttLogin* login) {
    static_cast<BridgedMqtt*>(self)->connect(*login);
  };
  port.disconnect = [](void* self) { static_cast<BridgedMqtt*>(self)->disconnect(); };
  port.state = [](void* self) { return static_cast<BridgedMqtt*>(self)->state_; };
  port.subscribe = [](void* self, const char* topic, std::uint8_t qos) {
    return static_cast<BridgedMqtt*>(self)->subscribe(topic, qos);
  };
  port.publish = [](void* self, const char* topic, const void* payload, std::uint32_t bytes,
                    std::uint8_t qos, bool retain) {
    const protocol::Bytes view(static_cast<const std::uint8_t*>(payload), bytes);
    return static_cast<BridgedMqtt*>(self)->publish(topic, view, qos, retain);
  };
  port.unacknowledged = [](void* self) {
    const auto& mqtt = *static_cast<BridgedMqtt*>(self);
    return mqtt.published_ - mqtt.finished_;
  };
  port.unix_ms = [](void* self) {
    const auto& mqtt = *static_cast<BridgedMqtt*>(self);
    return mqtt.clock_ms_ == 0 ? 0 : mqtt.clock_ms_ + mqtt.now_ms_;
  };
  return port;
}

void BridgedMqtt::ask_identity() { send(RecordWriter(RecordKind::ask, out_).finish()); }

bool BridgedMqtt::hear(const Record& record, std::uint64_t now_ms) {
  now_ms_ = now_ms;
  if (record.kind == RecordKind::status) return hear_status(ByteReader(record.body));
  if (record.kind != RecordKind::identity || knows_identity()) return false;
  return hear_identity(ByteReader(record.body));
}

bool BridgedMqtt::hear_identity(ByteReader in) {
  device::TextWriter texts(identity_texts_);
  const auto keep = [&] {
    const std::string_view text = take_text(in);
    const std::size_t begin = texts.count();
    texts.put(text);
    return texts.text().substr(begin);
  };
  Identity heard;
  heard.dialect = in.u8() == 0 ? protocol::Dialect::native : protocol::Dialect::smartdtu;
  heard.product = keep();
  heard.device = keep();
  heard.user = keep();
  heard.password = keep();
  if (!in.at_end() || !protocol::is_device_name(heard.device)) return false;
  identity_ = heard;
  return true;
}

bool BridgedMqtt::hear_status(ByteReader in) {
  const std::uint32_t attempt = in.u32();
  const std::uint8_t state = in.u8();
  const std::uint32_t finished = in.u32();
  const std::uint64_t unix_ms = in.u64();
  if (!in.at_end() || state > METERLENS_MQTT_UP) return false;
  if (unix_ms > now_ms_) clock_ms_ = unix_ms - now_ms_;
  if (attempt != attempt_) return true;
  state_ = static_cast<MeterlensMqttState>(state);
  finished_ = std::min(finished, published_);
  return true;
}

void BridgedMqtt::connect(const MeterlensMqttLogin& login) {
  ++attempt_;
  published_ = finished_ = 0;
  const bool wills = login.will_topic != nullptr;
  const bool sent = send(RecordWriter(RecordKind::connect, out_)
                             .u32(attempt_)
                             .u16(login.keep_alive_s)
                             .u8(login.clean_session ? 1 : 0)
                             .text(login.client_id)
                             .text(login.user)
                             .text(login.password)
                             .text(wills ? login.will_topic : "")
                             .text(wills ? login.will_payload : "")
                             .finish());
  state_ = sent ? METERLENS_MQTT_CONNECTING : METERLENS_MQTT_DOWN;
}

void BridgedMqtt::disconnect() {
  send(RecordWriter(RecordKind::disconnect, out_).finish());
  state_ = METERLENS_MQTT_DOWN;
  ++attempt_;  // what the modem still says of that connection is past
}

bool BridgedMqtt::subscribe(const char* topic, std::uint8_t qos) {
  return send(RecordWriter(RecordKind::subscribe, out_).u8(qos).text(topic).finish());
}

bool BridgedMqtt::publish(const char* topic, protocol::Bytes payload, std::uint8_t qos,
                          bool retain) {
  if (state_ != METERLENS_MQTT_UP) return false;
  RecordWriter record(RecordKind::publish, out_);
  record.u8(qos).u8(retain ? 1 : 0).text(topic).bytes(payload);
  if (!send(record.finish())) return false;
  ++published_;
  return true;
}

bool BridgedMqtt::send(protocol::Bytes record) {
  if (outlet_.room(outlet_.context) < record.size()) return false;
  outlet_.put(outlet_.context, record);
  return true;
}

}  // namespace meterlens::boards::qemu
