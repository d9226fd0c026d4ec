#include "server/notify/estimates.h"

#include <array>

#include "server/clock.h"
#include "server/validate/estimate.h"

namespace meterlens::notify {
namespace {

using server::day_ms;
using server::hour_ms;

constexpr int gaps_max = 50;   // in one transaction
constexpr int turns_max = 20;  // in one go

validate::Outcome fill(const validate::Past& past, const store::Missing& gap,
                       validate::Method method, std::int64_t now_ms) {
  const std::array times{gap.moment.due_ms};
  validate::Outcome out{validate::estimate(past, times, method), {}};
  for (validate::Reading& reading : out.readings)
    reading.review = validate::Review{
        .by_server = true, .reason = "no reading came: " + gap.reason, .at_ms = now_ms};
  return out;
}

}  // namespace

store::Result<void> Estimates::look(std::int64_t now_ms) {
  if (!settings_.nightly) return {};
  const std::int64_t night = (now_ms - settings_.hour * hour_ms) / day_ms;
  if (night != night_) {
    night_ = night;
    is_done_ = false;
    after_ = 0;
  }
  const auto method =
      settings_.method == "linear" ? validate::Method::linear : validate::Method::profile;
  for (int turn = 0; turn < turns_max && !is_done_; ++turn) {
    const auto gaps = book_.gaps(now_ms - settings_.wait_h * hour_ms, after_, gaps_max);
    if (!gaps) return std::unexpected(gaps.error());
    if (!gaps->empty()) {
      const auto made = book_.estimate(
          *gaps,
          [&](const validate::Past& past, const store::Missing& gap) {
            return fill(past, gap, method, now_ms);
          },
          now_ms);
      if (!made) return std::unexpected(made.error());
      metrics_.add(metrics::Count::readings_estimated, made->size());
      after_ = gaps->back().id;
    }
    is_done_ = static_cast<int>(gaps->size()) < gaps_max;
  }
  return {};
}

}  // namespace meterlens::notify
