// How well a reader does on labelled photos, and where two readers differ.
//
// Threads: as many as are asked for, each with a reader of its own. Memory: one photo a thread, and
// every answer.
#pragma once

#include <expected>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "reader/labels.h"
#include "reader/reader.h"

namespace meterlens::reader {

using Answer = std::expected<Digits, Error>;

struct Report {
  int n = 0;                 // photos
  int labelled = 0;          // of them with a label: exact, wrong and units are of these
  int exact = 0;             // every digit right, whatever the status
  int units_known = 0;       // the label tells its decimals ...
  int units_right = 0;       // ... and all wheels before them are right
  int read = 0;              // status read
  int wrong_while_read = 0;  // read, and one of its certain wheels or their number wrong
  int decimals_known = 0;    // read, of as many wheels as the label, which tells its decimals ...
  int decimals_right = 0;    // ... and `red` is their number
  int decimals_sure = 0;     // of the known ones those that the program stands behind ...
  int decimals_sure_right = 0;  // ... and that are right
  int doubtful = 0, unreadable = 0;
  int errors = 0;            // no such file, or no whole JPEG
  double ms_per_photo = 0;   // the mean; the median and the 95th percentile
  double ms_50 = 0, ms_95 = 0;
};

// What became of one photo: handed to `each` in order, for lists and progress.
struct Outcome {
  const Labelled& photo;
  const Answer& digits;
  bool exact = false, wrong_while_read = false;
};
using Each = std::function<void(const Outcome&)>;

struct EvaluateSettings {
  int threads = 1;
  bool mirror = false;  // show each photo as a mirror does: none may then be `read`
};

std::vector<Answer> read_all(Reader& reader, const std::vector<Labelled>& photos,
                             const Each& each = {}, const EvaluateSettings& settings = {});
// `answers` are those of `photos`, in their order.
Report report_of(const std::vector<Labelled>& photos, const std::vector<Answer>& answers);
Report evaluate(Reader& reader, const std::vector<Labelled>& photos, const Each& each = {});

bool is_exact(const Digits& digits, const std::vector<std::string>& accepted);
bool is_wrong_while_read(const Digits& digits, const std::vector<std::string>& accepted);

// What would happen if the confidence alone decided: of all labelled photos the share whose
// confidence is at least `threshold`, with all wheels certain but at most the last two; and of
// these the share with a certain wheel wrong.
struct CurvePoint {
  double threshold = 0, coverage = 0, risk = 0;
};
// From the highest threshold down, one point for each confidence that occurs and is not 0.
std::vector<CurvePoint> curve_of(const std::vector<Labelled>& photos,
                                 const std::vector<Answer>& answers);

// The photos that two readers answered differently: in status, digits, or number of certain or of
// decimals' wheels.
std::vector<std::size_t> differences(const std::vector<Answer>& old_answers,
                                     const std::vector<Answer>& new_answers);

// Pictures of one wheel, labelled with its digit or its position in tenths ("3.7"); other labels
// (NaN) are skipped.
struct WheelReport {
  int n = 0;
  int near = 0;  // within 0.5 of a step, 9.9 being next to 0
  int skipped = 0, errors = 0;
};
using ReadWheel = std::function<std::expected<Wheel, Error>(std::span<const std::byte>)>;
WheelReport evaluate_wheels(const std::vector<Labelled>& wheels, const ReadWheel& read);

// One line of JSON each, without its end.
std::string to_json_line(const Report& report);
std::string to_json_line(const WheelReport& report);
// {"old":..,"new":..,"photos":[{"file":..,"label":..,"old":{..},"new":{..}}]}
std::string to_json_line(const std::vector<Labelled>& photos,
                         const std::vector<Answer>& old_answers,
                         const std::vector<Answer>& new_answers);

}  // namespace meterlens::reader
