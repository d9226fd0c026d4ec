// A simulated image sensor. Its photos have the shape of a JPEG, so the server takes them; each is
// different: the rest of it is a comment of random bytes. One thread.
#pragma once

#include <cstdint>
#include <vector>

#include "device/port.h"
#include "protocol/checksum.h"
#include "sim/events.h"

namespace meterlens::sim {

using Buffer = std::vector<std::uint8_t>;

// `bytes`: at least 256.
Buffer make_photo(std::size_t bytes, Random& random);

// A real picture, for servers decode what comes in the dialect of SmartDTUs. Drawn once a process.
const Buffer& drawn_photo();

class Sensor {
 public:
  Sensor(const Events& events, Random random) : events_(events), random_(random) {}

  MeterlensSensor port();
  struct Shot {
    protocol::Digest sha256{};
    std::size_t bytes = 0;
    std::int64_t at_ms = 0;
  };
  // The last few, the newest at the end, whether or not the camera kept them.
  const std::vector<Shot>& shots() const { return shots_; }
  std::int64_t shot_at_ms() const { return ready_us_ / 1000; }

  double failure_chance = 0;
  std::size_t photo_bytes_min = 400;
  std::size_t photo_bytes_max = 12'000;

 private:
  bool start();
  int poll(const std::uint8_t** jpeg, std::uint32_t* bytes);

  const Events& events_;
  Random random_;
  Buffer photo_;
  std::vector<Shot> shots_;
  std::int64_t ready_us_ = 0;
};

}  // namespace meterlens::sim
