#include "app/evaluate.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <unordered_map>

#include "app/place.h"
#include "app/stored.h"
#include "reader/evaluate.h"

namespace meterlens::app {
namespace {

using reader::Answer;
using reader::Labelled;
using reader::Outcome;
using reader::Report;
using Photos = std::expected<std::vector<Labelled>, std::string>;

// "12 (60.0 %)"
std::string share(int part, int whole) {
  return whole == 0 ? "n/a" : fmt::format("{} ({:.1f} %)", part, 100.0 * part / whole);
}

void print_report(const Report& report, const char* title) {
  fmt::print("{}photos              {}, {} labelled\n", title, report.n, report.labelled);
  fmt::print("all wheels exact    {}\n", share(report.exact, report.labelled));
  fmt::print("whole units right   {}\n", share(report.units_right, report.units_known));
  fmt::print("read                {}\n", share(report.read, report.n));
  fmt::print("  a certain wheel wrong  {}\n", share(report.wrong_while_read, report.labelled));
  fmt::print("doubtful            {}\n", report.doubtful);
  fmt::print("unreadable          {}\n", report.unreadable);
  fmt::print("errors              {}\n", report.errors);
  fmt::print("ms per photo        {:.1f}, median {:.1f}, 95 % below {:.1f}\n", report.ms_per_photo,
             report.ms_50, report.ms_95);
}

std::string said(const Answer& answer) {
  if (!answer) return answer.error().text;
  return fmt::format("{} ({} certain, {} red, {})", answer->digits, answer->certain, answer->red,
                     reader::name_of(answer->status));
}

void list_one(const Outcome& outcome) {
  if (outcome.exact) return;
  fmt::print(stderr, "{}: is {}, seen {}{}\n", outcome.photo.file.string(), outcome.photo.label,
             said(outcome.digits), outcome.wrong_while_read ? " WRONG WHILE READ" : "");
}

void print_differences(const std::vector<Labelled>& photos, const std::vector<Answer>& old_answers,
                       const std::vector<Answer>& new_answers) {
  const auto different = reader::differences(old_answers, new_answers);
  fmt::print("{} photos differ\n", different.size());
  for (const std::size_t i : different) {
    const std::string label = photos[i].label.empty() ? "?" : photos[i].label;
    fmt::print("{}: is {}, old {}, new {}\n", photos[i].file.string(), label,
               said(old_answers[i]), said(new_answers[i]));
  }
}

// Every photo of the server once, whether it has been read or not.
Photos stored_photos(const EvaluateOptions& options) {
  const auto store = open_store(options.config);
  if (!store) return std::unexpected(store.error());
  const int all = std::numeric_limits<int>::max();
  const auto stored = (*store)->photos({.count_max = all});
  if (!stored) return std::unexpected(stored.error().message);
  const auto readings = (*store)->readings({.reviewed = true, .count_max = all});
  if (!readings) return std::unexpected(readings.error().message);
  std::unordered_map<std::int64_t, const validate::Reading*> labels;
  for (const auto& reading : *readings)
    if (is_labelled(reading)) labels.emplace(reading.photo, &reading);
  std::vector<Labelled> photos;
  for (const auto& photo : *stored) {
    if (photo.state != photo::PhotoState::stored) continue;
    Labelled labelled{photo.path, "", {}, -1};
    if (const auto known = labels.find(photo.id); known != labels.end()) {
      labelled.label = known->second->digits;
      labelled.accepted = {labelled.label};
      labelled.red = known->second->red;
    }
    photos.push_back(std::move(labelled));
  }
  return photos;
}

Photos photos_of(const EvaluateOptions& options) {
  if (options.stored == !options.labels.empty())
    return std::unexpected("name --labels FILE or --stored, one of them");
  auto photos = options.stored ? stored_photos(options)
                               : reader::labels_of(options.labels, options.split);
  if (photos && photos->empty()) {
    return std::unexpected(options.stored ? "the server has no photo"
                                          : "no labelled photo in " + options.labels + " fits");
  }
  return photos;
}

std::expected<void, std::string> write_curve(const std::string& path,
                                             const std::vector<Labelled>& photos,
                                             const std::vector<Answer>& answers) {
  std::ofstream file(path);
  file << "threshold,coverage,risk\n";
  for (const auto& point : reader::curve_of(photos, answers))
    file << fmt::format("{:.6f},{:.4f},{:.4f}\n", point.threshold, point.coverage, point.risk);
  if (!file.flush()) return std::unexpected("cannot write " + path);
  return {};
}

int evaluate_wheels(const EvaluateOptions& options, reader::Reader& reader,
                    const std::vector<Labelled>& wheels) {
  const auto report = reader::evaluate_wheels(
      wheels, [&](std::span<const std::byte> jpeg) { return reader.read_wheel(jpeg); });
  if (options.json) {
    fmt::print("{}\n", to_json_line(report));
  } else {
    fmt::print("wheels                {} ({} skipped, {} errors)\n", report.n, report.skipped,
               report.errors);
    fmt::print("within 0.5 of a step  {}\n", share(report.near, report.n));
  }
  return 0;
}

std::optional<reader::Reader> open_reader(const std::string& models) {
  auto reader = reader::Reader::open(find_folder(models, "reader/models", "models"));
  if (reader) return *std::move(reader);
  fmt::print(stderr, "meterlens: {}; --models and --against name a folder\n", reader.error().text);
  return {};
}

void print_all(const EvaluateOptions& options, const std::vector<Labelled>& photos,
               const std::vector<Answer>& answers, const std::vector<Answer>& old_answers) {
  const bool alone = options.against.empty();
  if (options.json) {
    fmt::print("{}\n", alone ? to_json_line(report_of(photos, answers))
                             : to_json_line(photos, old_answers, answers));
    return;
  }
  if (!alone) print_report(report_of(photos, old_answers), "old: ");
  print_report(report_of(photos, answers), alone ? "" : "new: ");
  if (!alone) print_differences(photos, old_answers, answers);
}

}  // namespace

int evaluate_reader(const EvaluateOptions& options) {
  const auto photos = photos_of(options);
  if (!photos) {
    fmt::print(stderr, "meterlens: {}\n", photos.error());
    return 1;
  }
  auto reader = open_reader(options.models);
  if (!reader) return 1;
  if (options.wheels) return evaluate_wheels(options, *reader, *photos);
  const reader::EvaluateSettings settings{options.threads, options.mirror};
  std::vector<Answer> old_answers;
  if (!options.against.empty()) {
    auto old_reader = open_reader(options.against);
    if (!old_reader) return 1;
    old_answers = read_all(*old_reader, *photos, {}, settings);
  }
  const auto answers = read_all(*reader, *photos, options.list ? list_one : reader::Each(),
                                settings);
  print_all(options, *photos, answers, old_answers);
  if (options.curve.empty()) return 0;
  const auto written = write_curve(options.curve, *photos, answers);
  if (!written) fmt::print(stderr, "meterlens: {}\n", written.error());
  return written ? 0 : 1;
}

}  // namespace meterlens::app
