#include "server/errand.h"

#include <nlohmann/json.hpp>

namespace meterlens::server {
namespace {

using Json = nlohmann::json;

std::string packed(const Json& json) {
  const auto bytes = Json::to_msgpack(json);
  return {bytes.begin(), bytes.end()};
}

// An array of `count` members, or nothing.
std::optional<Json> unpacked(std::string_view body, std::size_t count) {
  auto json = Json::from_msgpack(body.begin(), body.end(), true, false);
  if (!json.is_array() || json.size() != count) return {};
  return json;
}

std::optional<std::int64_t> number_of(const Json& json) {
  if (!json.is_number_integer()) return {};
  return json.get<std::int64_t>();
}

}  // namespace

std::string encode(const Errand& errand) {
  return packed(Json::array({static_cast<int>(errand.kind), errand.device, errand.number,
                             errand.second, errand.flag, static_cast<int>(errand.part),
                             Json::binary(errand.bytes)}));
}

std::optional<Errand> decode_errand(std::string_view body) {
  const auto json = unpacked(body, 7);
  if (!json) return {};
  const Json& all = *json;
  const auto kind = number_of(all[0]), number = number_of(all[2]), second = number_of(all[3]),
             part = number_of(all[5]);
  if (!kind || !number || !second || !part || !all[1].is_string() || !all[4].is_boolean() ||
      !all[6].is_binary() || *kind < 0 || *kind > static_cast<int>(Errand::Kind::dues))
    return {};
  Errand out;
  out.kind = static_cast<Errand::Kind>(*kind);
  out.device = all[1].get<std::string>();
  out.number = *number;
  out.second = *second;
  out.flag = all[4].get<bool>();
  out.part = *part == static_cast<int>(protocol::Part::dtu) ? protocol::Part::dtu
                                                             : protocol::Part::camera;
  out.bytes = all[6].get_binary();
  return out;
}

std::string encode(const Outcome& outcome) {
  return packed(Json::array({outcome.error, outcome.id}));
}

std::optional<Outcome> decode_outcome(std::string_view body) {
  const auto json = unpacked(body, 2);
  if (!json) return {};
  const auto error = number_of((*json)[0]), id = number_of((*json)[1]);
  if (!error || !id) return {};
  return Outcome{static_cast<int>(*error), *id};
}

Errand errand_of(std::span<const schedule::Due> dues) {
  Json all = Json::array();
  for (const schedule::Due& one : dues)
    all.push_back(Json::array({one.device, one.due_ms, one.missed}));
  Errand out;
  out.kind = Errand::Kind::dues;
  if (!dues.empty()) out.device = dues.front().device;
  out.bytes = Json::to_msgpack(all);
  return out;
}

std::optional<std::vector<schedule::Due>> dues_of(const Errand& errand) {
  const auto all = Json::from_msgpack(errand.bytes.begin(), errand.bytes.end(), true, false);
  if (!all.is_array() || all.empty() || all.size() > dues_max) return {};
  std::vector<schedule::Due> out;
  for (const Json& one : all) {
    if (!one.is_array() || one.size() != 3 || !one[0].is_string() || !one[2].is_boolean())
      return {};
    const auto due_ms = number_of(one[1]);
    if (!due_ms) return {};
    out.push_back({0, one[0].get<std::string>(), *due_ms, one[2].get<bool>()});
  }
  return out;
}

std::string encode(const std::vector<Ordered>& all) {
  std::vector<std::uint8_t> bytes;
  for (const Ordered one : all) bytes.push_back(static_cast<std::uint8_t>(one));
  return packed(Json::binary(std::move(bytes)));
}

std::optional<std::vector<Ordered>> decode_ordered(std::string_view body) {
  const auto json = Json::from_msgpack(body.begin(), body.end(), true, false);
  if (!json.is_binary()) return {};
  std::vector<Ordered> out;
  for (const std::uint8_t one : json.get_binary()) {
    if (one > static_cast<std::uint8_t>(Ordered::elsewhere)) return {};
    out.push_back(static_cast<Ordered>(one));
  }
  return out;
}

std::string encode(const News& news) {
  return packed(Json::array({static_cast<int>(news.change.kind), news.change.device, news.change.id,
                             news.view.number, news.view.at_ms, Json::binary(news.view.jpeg)}));
}

std::optional<News> decode_news(std::string_view body) {
  const auto json = unpacked(body, 6);
  if (!json) return {};
  const Json& all = *json;
  const auto kind = number_of(all[0]), id = number_of(all[2]), number = number_of(all[3]),
             at_ms = number_of(all[4]);
  if (!kind || !id || !number || !at_ms || !all[1].is_string() || !all[5].is_binary() ||
      *kind < 0 || *kind > static_cast<int>(Change::Kind::view))
    return {};
  News out;
  out.change = {static_cast<Change::Kind>(*kind), all[1].get<std::string>(), *id};
  out.view = {static_cast<std::uint16_t>(*number), *at_ms, all[5].get_binary()};
  return out;
}

}  // namespace meterlens::server
