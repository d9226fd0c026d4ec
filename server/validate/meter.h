// A meter, who watches it, and what is known of its past: the input of judging. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meterlens::validate {

enum class Medium : std::uint8_t { unknown, water, gas, electricity, heat };
const char* name(Medium medium);
std::optional<Medium> medium_named(const std::string& name);

// What a person can say of a meter; every part may be unknown. It is the place of the counting: an
// exchange puts another register there and the meter goes on.
struct Meter {
  std::string id;                // as device names are made
  std::int64_t version = 0;      // changes with every edit
  Medium medium = Medium::unknown;
  int wheels = 0;                // 0: as the first accepted reading shows
  int decimals = -1;             // trailing wheels that are decimals; -1: as the readings show
  std::string unit;              // "m3", "kWh"
  std::string factor = "1";      // exact decimal: the value times this is in `unit`
  std::string serial;
  std::string place;
  std::int64_t rate_max = 0;     // highest plausible use, counts of the last wheel an hour
  std::int64_t installed_ms = 0; // Unix; 0: unknown
  std::int64_t removed_ms = 0;   // 0: still there
};

// Who changed something, when and why.
struct Author {
  std::string name;
  std::string reason;
  std::int64_t at_ms = 0;
};

using Region = std::array<std::array<double, 2>, 4>;  // corners in pixels, reading order

// A device looks at a meter from date to date, at a region of its photos.
struct Watch {
  std::int64_t id = 0;
  std::int64_t version = 0;
  std::string device;
  std::string meter;
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;        // 0: without end; the first moment that is not watched
  std::optional<Region> region;  // needed where a photo shows several meters
};

// A register was replaced: it ended at one value and the next began at another.
struct Exchange {
  std::int64_t id = 0;
  std::string meter;
  std::int64_t at_ms = 0;
  std::int64_t end_reading = 0;    // both are readings of their own, corrected as such
  std::int64_t start_reading = 0;
  std::string serial_before;
  std::string serial_after;
  Author author;
};

// What judging needs of one stored reading.
enum class Standing : std::uint8_t {
  accepted,   // by the server
  fixed,      // by a person, or a person's value: never changed by the server
  open,       // doubtful only for what other readings say
  estimated,
};
struct Point {
  std::int64_t id = 0;
  std::int64_t version = 0;  // of its newest review
  std::int64_t at_ms = 0;
  std::int64_t low = 0;      // least and most that the register may show, counts of its last wheel
  std::int64_t high = 0;
  int wheels = 0;
  int red = 0;
  Standing standing = Standing::open;
  bool has_unclear_decimals = false;  // open only when something says how many they are
};

// Later readings are judged by it.
inline bool stands(const Point& point) {
  return point.standing == Standing::accepted || point.standing == Standing::fixed;
}

// The readings of one register, oldest first; equal times by id. At most `points_before_max` up to
// the moment that is judged and `points_after_max` later ones.
struct Past {
  Meter meter;
  std::vector<Point> points;
  std::int64_t same_photo = 0;  // an earlier photo with the same bytes
};
inline constexpr int points_before_max = 256;
inline constexpr int points_after_max = 12;

}  // namespace meterlens::validate
