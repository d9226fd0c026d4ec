// Inside the pipeline: what this machine's clock says. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace meterlens::server {

inline std::int64_t unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace meterlens::server
