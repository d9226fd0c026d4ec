#include <cmath>
#include <nlohmann/json.hpp>

#include "reader/evaluate.h"
#include "reader/reader.h"

namespace meterlens::reader {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, double steps) { return std::round(value * steps) / steps; }

// Names from outside may be no UTF-8: bytes that are not are replaced.
std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json_line(const std::string& file, const Digits& digits) {
  Json window = Json::array(), wheels = Json::array();
  for (const Point& corner : digits.window)
    window.push_back({rounded(corner.x, 10), rounded(corner.y, 10)});
  for (const Wheel& wheel : digits.wheels)
    wheels.push_back({{"position", rounded(wheel.position, 10)},
                      {"digit", std::string(1, wheel.digit)},
                      {"confidence", rounded(wheel.confidence, 1e7)}});
  return line_of({{"file", file},
                  {"status", name_of(digits.status)},
                  {"digits", digits.digits},
                  {"certain", digits.certain},
                  {"value", digits.value},
                  {"red", digits.red},
                  {"confidence", rounded(digits.confidence, 1000)},
                  {"window", window},
                  {"ms", rounded(digits.ms, 10)},
                  {"reason", name_of(digits.reason)},
                  {"wheels", wheels}});
}

std::string to_json_line(const std::string& file, const Error& error) {
  return line_of({{"file", file}, {"status", "error"}, {"error", error.text}});
}

std::string to_json_line(const Report& report) {
  return line_of({{"n", report.n},
                  {"exact", report.exact},
                  {"read", report.read},
                  {"wrong_while_read", report.wrong_while_read},
                  {"doubtful", report.doubtful},
                  {"unreadable", report.unreadable},
                  {"errors", report.errors},
                  {"ms_per_photo", rounded(report.ms_per_photo, 100)}});
}

}  // namespace meterlens::reader
