#include "reader/evaluate.h"

#include <fmt/format.h>

#include <cstdio>

#include "app/place.h"
#include "app/read.h"

namespace meterlens::app {
namespace {

using reader::Outcome;
using reader::Report;

double percent(int part, int whole) { return whole == 0 ? 0 : 100.0 * part / whole; }

void print_report(const Report& report) {
  fmt::print("photos            {}\n", report.n);
  fmt::print("exact             {} ({:.1f} %)\n", report.exact, percent(report.exact, report.n));
  fmt::print("read              {} ({:.1f} %)\n", report.read, percent(report.read, report.n));
  fmt::print("wrong while read  {} ({:.1f} %)\n", report.wrong_while_read,
             percent(report.wrong_while_read, report.n));
  fmt::print("doubtful          {}\n", report.doubtful);
  fmt::print("unreadable        {}\n", report.unreadable);
  fmt::print("errors            {}\n", report.errors);
  fmt::print("ms per photo      {:.1f}\n", report.ms_per_photo);
}

void list_one(const Outcome& outcome) {
  if (outcome.exact) return;
  const std::string file = outcome.photo.file.string();
  if (!outcome.digits) {
    fmt::print(stderr, "{}: {}\n", file, outcome.digits.error().text);
    return;
  }
  const auto& digits = *outcome.digits;
  fmt::print(stderr, "{}: is {}, seen {} ({} certain, {}){}\n", file, outcome.photo.label,
             digits.digits, digits.certain, reader::name_of(digits.status),
             outcome.wrong_while_read ? " WRONG WHILE READ" : "");
}

}  // namespace

int evaluate_reader(const EvaluateOptions& options) {
  const auto photos = reader::labels_of(options.labels, options.split);
  if (!photos) {
    fmt::print(stderr, "meterlens: {}\n", photos.error());
    return 1;
  }
  if (photos->empty()) {
    fmt::print(stderr, "meterlens: no labelled photo in {} fits\n", options.labels);
    return 1;
  }
  auto reader = reader::Reader::open(find_folder(options.models, "reader/models", "models"));
  if (!reader) {
    fmt::print(stderr, "meterlens: {}; --models names the folder\n", reader.error().text);
    return 1;
  }
  const Report report = reader::evaluate(*reader, *photos, [&](const Outcome& outcome) {
    if (options.list) list_one(outcome);
  });
  if (options.json) {
    fmt::print("{}\n", to_json_line(report));
  } else {
    print_report(report);
  }
  return 0;
}

}  // namespace meterlens::app
