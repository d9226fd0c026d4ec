// Judges what the reader saw on a photo against the meter's own past, and says what that changes
// about earlier readings. Pure functions of their arguments: no clock, no store, any thread. Only
// `accepted` may be published; whatever cannot be explained is `doubtful` with its reasons, is
// kept, and is judged again with every later reading. The rules are in chain.h, habit.h, notice.h.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "server/validate/decimal.h"
#include "server/validate/meter.h"
#include "server/validate/reading.h"
#include "server/validate/weigh.h"

namespace meterlens::validate {

// What the reader said about one photo.
struct Claim {
  std::string meter;
  std::string device;
  std::int64_t photo = 0;
  std::int64_t at_ms = 0;  // Unix, the time of the shot
  std::string status;      // read, doubtful, unreadable
  std::string digits;      // the best guess of every wheel, leading zeros kept
  int certain = 0;         // leading wheels that the reader stands behind
  int red = 0;             // trailing wheels that are decimals; 0: unknown or none
  bool red_is_clear = true;  // the reader stands behind `red`
  double confidence = 0;
  std::array<std::array<double, 2>, 4> window{};
  std::vector<double> wheels = {};  // 0 to 1, that each digit is right; empty: not known
  double ms = 0;
  std::string reason;      // the reader's, when it is not "read"
  std::string prior;       // what the photo alone says, when the last reading changed the claim
  std::string second;      // another number that a second reader sees; empty: there is none
  std::string unconfirmed = {};  // why it needs a second reader's word and has none; empty: not so
  std::string remark = {};       // what else people should know; changes nothing
  std::vector<Said> said = {};   // all readers' words, when more than one was to be asked
  bool clock_is_wrong = false;  // at_ms is the time of the arrival
};

// A photo cannot be shot after it arrived, nor years before: then the camera's clock is wrong, and
// the time of the arrival is taken.
void settle_time(Claim& claim, std::int64_t arrived_at_ms);

struct Outcome {
  std::vector<Reading> readings = {};  // new ones; ids are 0
  std::vector<Change> changes = {};    // of earlier readings
};

// `past` is the meter's, round claim.at_ms. O(points), at most about 0.1 ms.
Outcome judge(const Claim& claim, const Past& past);
// The same for a reading that a person has given.
Outcome enter(const Reading& manual, const Past& past);
// After a person has changed a reading: what follows for the others.
Outcome reconsider(const Past& past);
// A photo of a device that watches no meter at that time.
Outcome refuse(const Claim& claim);

// Why the reader itself doubted ("dark", "glare"), from the reasons; empty: it did not.
std::string doubt_of(const Reading& reading);

// How other readings see this one. Open only when nothing but other readings speaks against it.
Point point_of(const Reading& reading);
// Whether `reading`, should it be doubtful, may become accepted by what later ones say.
bool is_open(const Reading& reading);

}  // namespace meterlens::validate
