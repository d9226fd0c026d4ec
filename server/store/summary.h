// The answer of Store::summary: how the fleet is, how a day goes, how the days before it went.
#pragma once

#include <cstdint>
#include <vector>

#include "server/store/store.h"

namespace meterlens::store {

struct Summary {
  struct Day {
    std::int64_t from_ms = 0;
    std::int64_t accepted = 0;  // or entered by a person
    std::int64_t doubtful = 0, rejected = 0;
  };
  std::int64_t devices = 0, online = 0;
  std::int64_t doubtful = 0;                  // readings that wait for a person
  std::int64_t done = 0, open = 0, failed = 0;  // commands since the day began
  std::vector<Day> days;                      // the oldest first; the last is the day itself
};

}  // namespace meterlens::store
