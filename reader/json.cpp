#include <cmath>
#include <cstdint>

#include "reader/json_line.h"
#include "reader/known.h"
#include "reader/reader.h"

namespace meterlens::reader {
namespace {

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

constexpr std::size_t known_bytes_most = 65536;
constexpr double hours_most = 1e6, use_most = 1e9;

using Wrong = std::optional<std::string>;

// Calls read(key, value) for each pair; it says what is wrong.
template <typename Read>
Wrong each_pair(const Json& object, const char* name, Read read) {
  if (!object.is_object()) return std::string(name) + " must be an object";
  for (const auto& [key, value] : object.items())
    if (Wrong wrong = read(key, value)) return wrong;
  return {};
}

Wrong read_whole(const Json& json, const char* name, int least, int most, int& out) {
  if (!json.is_number_integer() || json < least || json > most)
    return std::string(name) + " must be a whole number from " + std::to_string(least) + " to " +
           std::to_string(most);
  out = json.get<int>();
  return {};
}

Wrong read_number(const Json& json, const char* name, double most, double& out) {
  if (!json.is_number() || !(json.get<double>() >= 0 && json.get<double>() <= most))
    return std::string(name) + " must be a number from 0 to " +
           std::to_string(static_cast<std::int64_t>(most));
  out = json.get<double>();
  return {};
}

Wrong read_flag(const Json& json, const char* name, bool& out) {
  if (!json.is_boolean()) return std::string(name) + " must be true or false";
  out = json.get<bool>();
  return {};
}

Wrong read_window(const Json& json, std::optional<Quad>& out) {
  const char* right =
      "window must be four corners [x, y] in pixels, clockwise from the top left one";
  Quad window;
  if (!json.is_array() || json.size() != window.size()) return right;
  for (std::size_t i = 0; i < window.size(); ++i) {
    const Json& corner = json[i];
    if (!corner.is_array() || corner.size() != 2) return right;
    if (!corner[0].is_number() || !corner[1].is_number()) return right;
    window[i] = {corner[0].get<double>(), corner[1].get<double>()};
  }
  if (!is_window(window)) return right;
  out = window;
  return {};
}

Wrong read_earlier(const Json& json, std::optional<Earlier>& out) {
  Earlier earlier;
  int certain = 0;
  Wrong wrong =
      each_pair(json, "earlier", [&](const std::string& key, const Json& value) -> Wrong {
        if (key == "certain") return read_whole(value, "earlier.certain", 1, wheels_max, certain);
        if (key == "hours") return read_number(value, "earlier.hours", hours_most, earlier.hours);
        if (key == "most_per_hour")
          return read_number(value, "earlier.most_per_hour", use_most, earlier.most_per_hour);
        if (key != "digits") return "unknown key " + Json(key).dump() + " in earlier";
        if (!value.is_string()) return "earlier.digits must be a text";
        earlier.digits = value.get<std::string>();
        return {};
      });
  if (wrong) return wrong;
  if (earlier.digits.empty() || earlier.digits.size() > wheels_max ||
      earlier.digits.find_first_not_of("0123456789") != std::string::npos)
    return "earlier.digits must be 1 to " + std::to_string(wheels_max) + " figures";
  earlier.certain = certain > 0 ? certain : static_cast<int>(earlier.digits.size());
  if (earlier.certain > static_cast<int>(earlier.digits.size()))
    return "earlier.certain must not be more than earlier.digits has";
  out = std::move(earlier);
  return {};
}

// What the parts say of each other.
Wrong contradiction(const Known& known) {
  const int wheels =
      known.earlier ? static_cast<int>(known.earlier->digits.size()) : known.wheels;
  if (known.earlier && known.wheels > 0 && known.wheels != wheels)
    return "wheels must be as many as earlier.digits has";
  if (wheels > 0 && known.red >= wheels) return "red must be less than the number of wheels";
  return {};
}

}  // namespace

std::expected<Known, std::string> parse_known(const std::string& text) {
  if (text.size() > known_bytes_most) return std::unexpected("longer than 64 KiB");
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::unexpected("not JSON");
  Known known;
  Wrong wrong =
      each_pair(json, "it", [&](const std::string& key, const Json& value) -> Wrong {
        if (key == "window") return read_window(value, known.window);
        if (key == "drawn") return read_flag(value, "drawn", known.is_drawn);
        if (key == "wheels") return read_whole(value, "wheels", 1, wheels_max, known.wheels);
        if (key == "red") return read_whole(value, "red", 0, wheels_max, known.red);
        if (key == "earlier") return read_earlier(value, known.earlier);
        return "unknown key " + Json(key).dump() +
               "; the keys are window, drawn, wheels, red and earlier";
      });
  if (!wrong) wrong = contradiction(known);
  if (wrong) return std::unexpected(std::move(*wrong));
  return known;
}

namespace {

Json evidence_of(const Evidence& seen) {
  return {{"located", seen.located},      {"mirrored", seen.mirrored},
          {"nothing", seen.nothing},      {"light", seen.light.mean},
          {"contrast", seen.light.contrast}, {"glaring", seen.light.glaring},
          {"sharpness", seen.light.sharpness}, {"count", seen.count},
          {"whole", seen.whole},          {"evenness", seen.evenness},
          {"shown", seen.shown},          {"lcd", seen.lcd}};
}

Json wheel_object(const Wheel& wheel, bool with_evidence) {
  Json json{{"position", std::fmod(rounded(wheel.position, 10), 10)},
            {"digit", std::string(1, wheel.digit)},
            {"confidence", rounded(wheel.confidence, 1e7)}};
  if (with_evidence) json["odds"] = wheel.odds, json["red"] = wheel.red;
  return json;
}

}  // namespace

std::string to_json_line(const std::string& file, const Digits& digits, bool with_evidence) {
  Json window = Json::array(), wheels = Json::array();
  for (const Point& corner : digits.window)
    window.push_back({rounded(corner.x, 10), rounded(corner.y, 10)});
  for (const Wheel& wheel : digits.wheels) wheels.push_back(wheel_object(wheel, with_evidence));
  Json json{{"file", file},
            {"status", name_of(digits.status)},
            {"digits", digits.digits},
            {"certain", digits.certain},
            {"value", digits.value},
            {"red", digits.red},
            {"red_confidence", rounded(digits.red_confidence, 1000)},
            {"confidence", rounded(digits.confidence, 1000)},
            {"window", window},
            {"ms", rounded(digits.ms, 10)},
            {"reason", name_of(digits.reason)},
            {"wheels", wheels}};
  if (digits.display != Display::wheels) json["display"] = name_of(digits.display);
  if (with_evidence) json["evidence"] = evidence_of(digits.evidence);
  if (digits.alone)
    json["alone"] = {{"digits", digits.alone->digits},
                     {"certain", digits.alone->certain},
                     {"confidence", rounded(digits.alone->confidence, 1000)}};
  return line_of(json);
}

std::string to_json_line(const std::string& file, const Error& error) {
  return line_of({{"file", file}, {"status", "error"}, {"error", error.text}});
}

}  // namespace meterlens::reader
