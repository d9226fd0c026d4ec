// Which of the words on a photo is the register: by its place, its shape and the meter's history.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

#include "server/second/answer.h"

namespace meterlens::second {

// What is known beforehand; every part may be unknown.
struct Hint {
  std::optional<Box> window;  // where the counter is, pixels of the picture that was sent
  int wheels = 0;             // 0: unknown
  int red = -1;               // trailing wheels that are decimals; -1: unknown
  std::optional<std::int64_t> low;   // plausible now, counts of the last wheel
  std::optional<std::int64_t> high;
};

struct Choice {
  std::string digits;   // as many wheels as were seen, leading zeros kept
  int red = -1;         // decimals, from the point in the word; -1: there was none
  double confidence = -1;  // the lowest of its words; below 0: not told
  std::string why;      // by what it was chosen, for people
};

// The error says why none was chosen: no word fits, or several do equally.
std::expected<Choice, std::string> choose(std::span<const Word> words, const Hint& hint);

}  // namespace meterlens::second
