// For tests and figures: the life of one meter in virtual time. True use of a kind, photos of it
// with errors injected from a seed, and a book that keeps the readings as the store does.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "server/validate/validate.h"

namespace meterlens::validate::test {

struct Kind {
  const char* name;
  int wheels;
  int red;
  double hours;       // between photos
  double day_counts;  // mean use of a day
  bool weekend_only;
  Medium medium;
};
inline void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

inline constexpr Kind kinds[] = {
    {"water, hourly", 8, 3, 1, 300, false, Medium::water},
    {"water, daily", 8, 3, 24, 300, false, Medium::water},
    {"water m3, daily", 5, 0, 24, 0.3, false, Medium::water},
    {"gas, 4-hourly", 8, 3, 4, 6000, false, Medium::gas},
    {"electricity, 15 min", 7, 1, 0.25, 90, false, Medium::electricity},
    {"weekend house, hourly", 8, 3, 1, 400, true, Medium::water},
};

struct Errors {
  double misread = 0.03;   // one wheel shows another digit
  double repeated = 0.2;   // of the misreads: the same one in the next 1 to 4 photos too
  double turning = 0.05;   // the last wheel is not certain
  double doubled = 0.01;   // the photo before once more
  double gap = 0.01;       // nothing for 2 to 40 slots
  double clock = 0.005;    // the shot's time is wrong by up to a day, or by years
  double late = 0.01;      // the photo arrives after the next one
  double no_red = 0.1;     // decimals not seen
};

// What the book knows of each reading beside the reading.
struct Entry {
  Reading reading;
  std::int64_t truth = 0;   // counts at the time of the shot, not turned round
  bool misread = false;
  bool wrong_time = false;
  bool doubled = false;
  bool right_first = false;  // accepted when it came
};

class Life {
 public:
  Life(const Kind& kind, std::uint64_t seed, const Errors& errors = {}, double begin_part = -1)
      : kind_(kind), errors_(errors), random_(seed), shown_red_(kind.red) {
    const double full = std::pow(10.0, kind.wheels);
    // Some begin just before the register's top.
    const double part = begin_part >= 0 ? begin_part : chance(0.1) ? 0.9999 : uniform() * 0.8;
    truth_ = std::floor(full * part);
    meter_.id = "m";
    meter_.medium = kind.medium;
    at_ms_ = 1'760'000'000'000 + static_cast<std::int64_t>(uniform() * 7 * 24) * hour_ms;
  }

  // One slot later: a photo, as a rule.
  void step() {
    pass(kind_.hours);
    if (chance(errors_.gap)) {
      for (int i = 2 + static_cast<int>(uniform() * 39); i > 0; --i) pass(kind_.hours);
    }
    Shot shot = shoot();
    if (held_) {
      arrive(shot);
      arrive(*held_);
      held_.reset();
    } else if (chance(errors_.late)) {
      held_ = shot;
    } else {
      arrive(shot);
    }
  }

  Past past(std::int64_t at_ms) const {
    Past out;
    out.meter = meter_;
    std::vector<Point> after;
    for (const auto& [when, index] : order_) {
      const Reading& reading = book_[index].reading;
      if (reading.value.empty() || reading.verdict == Verdict::rejected) continue;
      if (reading.verdict == Verdict::doubtful && !is_open(reading)) continue;
      if (when <= at_ms) {
        out.points.push_back(point_of(reading));
      } else if (after.size() < static_cast<std::size_t>(points_after_max)) {
        after.push_back(point_of(reading));
      }
    }
    if (out.points.size() > points_before_max)
      out.points.erase(out.points.begin(), out.points.end() - points_before_max);
    out.points.insert(out.points.end(), after.begin(), after.end());
    return out;
  }

  const std::vector<Entry>& book() const { return book_; }
  std::vector<Entry>& book() { return book_; }
  Meter& meter() { return meter_; }
  std::int64_t now_ms() const { return at_ms_; }
  // Hours of use at this many times the usual rate.
  void set_rate(double times) { rate_ = times; }
  // From now on photos show so many decimals, clearly or not.
  void show_red(int decimals, bool clearly) { shown_red_ = decimals, red_is_clear_ = clearly; }
  // The next photo shows the digits of this many counts more.
  void lie(std::int64_t counts, int photos = 1) {
    lie_ = counts;
    lies_ = photos;
  }
  std::int64_t truth() const { return static_cast<std::int64_t>(truth_); }

 private:
  struct Shot {
    Claim claim;
    Entry entry;
    std::int64_t arrived_ms = 0;
    bool same_photo = false;
  };

  double uniform() { return std::uniform_real_distribution<>(0, 1)(random_); }
  bool chance(double part) { return uniform() < part; }

  void pass(double hours) {
    for (double left = hours; left > 0; left -= 1) {
      const double part = std::min(left, 1.0);
      const std::int64_t hour = at_ms_ / hour_ms;
      const bool is_night = hour % 24 < 6;
      const bool is_weekend = (hour / 24 + 4) % 7 >= 5;
      double rate = kind_.day_counts / 24 * rate_ * (is_night ? 0.1 : 1.3);
      if (kind_.weekend_only) rate *= is_weekend ? 3.5 : 0;
      // Use comes in bursts.
      rate *= chance(0.3) ? uniform() * 5 : uniform() * 0.4;
      truth_ += rate * part;
      at_ms_ += static_cast<std::int64_t>(part * static_cast<double>(hour_ms));
    }
  }

  std::string digits_of(std::int64_t counts) const {
    const std::int64_t full = full_of(kind_.wheels);
    std::string text = std::to_string(((counts % full) + full) % full);
    return std::string(static_cast<std::size_t>(kind_.wheels) - text.size(), '0') + text;
  }

  Shot shoot() {
    Shot shot;
    shot.entry.truth = truth();
    shot.claim.status = "read";
    shot.claim.digits = digits_of(lies_ > 0 ? truth() + lie_ : truth());
    shot.entry.misread = lies_ > 0;
    lies_ = std::max(lies_ - 1, 0);
    shot.claim.certain = kind_.wheels;
    shot.claim.red = chance(errors_.no_red) ? 0 : shown_red_;
    shot.claim.red_is_clear = red_is_clear_;
    if (chance(errors_.turning)) shot.claim.certain -= 1;
    misread(shot);
    shot.claim.at_ms = at_ms_;
    shot.arrived_ms = at_ms_ + 2000;
    if (chance(errors_.clock)) {
      const double hours = chance(0.5) ? (uniform() - 0.5) * 48 : (uniform() - 0.5) * 24 * 4000;
      shot.claim.at_ms += static_cast<std::int64_t>(hours * static_cast<double>(hour_ms));
      shot.entry.wrong_time = true;
    }
    if (!book_.empty() && chance(errors_.doubled)) {
      const Reading& last = book_.back().reading;
      shot.claim.digits = last.review ? last.review->seen_digits : last.digits;
      shot.same_photo = true;
      shot.entry.doubled = true;
    }
    return shot;
  }

  void misread(Shot& shot) {
    if (repeats_ == 0 && chance(errors_.misread)) {
      wrong_wheel_ = static_cast<std::size_t>(uniform() * kind_.wheels);
      repeats_ = chance(errors_.repeated) ? 1 + static_cast<int>(1 + uniform() * 4) : 1;
      wrong_digit_ = static_cast<char>('0' + static_cast<int>(uniform() * 10));
    }
    if (repeats_ == 0) return;
    --repeats_;
    if (shot.claim.digits[wrong_wheel_] == wrong_digit_) return;
    // A wheel that is not certain is not part of the value.
    if (wrong_wheel_ >= static_cast<std::size_t>(shot.claim.certain)) return;
    shot.claim.digits[wrong_wheel_] = wrong_digit_;
    shot.entry.misread = true;
  }

  void arrive(Shot shot) {
    settle_time(shot.claim, shot.arrived_ms);
    Past before = past(shot.claim.at_ms);
    before.same_photo = shot.same_photo ? 7 : 0;
    Outcome out = judge(shot.claim, before);
    shot.entry.reading = std::move(out.readings.front());
    shot.entry.reading.id = static_cast<std::int64_t>(book_.size()) + 1;
    shot.entry.right_first = shot.entry.reading.verdict == Verdict::accepted;
    order_.insert(std::upper_bound(order_.begin(), order_.end(),
                                   std::pair{shot.claim.at_ms, book_.size()}),
                  {shot.claim.at_ms, book_.size()});
    book_.push_back(std::move(shot.entry));
    apply(out.changes);
    // What leaves the window is never judged again; the order of a day is enough here.
    if (order_.size() > 3000) order_.erase(order_.begin(), order_.begin() + 1500);
  }

 public:
  void apply(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
      Reading& reading = book_[static_cast<std::size_t>(change.reading - 1)].reading;
      if (!reading.review) {
        reading.review = Review{.seen_verdict = reading.verdict, .seen_digits = reading.digits};
      }
      reading.review->id = ++reviews_;
      reading.review->by_server = true;
      reading.review->reason = change.reason;
      reading.verdict = change.verdict;
      if (change.decimals) set_decimals(reading, *change.decimals);
    }
  }

 private:
  const Kind& kind_;
  const Errors errors_;
  std::mt19937_64 random_;
  int shown_red_ = 0;
  Meter meter_;
  double truth_ = 0;
  std::int64_t at_ms_ = 0;
  double rate_ = 1;
  bool red_is_clear_ = true;
  std::int64_t lie_ = 0;
  int lies_ = 0;
  int repeats_ = 0;
  std::size_t wrong_wheel_ = 0;
  char wrong_digit_ = '0';
  std::int64_t reviews_ = 0;
  std::optional<Shot> held_;
  std::vector<Entry> book_;
  std::vector<std::pair<std::int64_t, std::size_t>> order_;
};

}  // namespace meterlens::validate::test
