// Times at which a schedule wanted a reading of a meter: who looks at the meters that a schedule
// means, and the slots that stayed empty. An empty slot is a row of its own, no reading: it has no
// value, and ends when a reading of its time comes. A part of the Store, with its promises;
// thread-safe, the store outlives it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace meterlens::store {

// A meter, and a device that looks at it; empty: none does.
struct Subject {
  std::string meter;
  std::string device;
};

// One due moment of a schedule. A reading whose shot lies within [from_ms, until_ms) fills it.
struct Moment {
  std::int64_t schedule = 0;
  std::int64_t due_ms = 0;
  std::int64_t from_ms = 0;
  std::int64_t until_ms = 0;
};

// A due moment of a meter without a reading. One of a meter and time, whichever schedule.
struct Missing {
  std::int64_t id = 0;
  std::string meter;
  Moment moment;
  std::int64_t noticed_ms = 0;
  std::string reason;            // for people
  std::int64_t closed_ms = 0;    // 0: still missing
  std::int64_t reading = 0;      // that filled it late
  std::int64_t estimate = 0;     // the reading that stands in for it; 0: none
};

struct MissingFilter {
  std::string meter = {};        // empty: all
  bool open = false;             // only those that are still missing
  std::int64_t before_id = 0;    // older ones; 0: from the newest on
  int count_max = 100;
};

class SlotBook {
 public:
  explicit SlotBook(Store& store) : store_(store) {}

  // The meters that a schedule means at a time, by name, with each device that looks at them then.
  // Those that are not installed yet, or removed, are left out; those that nobody looks at are left
  // out unless the schedule names them or their group.
  Result<std::vector<Subject>> subjects(const schedule::Schedule& schedule, std::int64_t at_ms);
  // The devices of those, each once.
  Result<std::vector<std::string>> cameras(const schedule::Schedule& schedule, std::int64_t at_ms);
  // When a watch begins or ends, or a meter comes or goes, for the first time after `at_ms`; 0:
  // never.
  Result<std::int64_t> next_change(std::int64_t at_ms);

  // The meters of `subjects` (sorted, at most a few thousand) without a reading of that moment;
  // each gets its row, once. `added`: how many are new.
  Result<std::vector<std::string>> note(const Moment& moment, std::span<const Subject> subjects,
                                        std::int64_t now_ms, int& added);
  // All of that moment is noted; does nothing when the schedule has been changed since.
  Result<void> judged(const schedule::Schedule& schedule, std::int64_t due_ms);
  // Ends those of `meters` whose reading has come, and withdraws their estimates; how many.
  Result<int> close(std::span<const std::string> meters, std::int64_t now_ms);
  // How many slots are missing since the newest reading of each of `meters`; 0 is left out.
  Result<std::map<std::string, int>> waiting(std::span<const std::string> meters);

  // Orders of due moments, in one transaction: their ids, in the same order.
  Result<std::vector<std::int64_t>> add_commands(std::span<const command::Command> commands);

  // Gaps that an estimate may fill, by id after `after`: due before `before_ms`, no estimate yet,
  // and no reading of that time that counts.
  Result<std::vector<Missing>> gaps(std::int64_t before_ms, std::int64_t after, int count_max);
  // Stores what `fill` makes of each gap, a reading of its due time or none: one transaction. A gap
  // that got its estimate meanwhile is left out. The readings' ids.
  using Fill = std::function<validate::Outcome(const validate::Past& past, const Missing& gap)>;
  Result<std::vector<std::int64_t>> estimate(std::span<const Missing> gaps, const Fill& fill,
                                             std::int64_t now_ms);

  // Newest first.
  Result<std::vector<Missing>> missing(const MissingFilter& filter);
  // Still missing, by meter and time, with BillingFilter's meaning.
  Result<std::vector<Missing>> billed(const BillingFilter& filter);

 private:
  Store& store_;
};

}  // namespace meterlens::store
