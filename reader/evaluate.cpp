#include "reader/evaluate.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>

#include "reader/batch.h"
#include "reader/crop.h"

namespace meterlens::reader {
namespace {

std::vector<std::byte> content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

Answer read_one(Reader& reader, const Labelled& photo, bool mirror) {
  const std::vector<std::byte> jpeg = content_of(photo.file);
  if (!mirror) return reader.read(jpeg);
  const auto mirrored = mirror_of(jpeg);
  if (!mirrored) return std::unexpected(mirrored.error());
  return reader.read(*mirrored);
}

bool is_right(const Digits& digits, const std::vector<std::string>& accepted, std::size_t wheels) {
  return std::ranges::any_of(accepted, [&](const std::string& text) {
    return text.size() == digits.digits.size() && text.compare(0, wheels, digits.digits, 0,
                                                               wheels) == 0;
  });
}

bool is_wrong(const Digits& digits, const std::vector<std::string>& accepted) {
  return !is_right(digits, accepted, static_cast<std::size_t>(digits.certain));
}

std::string without_zeros(const std::string& digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

// All wheels before the decimals: of as many wheels, or as a number when the reader saw other
// decimals.
bool units_right(const Digits& digits, const Labelled& photo) {
  const auto red = static_cast<std::size_t>(photo.red);
  if (is_right(digits, photo.accepted, photo.label.size() - red)) return true;
  if (digits.red == 0 || digits.digits.empty()) return false;
  const std::string seen = without_zeros(
      digits.digits.substr(0, digits.digits.size() - static_cast<std::size_t>(digits.red)));
  return std::ranges::any_of(photo.accepted, [&](const std::string& text) {
    return text.size() >= red && without_zeros(text.substr(0, text.size() - red)) == seen;
  });
}

void count_decimals(Report& report, const Labelled& photo, const Digits& digits) {
  if (photo.red < 0 || digits.status != Status::read || digits.digits.size() != photo.label.size())
    return;
  const bool is_red_right = digits.red == photo.red, is_sure = digits.red_confidence >= red_sure;
  ++report.decimals_known;
  report.decimals_right += is_red_right;
  report.decimals_sure += is_sure;
  report.decimals_sure_right += is_sure && is_red_right;
}

void count(Report& report, const Labelled& photo, const Answer& answer) {
  const bool has_units = photo.red >= 0 && photo.label.size() > static_cast<std::size_t>(photo.red);
  ++report.n;
  report.labelled += !photo.label.empty();
  report.units_known += has_units;
  if (!answer) {
    ++report.errors;
    return;
  }
  report.read += answer->status == Status::read;
  report.doubtful += answer->status == Status::doubtful;
  report.unreadable += answer->status == Status::unreadable;
  if (photo.label.empty()) return;
  report.exact += is_exact(*answer, photo.accepted);
  report.wrong_while_read += is_wrong_while_read(*answer, photo.accepted);
  report.units_right += has_units && units_right(*answer, photo);
  count_decimals(report, photo, *answer);
}

// Something to stand behind: a `read` leaves at most its last two wheels open.
bool is_number(const Digits& digits) {
  return digits.confidence > 0 && digits.certain + 2 >= static_cast<int>(digits.digits.size());
}

// The value below which the share lies; `sorted` is not empty.
double percentile(const std::vector<double>& sorted, double share) {
  const double index = share * static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(std::lround(index))];
}

std::optional<double> position_of(const std::string& label) {
  double position = 0;
  const char* end = label.data() + label.size();
  const auto [stopped, failed] =
      std::from_chars(label.data(), end, position, std::chars_format::fixed);
  if (failed != std::errc{} || stopped != end || !(position >= 0 && position < 10)) return {};
  return position;
}

}  // namespace

bool is_exact(const Digits& digits, const std::vector<std::string>& accepted) {
  return std::find(accepted.begin(), accepted.end(), digits.digits) != accepted.end();
}

bool is_wrong_while_read(const Digits& digits, const std::vector<std::string>& accepted) {
  return digits.status == Status::read && is_wrong(digits, accepted);
}

std::vector<Answer> read_all(Reader& reader, const std::vector<Labelled>& photos, const Each& each,
                             const EvaluateSettings& settings) {
  std::vector<Answer> answers(photos.size());
  for_each_photo(
      reader, photos.size(), thread_count(settings.threads, photos.size()),
      [&](Reader& own, std::size_t i) { answers[i] = read_one(own, photos[i], settings.mirror); },
      [&](std::size_t i) {
        if (!each) return;
        Outcome outcome{photos[i], answers[i]};
        if (answers[i] && !photos[i].label.empty()) {
          outcome.exact = is_exact(*answers[i], photos[i].accepted);
          outcome.wrong_while_read = is_wrong_while_read(*answers[i], photos[i].accepted);
        }
        each(outcome);
      });
  return answers;
}

Report report_of(const std::vector<Labelled>& photos, const std::vector<Answer>& answers) {
  Report report;
  std::vector<double> ms;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    count(report, photos[i], answers[i]);
    if (answers[i]) ms.push_back(answers[i]->ms);
  }
  if (ms.empty()) return report;
  std::ranges::sort(ms);
  report.ms_per_photo = std::accumulate(ms.begin(), ms.end(), 0.0) / static_cast<double>(ms.size());
  report.ms_50 = percentile(ms, 0.5);
  report.ms_95 = percentile(ms, 0.95);
  return report;
}

Report evaluate(Reader& reader, const std::vector<Labelled>& photos, const Each& each) {
  return report_of(photos, read_all(reader, photos, each));
}

std::vector<CurvePoint> curve_of(const std::vector<Labelled>& photos,
                                 const std::vector<Answer>& answers) {
  struct One {
    double confidence;
    bool wrong;
  };
  std::vector<One> all;
  int labelled = 0;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (photos[i].label.empty()) continue;
    ++labelled;
    if (answers[i] && is_number(*answers[i]))
      all.push_back({answers[i]->confidence, is_wrong(*answers[i], photos[i].accepted)});
  }
  std::ranges::sort(all, std::greater<>(), &One::confidence);
  std::vector<CurvePoint> curve;
  int covered = 0, wrong = 0;
  for (const One& one : all) {
    ++covered;
    wrong += one.wrong;
    const CurvePoint point{one.confidence, static_cast<double>(covered) / labelled,
                           static_cast<double>(wrong) / covered};
    if (!curve.empty() && curve.back().threshold == one.confidence) curve.pop_back();
    curve.push_back(point);
  }
  return curve;
}

std::vector<std::size_t> differences(const std::vector<Answer>& old_answers,
                                     const std::vector<Answer>& new_answers) {
  std::vector<std::size_t> different;
  for (std::size_t i = 0; i < old_answers.size(); ++i) {
    const Answer &a = old_answers[i], &b = new_answers[i];
    if (!a && !b) continue;
    const bool same = a && b && a->status == b->status && a->digits == b->digits &&
                      a->certain == b->certain && a->red == b->red;
    if (!same) different.push_back(i);
  }
  return different;
}

WheelReport evaluate_wheels(const std::vector<Labelled>& wheels, const ReadWheel& read) {
  WheelReport report;
  for (const Labelled& wheel : wheels) {
    const auto wanted = position_of(wheel.label);
    if (!wanted) {
      ++report.skipped;
      continue;
    }
    ++report.n;
    const auto seen = read(content_of(wheel.file));
    if (!seen) {
      ++report.errors;
      continue;
    }
    const double apart = std::abs(seen->position - *wanted);
    report.near += std::min(apart, 10 - apart) <= 0.5 + 1e-9;
  }
  return report;
}

}  // namespace meterlens::reader
