#include "sim/photographer.h"

#include <algorithm>
#include <array>

#include "face/face.h"
#include "protocol/require.h"

namespace meterlens::sim {
namespace {

// Frame header of 64 x 48 grey pixels, start of scan, picture data, end of image.
constexpr std::array<std::uint8_t, 29> tail = {
    0xFF, 0xC0, 0, 11, 8, 0, 48, 0, 64, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8,
    1,    1,    0, 0,  63, 0, 0x12, 0x34, 0x56, 0x78, 0xFF, 0xD9};
constexpr std::size_t shots_known = 16;
constexpr std::size_t comment_bytes_max = 65'000;
constexpr std::int64_t shot_us = 400'000;  // LED and exposure

}  // namespace

const Buffer& drawn_photo() {
  static const Buffer photo = [] {
    face::Conditions conditions = face::conditions_from_seed(3, 0.1);
    conditions.width = 320;
    conditions.height = 240;
    conditions.jpeg_quality = 40;
    return face::render(face::meter_from_seed(3), 12'345, conditions).jpeg;
  }();
  return photo;
}

Buffer make_photo(std::size_t bytes, Random& random) {
  protocol::require(bytes >= 256);
  Buffer out{0xFF, 0xD8};
  out.reserve(bytes);
  for (std::size_t left = bytes - tail.size() - 2; left > 0;) {
    std::size_t part = std::min(left, comment_bytes_max);
    // No comment is shorter than its own head.
    if (left - part > 0 && left - part < 4) part -= 4;
    left -= part;
    out.insert(out.end(), {0xFF, 0xFE, static_cast<std::uint8_t>((part - 2) >> 8),
                           static_cast<std::uint8_t>(part - 2)});
    for (std::size_t i = 4; i < part; i += 8) {
      const std::uint64_t noise = random.next();
      for (std::size_t b = 0; b < 8 && i + b < part; ++b)
        out.push_back(static_cast<std::uint8_t>(noise >> (8 * b)));
    }
  }
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

MeterlensSensor Sensor::port() {
  MeterlensSensor out{};
  out.context = this;
  out.start = [](void* self) { return static_cast<Sensor*>(self)->start(); };
  out.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
    return static_cast<Sensor*>(self)->poll(jpeg, bytes);
  };
  out.release = [](void*) {};
  return out;
}

bool Sensor::start() {
  if (random_.chance(failure_chance)) return false;
  ready_us_ = events_.now_us() + shot_us;
  return true;
}

int Sensor::poll(const std::uint8_t** jpeg, std::uint32_t* bytes) {
  if (events_.now_us() < ready_us_) return 0;
  if (random_.chance(failure_chance)) return -1;
  const auto size = static_cast<std::size_t>(random_.in(
      static_cast<std::int64_t>(photo_bytes_min), static_cast<std::int64_t>(photo_bytes_max)));
  photo_ = make_photo(size, random_);
  if (shots_.size() == shots_known) shots_.erase(shots_.begin());
  shots_.push_back({protocol::sha256(photo_), photo_.size(), shot_at_ms()});
  *jpeg = photo_.data();
  *bytes = static_cast<std::uint32_t>(photo_.size());
  return 1;
}

}  // namespace meterlens::sim
