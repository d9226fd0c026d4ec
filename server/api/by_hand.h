// Inside api/: what makes a reading of a value that a person gives.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "server/store/store.h"
#include "server/validate/meter.h"
#include "server/validate/review.h"

namespace meterlens::api {

// A clock that is a little ahead is no reason to refuse.
inline constexpr std::int64_t future_ms_max = 5 * 60'000;

// A reading as far as a person's value needs one.
inline validate::Reading by_hand(const std::string& meter, std::int64_t at_ms) {
  validate::Reading out;
  out.meter = out.device = meter;
  out.at_ms = at_ms;
  out.status = "none";
  return out;
}

// What the register looks like: as the meter says, or as its newest accepted reading shows.
inline std::optional<validate::Reading> layout_of(
    const validate::Meter& meter, const std::optional<validate::Reading>& newest) {
  if (meter.wheels == 0 || meter.decimals < 0) return newest;
  validate::Reading out;
  out.digits.assign(static_cast<std::size_t>(meter.wheels), '0');
  out.red = meter.decimals;
  return out;
}

// A meter with what is known of the register that was there at a time: after an exchange what the
// meter says is the new one's.
inline store::Result<validate::Meter> meter_at(store::Store& store, validate::Meter meter,
                                               std::int64_t at_ms) {
  const auto exchanges = store.exchanges(meter.id);
  if (!exchanges) return std::unexpected(exchanges.error());
  const bool is_past = std::ranges::any_of(
      *exchanges, [at_ms](const validate::Exchange& one) { return one.at_ms > at_ms; });
  if (is_past) meter.wheels = 0, meter.decimals = -1;
  return meter;
}

// `seen` with the person's value or digits; the error says what is wrong with them.
inline std::expected<validate::Reading, std::string> given(
    const validate::Reading& seen, const std::string& value, const std::string& digits,
    const validate::Author& author, const validate::Meter& meter,
    const std::optional<validate::Reading>& newest) {
  validate::Edit edit{validate::Verdict::manual, digits, value, author.reason, author.name};
  return validate::review(seen, edit, layout_of(meter, newest), meter, author.at_ms);
}

}  // namespace meterlens::api
