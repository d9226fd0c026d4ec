#include <cmath>

#include "reader/evaluate.h"
#include "reader/json_line.h"

namespace meterlens::reader {
namespace {

double hundredths(double value) { return std::round(value * 100) / 100; }

Json object(const Report& report) {
  return {{"n", report.n},
          {"labelled", report.labelled},
          {"exact", report.exact},
          {"units_known", report.units_known},
          {"units_right", report.units_right},
          {"read", report.read},
          {"wrong_while_read", report.wrong_while_read},
          {"decimals_known", report.decimals_known},
          {"decimals_right", report.decimals_right},
          {"decimals_sure", report.decimals_sure},
          {"decimals_sure_right", report.decimals_sure_right},
          {"doubtful", report.doubtful},
          {"unreadable", report.unreadable},
          {"errors", report.errors},
          {"ms_per_photo", hundredths(report.ms_per_photo)},
          {"ms_50", hundredths(report.ms_50)},
          {"ms_95", hundredths(report.ms_95)}};
}

Json object(const Answer& answer) {
  if (!answer) return {{"status", "error"}, {"error", answer.error().text}};
  return {{"status", name_of(answer->status)},
          {"digits", answer->digits},
          {"certain", answer->certain},
          {"value", answer->value}};
}

}  // namespace

std::string to_json_line(const Report& report) { return line_of(object(report)); }

std::string to_json_line(const WheelReport& report) {
  return line_of({{"n", report.n},
                  {"near", report.near},
                  {"skipped", report.skipped},
                  {"errors", report.errors}});
}

std::string to_json_line(const std::vector<Labelled>& photos,
                         const std::vector<Answer>& old_answers,
                         const std::vector<Answer>& new_answers) {
  Json different = Json::array();
  for (const std::size_t i : differences(old_answers, new_answers)) {
    different.push_back({{"file", photos[i].file.string()},
                         {"label", photos[i].label},
                         {"old", object(old_answers[i])},
                         {"new", object(new_answers[i])}});
  }
  return line_of({{"old", object(report_of(photos, old_answers))},
                  {"new", object(report_of(photos, new_answers))},
                  {"photos", different}});
}

}  // namespace meterlens::reader
