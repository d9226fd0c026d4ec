// Test support: the recordings of deployed SmartDTU devices in tests/golden/smartdtu.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace meterlens::ingest::testing {

struct Recorded {
  std::int64_t at_ms = 0;
  std::string topic;
  std::string payload;
};

inline std::string read_golden(const std::string& file) {
  std::ifstream in("tests/golden/smartdtu/" + file, std::ios::binary);
  if (!in) throw std::runtime_error("no tests/golden/smartdtu/" + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The messages that devices sent (not what they were sent), in the order of arrival.
inline std::vector<Recorded> read_events(const std::string& file) {
  std::vector<Recorded> events;
  std::ifstream in("tests/golden/smartdtu/" + file);
  for (std::string line; std::getline(in, line);) {
    const auto row = nlohmann::json::parse(line);
    Recorded event{static_cast<std::int64_t>(row["t"].get<double>() * 1000), row["topic"],
                   row["payload"]};
    if (event.topic.ends_with("/event")) events.push_back(std::move(event));
  }
  if (events.empty()) throw std::runtime_error("no tests/golden/smartdtu/" + file);
  return events;
}

}  // namespace meterlens::ingest::testing
