// Inside api/: meters and what belongs to them as JSON text, and the bodies that are understood.
// Every error says what is wrong with the body.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "server/store/store.h"
#include "server/validate/estimate.h"

namespace meterlens::api {

std::string meter_json(const validate::Meter& meter);
// `next`: where the following page begins; empty: this is the last.
std::string meters_json(const std::vector<validate::Meter>& meters, const std::string& next);
std::string meter_edits_json(const std::vector<store::Edit<validate::Meter>>& edits);
std::string watch_json(const validate::Watch& watch);
std::string watches_json(const std::vector<validate::Watch>& watches, const std::string& next);
std::string watch_edits_json(const std::vector<store::Edit<validate::Watch>>& edits);
std::string exchange_json(const validate::Exchange& exchange);
std::string exchanges_json(const std::vector<validate::Exchange>& exchanges);
// As the server judged it, then each word on it, oldest first.
std::string reading_history_json(const std::vector<validate::Reading>& history);

template <class Thing>
struct Edited {
  Thing thing;
  validate::Author author;
};

// A `MeterEdit` over `before`: keys that are not there stay. Needs "version" unless `is_new`.
std::expected<Edited<validate::Meter>, std::string> parse_meter(const std::string& body,
                                                                const validate::Meter& before,
                                                                bool is_new);
// The same for a `WatchEdit`; a new one needs "device" and "meter", which never change.
std::expected<Edited<validate::Watch>, std::string> parse_watch(const std::string& body,
                                                                const validate::Watch& before,
                                                                bool is_new);

struct ExchangeBody {
  validate::Meter after;  // the meter with its new register
  validate::Author author;
  std::int64_t at_ms = 0;
  std::string end;
  std::string start;
};
std::expected<ExchangeBody, std::string> parse_exchange(const std::string& body,
                                                        const validate::Meter& before);

struct ManualBody {
  std::int64_t at_ms = 0;
  std::string value;   // one of these is set
  std::string digits;
  validate::Author author;
};
std::expected<ManualBody, std::string> parse_manual(const std::string& body);

inline constexpr int estimate_count_max = 1000;
struct EstimateBody {
  std::int64_t from_ms = 0;
  std::int64_t to_ms = 0;
  std::int64_t every_ms = 0;
  validate::Method method = validate::Method::linear;
  validate::Author author;
};
std::expected<EstimateBody, std::string> parse_estimate(const std::string& body);

}  // namespace meterlens::api
