// The small memory of a DTU that survives its resets: two areas, as in port.h. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "device/port.h"

namespace meterlens::sim {

class Areas {
 public:
  // Holds as long as this object stays where it is.
  MeterlensAreas port() {
    MeterlensAreas out{};
    out.context = this;
    out.bytes = area_bytes;
    out.read = [](void* self, std::uint8_t area, void* to, std::uint32_t bytes) {
      std::memcpy(to, static_cast<Areas*>(self)->memory_[area].data(), bytes);
      return true;
    };
    out.write = [](void* self, std::uint8_t area, const void* from, std::uint32_t bytes) {
      std::memcpy(static_cast<Areas*>(self)->memory_[area].data(), from, bytes);
      return true;
    };
    return out;
  }

 private:
  static constexpr std::uint32_t area_bytes = 512;
  std::array<std::array<std::uint8_t, area_bytes>, 2> memory_{};
};

}  // namespace meterlens::sim
