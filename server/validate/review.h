// A person accepts, corrects or rejects a reading. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "server/validate/meter.h"
#include "server/validate/reading.h"

namespace meterlens::validate {

struct Edit {
  // accepted: every wheel of `digits` is right; manual: it reads `digits` or `value`; rejected.
  Verdict verdict = Verdict::accepted;
  std::string digits = {};  // manual: every wheel, 1 to wheel_count_max, leading zeros kept,
  std::string value = {};   // or the value with all its decimals: "195.419"
  std::string reason = {};  // needed for `rejected`
  std::string reviewer = {};
};

// `reading` as it stands after the edit, with its `review` (id 0). `newest` is the newest accepted
// reading of the same meter, if it is another one: a correction must have as many wheels and
// decimals as that, or as what the reader saw; but the decimals that a person gave `meter` go
// before both. The error says what is wrong with the edit.
std::expected<Reading, std::string> review(const Reading& reading, const Edit& edit,
                                           const std::optional<Reading>& newest, const Meter& meter,
                                           std::int64_t now_ms);

}  // namespace meterlens::validate
