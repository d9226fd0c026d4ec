// What validate produces: a claim with its evidence and a verdict.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace meterlens::validate {

enum class Verdict : std::uint8_t { accepted, doubtful, rejected, estimated, manual };
const char* name(Verdict verdict);

// A person's word on a reading. The reading then shows what the person says; what the reader saw
// and the server judged stays here. Each review is a row of its own.
struct Review {
  std::int64_t id = 0;
  std::string reviewer = {};      // who; empty: not told
  std::string reason = {};        // why; may be empty
  std::int64_t at_ms = 0;         // Unix, when
  Verdict seen_verdict = Verdict::doubtful;
  std::string seen_digits = {};
  int seen_certain = 0;
  int seen_red = 0;
  std::string seen_value = {};
};

struct Reading {
  std::int64_t id = 0;
  std::string meter;              // until meters have rows of their own: the device
  std::string device;
  std::int64_t photo = 0;
  std::int64_t at_ms = 0;         // Unix, the time of the shot
  std::string status;             // the reader's: read, doubtful, unreadable
  std::string digits;             // the best guess of every wheel
  int certain = 0;                // leading wheels that the program stands behind
  int red = 0;                    // trailing wheels that are decimals
  // Exact decimal: count of the last *certain* wheel's unit and the decimals that it has.
  std::int64_t value_count = 0;
  int value_decimals = 0;
  std::string value;              // the same as text: "195.419"; empty when unreadable
  double confidence = 0;          // 0 to 1
  std::array<std::array<double, 2>, 4> window{};  // pixels of the photo, reading order
  double ms = 0;                  // time the reader took
  Verdict verdict = Verdict::doubtful;
  std::vector<std::string> reasons;
  std::optional<Review> review;   // the newest one
};

}  // namespace meterlens::validate
