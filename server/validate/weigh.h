// What a new reading, or a person's word on an old one, changes about a meter's other readings.
// Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/validate/chain.h"
#include "server/validate/meter.h"
#include "server/validate/reading.h"

namespace meterlens::validate {

// The server's later word on a stored reading.
struct Change {
  std::int64_t reading = 0;
  std::int64_t version = 0;  // of the reading that was judged
  Verdict verdict = Verdict::accepted;
  std::string reason;
  std::optional<int> decimals = {};  // so many from now on
};

// How many decimals a register of so many wheels has: what a person gave the meter, or a standing
// reading of as many wheels, the newest one. `fresh`: a new reading, whose word counts if it is a
// person's. Nothing: nobody has said it.
std::optional<int> decimals_said(const Past& past, int wheels, const Point* fresh = nullptr);

struct Weighed {
  bool is_in = false;  // the new reading is in the chain
  std::vector<Change> changes;
};

// The limits of a meter whose habit is known.
Limits limits_of(const Meter& meter, const Habit& habit);
// Whether the point can be of this meter's register at all.
bool fits(const Meter& meter, const Point& point);
// The value that a point shows: "195.41".
std::string value_text(const Point& point);

// `fresh`: the new reading, whose id is 0; null: only the others are weighed anew.
Weighed weigh(const Past& past, const Habit& habit, const Point* fresh);

}  // namespace meterlens::validate
