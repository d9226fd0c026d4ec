#include "server/notify/news_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/notify/amount.h"
#include "server/notify/json_text.h"

namespace meterlens::notify {
namespace {

using json = nlohmann::ordered_json;
using store::Alarm;
using store::News;

json time_or_null(std::int64_t ms) { return ms == 0 ? json() : json(ms); }

json object_of(const Alarm& alarm) {
  return {{"id", alarm.id},
          {"kind", store::name(alarm.kind)},
          {"subject", alarm.subject},
          {"subject_kind", store::subject_of(alarm.kind)},
          {"reason", alarm.reason},
          {"raised_ms", alarm.raised_ms},
          {"acknowledged_ms", time_or_null(alarm.acknowledged_ms)},
          {"acknowledged_by", alarm.acknowledged_by},
          {"cleared_ms", time_or_null(alarm.cleared_ms)},
          {"open", alarm.cleared_ms == 0}};
}

json object_of(const News& news, std::span<const validate::Meter> meters) {
  json out{{"id", news_id(news)}, {"kind", store::name(news.kind)}, {"at_ms", news.at_ms}};
  if (!news.reason.empty()) out["reason"] = news.reason;
  if (news.stream == store::Stream::alarm) {
    out["alarm"] = object_of(news.alarm);
    return out;
  }
  const validate::Reading& reading = news.reading;
  json& one = out["reading"] = {{"id", reading.id},
                                {"meter", reading.meter},
                                {"device", reading.device},
                                {"photo", time_or_null(reading.photo)},
                                {"at_ms", reading.at_ms},
                                {"at", time_text(reading.at_ms)},
                                {"value", reading.value},
                                {"verdict", validate::name(reading.verdict)}};
  const auto meter = std::ranges::find(meters, reading.meter, &validate::Meter::id);
  if (meter != meters.end()) {
    one["amount"] = amount(reading.value, meter->factor).value_or(reading.value);
    one["unit"] = meter->unit;
    one["serial"] = meter->serial;
  }
  if (news.kind != store::NewsKind::reading_accepted) out["value_before"] = news.value_before;
  return out;
}

}  // namespace

std::string news_id(const News& news) {
  return std::string(store::name(news.stream)) + "-" + std::to_string(news.row);
}

std::string news_json(const std::string& sink, std::span<const News> news,
                      std::span<const validate::Meter> meters, std::int64_t sent_ms) {
  json events = json::array();
  for (const News& one : news) events.push_back(object_of(one, meters));
  return text_of({{"sink", sink}, {"sent_ms", sent_ms}, {"events", std::move(events)}});
}

std::string test_json(const std::string& sink, std::int64_t sent_ms) {
  return text_of(
      {{"sink", sink}, {"sent_ms", sent_ms}, {"test", true}, {"events", json::array()}});
}

std::string alarm_json(const Alarm& alarm) { return text_of(object_of(alarm)); }

std::string alarms_json(const std::vector<Alarm>& alarms, bool has_more) {
  json list = json::array();
  for (const Alarm& alarm : alarms) list.push_back(object_of(alarm));
  json out{{"alarms", std::move(list)}, {"next", json()}};
  if (has_more && !alarms.empty()) out["next"] = std::to_string(alarms.back().id);
  return text_of(out);
}

const char* name(Trouble trouble) {
  switch (trouble) {
    case Trouble::no_answer: return "no_answer";
    case Trouble::redirect: return "redirect";
    case Trouble::not_let_in: return "not_let_in";
    case Trouble::wrong_address: return "wrong_address";
    case Trouble::not_taken: return "not_taken";
    case Trouble::other: break;
  }
  return "other";
}

std::string sinks_json(const std::vector<SinkStatus>& sinks) {
  json list = json::array();
  for (const SinkStatus& sink : sinks) {
    list.push_back({{"name", sink.name},
                    {"state", sink.failing_since_ms == 0 ? "ok" : "failing"},
                    {"delivered", sink.delivered},
                    {"failures", sink.failures},
                    {"refused", sink.refused},
                    {"dropped", sink.dropped},
                    {"backlog", sink.backlog},
                    {"last_ok_ms", time_or_null(sink.last_ok_ms)},
                    {"failing_since_ms", time_or_null(sink.failing_since_ms)},
                    {"next_try_ms", time_or_null(sink.next_try_ms)},
                    {"last_error", sink.last_error},
                    {"last_code", sink.last_error.empty() ? "" : name(sink.last_trouble)},
                    {"last_error_ms", time_or_null(sink.last_error_ms)}});
  }
  return text_of({{"sinks", std::move(list)}});
}

std::string sent_json(const std::string& sink, const Sent& sent) {
  return text_of({{"sink", sink}, {"ok", sent.good()}, {"error", sent.error},
                  {"code", sent.good() ? "" : name(sent.trouble)}});
}

}  // namespace meterlens::notify
