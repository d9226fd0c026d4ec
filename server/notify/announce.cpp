#include "server/notify/announce.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "server/notify/amount.h"
#include "server/notify/json_text.h"

namespace meterlens::notify {
namespace {

using json = nlohmann::ordered_json;
using validate::Medium;

// What people write, and what Home Assistant reads.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> spellings{{
    {"m3", "m³"}, {"m^3", "m³"}, {"cbm", "m³"}, {"ft3", "ft³"}, {"ft^3", "ft³"}, {"l", "L"},
    {"liter", "L"}, {"litre", "L"}, {"kwh", "kWh"}, {"KWh", "kWh"}, {"kWH", "kWh"}, {"mwh", "MWh"},
}};
constexpr std::array<std::string_view, 5> water_units{"L", "m³", "gal", "ft³", "CCF"};
constexpr std::array<std::string_view, 3> gas_units{"m³", "ft³", "CCF"};
constexpr std::array<std::string_view, 5> energy_units{"Wh", "kWh", "MWh", "MJ", "GJ"};

template <std::size_t N>
bool has(const std::array<std::string_view, N>& units, const std::string& unit) {
  return std::ranges::find(units, unit) != units.end();
}

// The parts of discovery: component, name of the state's topic, name that people see.
struct Part {
  const char* component;
  const char* name;
  const char* title;
};
constexpr std::array parts{
    Part{"sensor", "value", "Reading"},
    Part{"binary_sensor", "problem", "Problem"},
    Part{"binary_sensor", "online", "Online"},
    Part{"image", "photo", "Photo"},
};

std::string state_topic(const HomeAssistantSettings& settings, const std::string& meter,
                        const std::string& name) {
  return fmt::format("{}/{}/{}", settings.topic, meter, name);
}

std::string config_topic(const HomeAssistantSettings& settings, const std::string& meter,
                         const Part& part) {
  return fmt::format("{}/{}/meterlens_{}/{}/config", settings.discovery_prefix, part.component,
                     object_id(meter), part.name);
}

json device_of(const MeterState& state) {
  const validate::Meter& meter = state.meter;
  json out{{"identifiers", json::array({"meterlens_" + object_id(meter.id)})},
           {"name", meter.place.empty() ? meter.id : meter.place + " (" + meter.id + ")"},
           {"manufacturer", "Meterlens"},
           {"model", fmt::format("{} meter", meter.medium == Medium::unknown
                                                 ? "photographed"
                                                 : validate::name(meter.medium))}};
  if (!meter.serial.empty()) out["serial_number"] = meter.serial;
  return out;
}

json config_of(const HomeAssistantSettings& settings, const MeterState& state, const Part& part,
               const std::string& version) {
  const std::string& meter = state.meter.id;
  const std::string unique = fmt::format("meterlens_{}_{}", object_id(meter), part.name);
  json out{{"name", part.title},
           {"unique_id", unique},
           {"object_id", unique},
           {"availability_topic", availability_topic(settings)},
           {"device", device_of(state)},
           {"origin", {{"name", "Meterlens"}, {"sw_version", version}}}};
  const std::string topic = state_topic(settings, meter, part.name);
  const std::string_view name = part.name;
  if (name == "photo") {
    out["image_topic"] = topic;
    out["content_type"] = "image/jpeg";
    return out;
  }
  out["state_topic"] = topic;
  if (name == "value") {
    const Classed classed = class_of(state.meter.medium, state.meter.unit);
    out["state_class"] = "total_increasing";
    if (!classed.device_class.empty()) out["device_class"] = classed.device_class;
    if (!classed.unit.empty()) out["unit_of_measurement"] = classed.unit;
    out["json_attributes_topic"] = state_topic(settings, meter, "attributes");
    return out;
  }
  out["device_class"] = name == "problem" ? "problem" : "connectivity";
  out["entity_category"] = "diagnostic";
  if (name == "problem") out["json_attributes_topic"] = state_topic(settings, meter, "alarms");
  return out;
}

std::string attributes_of(const MeterState& state) {
  const validate::Reading& reading = *state.reading;
  json out{{"at", time_text(reading.at_ms)},
           {"register", reading.value},
           {"reading", reading.id},
           {"quality", std::string(1, quality_of(reading))},
           {"serial", state.meter.serial},
           {"place", state.meter.place}};
  if (!state.corrects.empty()) out["corrects"] = state.corrects;
  return text_of(out);
}

std::string alarms_of(const MeterState& state) {
  json list = json::array();
  for (const store::Alarm& alarm : state.alarms) {
    list.push_back({{"kind", store::name(alarm.kind)},
                    {"subject", alarm.subject},
                    {"reason", alarm.reason},
                    {"since", time_text(alarm.raised_ms)},
                    {"acknowledged", alarm.acknowledged_ms != 0}});
  }
  return text_of({{"alarms", std::move(list)}});
}

}  // namespace

std::string object_id(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                       (c >= 'A' && c <= 'Z') || c == '-';
    // '_' begins what stands for something else, so that no two names become one.
    if (plain) out += c;
    else if (c == '_') out += "__";
    else out += fmt::format("_{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

Classed class_of(Medium medium, const std::string& unit) {
  Classed out{"", unit};
  const auto spelled =
      std::ranges::find(spellings, unit, [](const auto& pair) { return pair.first; });
  if (spelled != spellings.end()) out.unit = spelled->second;
  if (medium == Medium::water && has(water_units, out.unit)) out.device_class = "water";
  if (medium == Medium::gas && has(gas_units, out.unit)) out.device_class = "gas";
  const bool is_energy = has(energy_units, out.unit);
  if ((medium == Medium::electricity || medium == Medium::heat || medium == Medium::gas) &&
      is_energy)
    out.device_class = "energy";
  return out;
}

std::string availability_topic(const HomeAssistantSettings& settings) {
  return settings.topic + "/server/status";
}

std::string photo_topic(const HomeAssistantSettings& settings, const std::string& meter) {
  return state_topic(settings, meter, "photo");
}

std::vector<Message> messages_of(const HomeAssistantSettings& settings, const MeterState& state,
                                 const std::string& version) {
  std::vector<Message> out;
  const std::string& meter = state.meter.id;
  for (const Part& part : parts) {
    const bool is_left_out = std::string_view(part.name) == "photo" && !settings.photos;
    out.push_back({config_topic(settings, meter, part),
                   is_left_out ? "" : text_of(config_of(settings, state, part, version))});
  }
  out.push_back({state_topic(settings, meter, "online"), state.online ? "ON" : "OFF"});
  out.push_back({state_topic(settings, meter, "problem"), state.alarms.empty() ? "OFF" : "ON"});
  out.push_back({state_topic(settings, meter, "alarms"), alarms_of(state)});
  // "None" is how Home Assistant is told that nothing is known any more.
  if (!state.reading && !state.corrects.empty())
    out.push_back({state_topic(settings, meter, "value"), "None"});
  if (!state.reading) return out;
  // What the value is comes before it: an automation sees both.
  out.push_back({state_topic(settings, meter, "attributes"), attributes_of(state)});
  out.push_back({state_topic(settings, meter, "value"),
                 amount(state.reading->value, state.meter.factor).value_or(state.reading->value)});
  return out;
}

std::vector<Message> farewell_of(const HomeAssistantSettings& settings, const std::string& meter) {
  std::vector<Message> out;
  for (const Part& part : parts) out.push_back({config_topic(settings, meter, part), ""});
  for (const char* name : {"value", "attributes", "problem", "alarms", "online", "photo"})
    out.push_back({state_topic(settings, meter, name), ""});
  return out;
}

Next next_of(const std::optional<Shown>& shown, const validate::Reading& newest,
             bool register_began_anew) {
  if (!shown || shown->value.empty() || !shown->stands) return Next::show;
  if (newest.verdict == validate::Verdict::manual || register_began_anew) return Next::show;
  if (is_less(newest.value, shown->value)) return Next::hold;
  // As far as both show: not less either way, and with fewer digits.
  const bool is_same = !is_less(shown->value, newest.value);
  return is_same && newest.value.size() < shown->value.size() ? Next::keep : Next::show;
}

}  // namespace meterlens::notify
