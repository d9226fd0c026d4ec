// Finds due moments of schedules for which no reading came: each gets its row, a page of meters at
// a time. State is in the store, so an end anywhere repeats nothing and loses nothing. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/metrics/metrics.h"
#include "server/store/slots.h"

namespace meterlens::notify {

// Older moments are not looked at any more: a server that was away for months does not fill the
// store with what everybody knows.
inline constexpr std::int64_t slot_days_max = 7;
// A camera's clock may be so much behind; less, when moments are close.
inline constexpr std::int64_t early_ms_max = 60'000;

class Slots {
 public:
  // Both outlive it.
  Slots(store::Store& store, metrics::Metrics& metrics)
      : book_(store), store_(store), metrics_(metrics) {}

  // The meters of the next page that lack a reading whose time is over; noted. Nothing: no moment
  // is to be judged now.
  store::Result<std::optional<std::vector<std::string>>> next(std::int64_t now_ms);
  // What next() gave has been dealt with.
  store::Result<void> done();
  // Others do it meanwhile.
  void forget() { open_.reset(); }

  store::SlotBook& book() { return book_; }

 private:
  struct Open {
    schedule::Schedule schedule;
    store::Moment moment;
    std::vector<store::Subject> subjects;
    std::size_t index = 0, end = 0;  // of the page
  };
  store::Result<void> open(std::int64_t now_ms);

  store::SlotBook book_;
  store::Store& store_;
  metrics::Metrics& metrics_;
  std::optional<Open> open_;
  // When the next moment of a schedule is to be judged, of the version that was seen.
  struct Plan {
    std::int64_t version = 0, judged_ms = 0;
    std::optional<store::Moment> moment;
    std::int64_t judge_ms = 0;
  };
  std::map<std::int64_t, Plan> plans_;
};

// The first due moment after what has been judged, and when its readings must be there: after its
// spread, the time in which it is caught up, and the grace. Nothing: never.
std::optional<std::pair<store::Moment, std::int64_t>> next_moment(
    const schedule::Schedule& schedule, std::int64_t now_ms);

}  // namespace meterlens::notify
