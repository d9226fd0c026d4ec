// Which devices are to take a photo now, by all schedules. A pure state machine: the clock is the
// caller's, one thread; ordering the captures and storing `done_ms` are the caller's.
//
// Each device of a schedule has its own delay within the spread, by a hash of its name, so that
// 100,000 of them do not fire at once and each keeps its hour. What comes due while ticks go on is
// never missed, however long ordering all of it takes. After a pause (a minute without a tick, or
// other schedules or devices) only the newest due moment is caught up, if the pause ended within
// catch_up_s of it, or within a minute when that is less; earlier ones are counted as missed.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/schedule/cron.h"
#include "server/schedule/schedule.h"

namespace meterlens::schedule {

struct Due {
  std::int64_t schedule = 0;
  std::string device;
  std::int64_t due_ms = 0;
  bool missed = false;  // too late: to be marked, not ordered
};

class Planner {
 public:
  // Takes the place of what it had. Requires schedules that check() lets pass.
  void set_schedules(std::vector<Schedule> schedules);
  // All devices, for the schedules that name none.
  void set_devices(const std::vector<std::string>& devices);

  // What is due by now, at most `count_max`; the rest comes with the next call.
  std::vector<Due> tick(std::int64_t now_ms, std::size_t count_max);

  // Whether a moment is under way, with devices that are due and not ordered yet: schedules that
  // were set anew now would begin it again.
  bool is_ordering(std::int64_t now_ms) const;

  // id and done_ms of schedules that have changed since the last take.
  std::vector<std::pair<std::int64_t, std::int64_t>> take_done();
  // The next due moment (of the first device); nothing: unknown, disabled or never.
  std::optional<std::int64_t> next_ms(std::int64_t schedule) const;
  std::uint64_t missed_moments() const { return missed_moments_; }

 private:
  struct Plan {
    Schedule schedule;
    Cron cron;
    std::vector<std::pair<std::int64_t, std::string>> devices;  // delay, the shortest first
    std::optional<std::int64_t> moment_ms;  // being ordered, or to come
    std::optional<std::int64_t> after_ms;   // the moment after it
    std::size_t index = 0;                  // of the next device of that moment
    bool changed = false;
  };

  void arrange(Plan& plan) const;
  static void set_moment(Plan& plan, std::optional<std::int64_t> moment_ms);
  static void begin(Plan& plan);
  void go_on(Plan& plan, std::int64_t now_ms);
  void order(Plan& plan, std::int64_t now_ms, std::size_t count_max, std::vector<Due>& out) const;

  // Of its next device, now; never when it has none.
  static std::int64_t due_ms(const Plan& plan);

  std::vector<Plan> plans_;
  // When each has to be looked at again: most ticks pass by most of 100,000 schedules.
  std::vector<std::int64_t> looks_ms_;
  std::vector<std::size_t> changed_;  // places of those with `changed`
  std::int64_t ticked_ms_ = std::numeric_limits<std::int64_t>::min();
  bool is_new_ = true;         // no tick yet with these schedules and devices
  std::int64_t there_ms_ = 0;  // of the first tick after the last pause
  std::vector<std::string> all_devices_;
  std::uint64_t missed_moments_ = 0;
};

}  // namespace meterlens::schedule
