#include "server/api/billing.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "protocol/ids.h"
#include "server/api/csv.h"
#include "server/api/query.h"
#include "server/notify/amount.h"

namespace meterlens::api {
namespace {

using Json = nlohmann::ordered_json;
using validate::Reading;

constexpr int count_most = 10'000;
constexpr std::array columns{"meter",   "serial",  "place", "medium",  "unit",    "factor",
                             "at",      "at_ms",   "value", "amount",  "quality", "verdict",
                             "flags",   "reading", "photo", "device",  "reviewer", "review_reason",
                             "review_ms"};
constexpr std::array is_number{false, false, false, false, false, false, false, true, false, false,
                               false, false, false, true, true, false, false, false, true};
static_assert(columns.size() == is_number.size());

// A meter, and which serial number its register had when.
struct Register {
  validate::Meter meter;
  std::vector<validate::Exchange> exchanges;  // newest first
  std::string serial_at(std::int64_t at_ms) const {
    std::string out = meter.serial;
    for (const validate::Exchange& exchange : exchanges) {
      if (exchange.at_ms <= at_ms) break;
      out = exchange.serial_before;
    }
    return out;
  }
};

// As text in the order of the columns; numbers that are not known are empty.
std::vector<std::string> fields_of(const Reading& reading, const Register& known) {
  std::string flags;
  for (int i = 0; i < validate::flag_count; ++i) {
    const auto flag = static_cast<validate::Flag>(1U << i);
    if ((reading.flags & bit(flag)) != 0)
      flags += (flags.empty() ? "" : " ") + std::string(validate::name(flag));
  }
  const auto or_empty = [](std::int64_t number) {
    return number == 0 ? std::string() : std::to_string(number);
  };
  const validate::Meter& meter = known.meter;
  const bool is_reviewed = reading.review && !reading.review->by_server;
  return {reading.meter,
          known.serial_at(reading.at_ms),
          meter.place,
          validate::name(meter.medium),
          meter.unit,
          meter.factor,
          notify::time_text(reading.at_ms),
          std::to_string(reading.at_ms),
          reading.value,
          notify::amount(reading.value, meter.factor).value_or(""),
          std::string(1, notify::quality_of(reading)),
          validate::name(reading.verdict),
          flags,
          std::to_string(reading.id),
          or_empty(reading.photo),
          reading.device,
          is_reviewed ? reading.review->reviewer : "",
          reading.review ? reading.review->reason : "",
          reading.review ? or_empty(reading.review->at_ms) : ""};
}

struct Rows {
  std::vector<std::vector<std::string>> fields;
  std::string next;
};

store::Result<Rows> rows_of(store::Store& store, store::BillingFilter filter) {
  const int wanted = filter.count_max;
  filter.count_max = wanted + 1;
  auto readings = store.billing(filter);
  if (!readings) return std::unexpected(readings.error());
  Rows out;
  if (static_cast<int>(readings->size()) > wanted) {
    readings->pop_back();
    const Reading& last = readings->back();
    out.next = fmt::format("{}.{}.{}", last.id, last.at_ms, last.meter);
  }
  std::map<std::string, Register> known;
  for (const Reading& reading : *readings) {
    auto [at, is_new] = known.try_emplace(reading.meter);
    if (is_new) {
      auto meter = store.meter(reading.meter);
      if (!meter && meter.error().code != store::ErrorCode::not_found)
        return std::unexpected(meter.error());
      if (meter) at->second.meter = *std::move(meter);
      auto exchanges = store.exchanges(reading.meter);
      if (!exchanges) return std::unexpected(exchanges.error());
      at->second.exchanges = *std::move(exchanges);
    }
    out.fields.push_back(fields_of(reading, at->second));
  }
  return out;
}

std::optional<std::int64_t> time_of(const std::string& text) {
  if (const auto ms = parse_id(text)) return ms;
  if (text == "0") return 0;
  return notify::parse_time(text);
}

bool take_cursor(store::BillingFilter& filter, const std::string& text) {
  const std::size_t first = text.find('.');
  if (first == std::string::npos) return false;
  const std::size_t second = text.find('.', first + 1);
  if (second == std::string::npos) return false;
  const auto id = parse_id(text.substr(0, first));
  const auto at_ms = time_of(text.substr(first + 1, second - first - 1));
  filter.after_meter = text.substr(second + 1);
  if (!id || !at_ms || !protocol::is_device_name(filter.after_meter)) return false;
  filter.after_id = *id;
  filter.after_ms = *at_ms;
  return true;
}

}  // namespace

std::expected<store::BillingFilter, std::string> parse_billing(std::string_view query) {
  const auto asked = parse_query(query);
  if (!asked) return std::unexpected(asked.error());
  store::BillingFilter filter;
  filter.may_lag = true;
  for (const auto& [name, to] :
       {std::pair{"from", &filter.from_ms}, std::pair{"to", &filter.to_ms}}) {
    const std::string text = asked->get(name);
    if (text.empty()) continue;
    const auto at_ms = time_of(text);
    if (!at_ms) {
      return std::unexpected(fmt::format("{} must be a time like 2026-03-01T00:00:00Z, or Unix "
                                         "milliseconds", name));
    }
    *to = *at_ms;
  }
  if (filter.to_ms != 0 && filter.to_ms <= filter.from_ms)
    return std::unexpected("to must be later than from");
  filter.meter = asked->get("meter");
  if (!filter.meter.empty() && !protocol::is_device_name(filter.meter))
    return std::unexpected("meter must be the name of a meter");
  const std::string all = asked->get("all");
  if (!all.empty() && all != "true" && all != "false")
    return std::unexpected("all must be true or false");
  filter.all = all == "true";
  const std::string cursor = asked->get("cursor");
  if (!cursor.empty() && !take_cursor(filter, cursor))
    return std::unexpected("cursor must be the \"next\" of the page before");
  const std::string count = asked->get("count");
  const auto number = parse_id(count);
  if (!count.empty() && (!number || *number > count_most))
    return std::unexpected(fmt::format("count must be a whole number from 1 to {}", count_most));
  if (number) filter.count_max = static_cast<int>(*number);
  return filter;
}

store::Result<BillingPage> billing_csv(store::Store& store, const store::BillingFilter& filter) {
  const auto rows = rows_of(store, filter);
  if (!rows) return std::unexpected(rows.error());
  BillingPage out;
  out.next = rows->next;
  if (filter.after_meter.empty()) out.body = csv_line({columns.begin(), columns.end()});
  for (const auto& fields : rows->fields) out.body += csv_line(fields);
  return out;
}

store::Result<BillingPage> billing_json(store::Store& store, const store::BillingFilter& filter) {
  const auto rows = rows_of(store, filter);
  if (!rows) return std::unexpected(rows.error());
  Json list = Json::array();
  for (const auto& fields : rows->fields) {
    Json one = Json::object();
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (!is_number[i]) one[columns[i]] = fields[i];
      else one[columns[i]] = fields[i].empty() ? Json() : Json(std::stoll(fields[i]));
    }
    list.push_back(std::move(one));
  }
  const Json body{{"readings", std::move(list)},
                  {"next", rows->next.empty() ? Json() : Json(rows->next)}};
  return BillingPage{body.dump(-1, ' ', false, Json::error_handler_t::replace), rows->next};
}

}  // namespace meterlens::api
