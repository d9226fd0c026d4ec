#include "server/validate/weigh.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "server/validate/decimal.h"

namespace meterlens::validate {
namespace {

bool is_before(const Point& a, const Point& b) {
  if (a.at_ms != b.at_ms) return a.at_ms < b.at_ms;
  // The new one has no id yet, and came last.
  return (a.id == 0 ? INT64_MAX : a.id) < (b.id == 0 ? INT64_MAX : b.id);
}

bool waits(const Point& point) {
  return point.standing == Standing::open && point.has_unclear_decimals;
}

class Scale {
 public:
  Scale(const Past& past, const Habit& habit, const Point* fresh) {
    for (Point point : past.points) {
      if (waits(point)) {
        const auto decimals = decimals_said(past, point.wheels, fresh);
        if (!decimals) continue;
        point.red = *decimals;
      }
      if (point.standing == Standing::estimated || fits(past.meter, point)) {
        all_.push_back(point);
      } else if (point.standing == Standing::accepted) {
        out_.changes.push_back({point.id, point.version, Verdict::doubtful,
                                "withdrawn: the meter has another register"});
      }
    }
    if (fresh != nullptr)
      all_.insert(std::upper_bound(all_.begin(), all_.end(), *fresh, is_before), *fresh);
    Window window = newest_of(all_);
    in_ = choose(window, limits_of(past.meter, habit));
    weighed_ = std::move(window.points);
  }

  Weighed take() {
    for (std::size_t i = 0; i < weighed_.size(); ++i) settle(i);
    for (const Point& point : all_) {
      if (point.standing == Standing::estimated) settle_estimate(point);
    }
    return std::move(out_);
  }

 private:
  void settle(std::size_t i) {
    const Point& point = weighed_[i];
    const bool is_in = in_[i];
    if (point.id == 0) {
      out_.is_in = is_in;
    } else if (is_in && waits(point)) {
      out_.changes.push_back({point.id, point.version, Verdict::accepted,
                              "accepted: the meter's decimals are known now", point.red});
    } else if (is_in && point.standing == Standing::open) {
      out_.changes.push_back({point.id, point.version, Verdict::accepted,
                              "accepted: the readings before and after it agree"});
    } else if (!is_in && point.standing == Standing::accepted) {
      out_.changes.push_back({point.id, point.version, Verdict::doubtful, withdrawal(i)});
    }
  }

  std::string withdrawal(std::size_t i) const {
    std::size_t against = 0;
    for (std::size_t k = i + 1; k < weighed_.size(); ++k)
      against += in_[k] && weighed_[k].low < weighed_[i].low;
    if (against == 0) return "withdrawn: other readings that agree with each other contradict it";
    return fmt::format("withdrawn: {} later readings that agree with each other show less",
                       against);
  }

  // An estimate stands between two readings; it goes when one of them is new, or it does not fit.
  void settle_estimate(const Point& estimate) {
    const Point* before = nullptr;
    const Point* after = nullptr;
    for (std::size_t i = 0; i < weighed_.size() && after == nullptr; ++i) {
      if (!in_[i]) continue;
      (weighed_[i].at_ms <= estimate.at_ms ? before : after) = &weighed_[i];
    }
    if (before == nullptr || after == nullptr) return;
    const bool is_old = before->standing != Standing::open && before->id != 0 &&
                        after->standing != Standing::open && after->id != 0;
    const auto since = use_between(*before, estimate);
    const auto until = use_between(estimate, *after);
    if (is_old && since && until) return;
    out_.changes.push_back({estimate.id, estimate.version, Verdict::rejected,
                            "superseded: a reading beside it has changed"});
  }

  std::vector<Point> all_;
  std::vector<Point> weighed_;
  std::vector<bool> in_;
  Weighed out_;
};

}  // namespace

Limits limits_of(const Meter& meter, const Habit& habit) { return {&habit, meter.rate_max}; }

bool fits(const Meter& meter, const Point& point) {
  return (meter.wheels == 0 || meter.wheels == point.wheels) &&
         (meter.decimals < 0 || meter.decimals == point.red);
}

std::optional<int> decimals_said(const Past& past, int wheels, const Point* fresh) {
  if (past.meter.decimals >= 0) return std::min(past.meter.decimals, wheels);
  if (fresh != nullptr && fresh->standing == Standing::fixed && fresh->wheels == wheels)
    return fresh->red;
  for (const Point& point : std::views::reverse(past.points)) {
    if (stands(point) && point.wheels == wheels) return point.red;
  }
  return std::nullopt;
}

std::string value_text(const Point& point) {
  std::int64_t unit = point.high - point.low + 1;
  const std::int64_t count = point.low / unit;
  int decimals = point.red;
  for (; unit > 1; unit /= 10) --decimals;
  return text(Decimal{count, decimals});
}

Weighed weigh(const Past& past, const Habit& habit, const Point* fresh) {
  return Scale(past, habit, fresh).take();
}

}  // namespace meterlens::validate
