#include "server/fleet/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace meterlens::fleet {
namespace {

using Json = nlohmann::ordered_json;

bool is_data(const protocol::Topic& topic, protocol::Bytes payload) {
  if (topic.dialect == protocol::Dialect::native) {
    if (topic.channel == protocol::Channel::status || payload.size() < 2) return false;
    return payload[1] == protocol::Packet::type || payload[1] == protocol::View::type ||
           payload[1] == protocol::ImagePacket::type;
  }
  const std::string_view text(reinterpret_cast<const char*>(payload.data()), payload.size());
  // A piece may come in pieces: what a UART says without a line of JSON of its own.
  return text.find("image_binary") != std::string_view::npos ||
         (text.size() > 1000 && text.find("\"uart") != std::string_view::npos);
}

bool is_text(std::string_view bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c >= 0x20 && c < 0x7f; });
}

void copy_number(const Json& from, const char* key, Json& to, const char* as) {
  const auto found = from.find(key);
  if (found != from.end() && found->is_number()) to[as] = *found;
}

std::string values_of(const protocol::Health& health) {
  const std::uint64_t errors = std::uint64_t{health.no_answers} + health.frame_timeouts +
                               health.frame_failures + health.empty_frames + health.failed_saves;
  return Json{{"uptime_s", health.uptime_s}, {"errors", errors},
              {"photos_lost", health.photos_lost}}.dump();
}

std::string values_of_dtu(const std::string& state_json) {
  const Json state = Json::parse(state_json, nullptr, false);
  Json out = Json::object();
  if (!state.is_object()) return {};
  copy_number(state, "signal_dbm", out, "signal_dbm");
  copy_number(state, "uptime_s", out, "uptime_s");
  copy_number(state, "waiting", out, "queue");
  std::uint64_t errors = 0;
  bool counted = false;
  for (const char* key : {"up_dropped", "down_dropped", "serial_errors", "settings_unwritten"}) {
    const auto found = state.find(key);
    if (found == state.end() || !found->is_number_unsigned()) continue;
    errors += found->get<std::uint32_t>();
    counted = true;
  }
  if (counted) out["errors"] = errors;
  const auto sensor = state.find("aht10");
  if (sensor != state.end() && sensor->is_object()) {
    const Json temperature = sensor->value("temperature", Json());
    const Json humidity = sensor->value("humidity", Json());
    // Without a sensor the device tells -50 and 0.
    if (temperature.is_number() && humidity.is_number() && !(temperature == -50 && humidity == 0)) {
      out["temperature_c"] = temperature;
      out["humidity_percent"] = humidity;
    }
  }
  return out.empty() ? std::string() : out.dump();
}

}  // namespace

const char* name(Direction direction) { return direction == Direction::up ? "up" : "down"; }

std::optional<Message> record(std::string_view topic_text, protocol::Bytes payload,
                              std::int64_t at_ms, const RecordLimits& limits) {
  const auto topic = protocol::parse_topic(topic_text);
  if (!topic || (!limits.photo_data && is_data(*topic, payload))) return {};
  Message out;
  out.device = topic->device;
  out.direction = topic->channel == protocol::Channel::down ? Direction::down : Direction::up;
  out.at_ms = at_ms;
  out.topic = topic_text;
  out.payload_bytes = static_cast<std::int64_t>(payload.size());
  const auto kept = payload.first(std::min(payload.size(), limits.payload_bytes_max));
  const std::string_view text(reinterpret_cast<const char*>(kept.data()), kept.size());
  out.is_text = is_text(text);
  if (out.is_text) {
    out.payload = text;
  } else {
    for (const std::uint8_t byte : kept) out.payload += fmt::format("{:02x}", byte);
  }
  return out;
}

std::optional<Sample> sample_of(const ingest::Packet& packet) {
  Sample out{packet.device, "dtu", packet.received_at_ms, {}};
  if (const auto* health = std::get_if<protocol::Health>(&packet.content)) {
    out.source = "camera";
    out.values_json = values_of(*health);
  } else if (const auto* presence = std::get_if<ingest::Presence>(&packet.content)) {
    if (presence->online) out.values_json = values_of_dtu(presence->state_json);
  } else if (const auto* state = std::get_if<ingest::SmartState>(&packet.content)) {
    out.values_json = values_of_dtu(state->json);
  }
  if (out.values_json.empty()) return {};
  return out;
}

}  // namespace meterlens::fleet
