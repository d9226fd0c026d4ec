// What validate produces: a claim with its evidence and a verdict.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace meterlens::validate {

enum class Verdict : std::uint8_t { accepted, doubtful, rejected, estimated, manual };
const char* name(Verdict verdict);

// What the server noticed, for programs; `reasons` says the same to people. A set of bits.
enum class Flag : std::uint32_t {
  negative_use = 1U << 0,       // less than an earlier reading
  implausible = 1U << 1,        // more than any meter, or this one, can have used
  high_use = 1U << 2,           // far more than this meter ever used in such a time
  low_use = 1U << 3,            // far less
  zero_use = 1U << 4,           // no use for longer than ever before
  stuck = 1U << 5,              // no use for three times as long as ever before
  continuous_flow = 1U << 6,    // use in every interval of a day: a leak
  roll_over = 1U << 7,          // the register came round to zero
  same_photo = 1U << 8,         // byte for byte an earlier photo
  second_reader = 1U << 9,      // a second reader sees another number, or none confirms it
  other_register = 1U << 10,    // another number of wheels or decimals
  late = 1U << 11,              // an older photo than the newest accepted reading's
  clock = 1U << 12,             // the camera's clock is wrong: the time is that of the arrival
  no_meter = 1U << 13,          // the device watches no meter at that time
  unclear_decimals = 1U << 14,  // nobody has said them, and the photo does not show them well
};
inline constexpr int flag_count = 15;
const char* name(Flag flag);
constexpr std::uint32_t bit(Flag flag) { return static_cast<std::uint32_t>(flag); }

// A later word on a reading, a person's or the server's own when later readings change its mind.
// The reading then shows what it says; what the reader saw and the server judged first stays here.
// Each review is a row of its own.
struct Review {
  std::int64_t id = 0;
  bool by_server = false;
  std::string reviewer = {};      // who; empty: not told
  std::string reason = {};        // why; may be empty
  std::int64_t at_ms = 0;         // Unix, when
  Verdict seen_verdict = Verdict::doubtful;
  std::string seen_digits = {};
  int seen_certain = 0;
  int seen_red = 0;
  std::string seen_value = {};
};

// What one of several readers said of the photo; all are kept beside the reading.
struct Said {
  std::string reader;             // "local", "baidu"
  std::string status;             // read, doubtful, unreadable; "not asked"
  std::string digits;
  int certain = 0;
  int red = 0;
  double confidence = 0;
  std::vector<std::string> words = {};  // all that was seen, as it came
  bool believed = false;
  std::string note;               // why it says so, why it was believed
};

struct Reading {
  std::int64_t id = 0;
  std::string meter;
  std::string device;
  std::int64_t photo = 0;         // 0: a person's or an estimated value
  std::int64_t at_ms = 0;         // Unix, the time of the shot
  std::string status;             // the reader's: read, doubtful, unreadable; none without photo
  std::string digits;             // the best guess of every wheel
  int certain = 0;                // leading wheels that the program stands behind
  int red = 0;                    // trailing wheels that are decimals
  // Exact decimal: count of the last *certain* wheel's unit and the decimals that it has.
  std::int64_t value_count = 0;
  int value_decimals = 0;
  std::string value;              // the same as text: "195.419"; empty when unreadable
  double confidence = 0;          // 0 to 1
  std::array<std::array<double, 2>, 4> window{};  // pixels of the photo, reading order
  std::vector<double> wheels;     // 0 to 1, that each of the reader's digits is right; may be empty
  double ms = 0;                  // time the reader took
  Verdict verdict = Verdict::doubtful;
  std::vector<std::string> reasons;
  std::uint32_t flags = 0;        // of `Flag`
  std::optional<Review> review;   // the newest one
  std::vector<Said> said = {};    // empty: one reader alone; listed readings are without
};

// How many of its wheels are decimals, whatever was seen. The value follows: what the certain ones
// of its digits, which are figures, show.
void set_decimals(Reading& reading, int decimals);

// Raises a flag, and says why.
inline void flag(Reading& reading, Flag which, std::string reason) {
  reading.flags |= bit(which);
  reading.reasons.push_back(std::move(reason));
}

}  // namespace meterlens::validate
