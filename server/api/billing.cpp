#include "server/api/billing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "protocol/ids.h"
#include "server/api/csv.h"
#include "server/api/json_text.h"
#include "server/api/query.h"
#include "server/notify/amount.h"
#include "server/store/slots.h"

namespace meterlens::api {
namespace {

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

// A due time without a reading.
std::vector<std::string> fields_of(const store::Missing& missing, const Register& known) {
  Reading none;
  none.meter = missing.meter;
  none.at_ms = missing.moment.due_ms;
  auto out = fields_of(none, known);
  const auto set = [&out](std::string_view column, std::string value) {
    out.at(static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin())) =
        std::move(value);
  };
  set("quality", "N");
  set("verdict", "missing");
  set("reading", "");
  set("review_reason", missing.reason);
  return out;
}

struct Rows {
  std::vector<std::vector<std::string>> fields;
  std::string next;
};

// The registers of the meters on a page.
class Known {
 public:
  explicit Known(store::Store& store) : store_(store) {}
  store::Result<const Register*> of(const std::string& meter) {
    auto [at, is_new] = known_.try_emplace(meter);
    if (!is_new) return &at->second;
    auto found = store_.meter(meter);
    if (!found && found.error().code != store::ErrorCode::not_found)
      return std::unexpected(found.error());
    if (found) at->second.meter = *std::move(found);
    auto exchanges = store_.exchanges(meter);
    if (!exchanges) return std::unexpected(exchanges.error());
    at->second.exchanges = *std::move(exchanges);
    return &at->second;
  }

 private:
  store::Store& store_;
  std::map<std::string, Register> known_;
};

// Both in one order: by meter and time, readings before what is missing.
store::Result<Rows> rows_of(store::Store& store, store::BillingFilter filter) {
  const auto wanted = static_cast<std::size_t>(filter.count_max++);
  const auto readings = store.billing(filter);
  if (!readings) return std::unexpected(readings.error());
  std::vector<store::Missing> missing;
  if (filter.missing) {
    auto found = store::SlotBook(store).billed(filter);
    if (!found) return std::unexpected(found.error());
    missing = *std::move(found);
  }
  Rows out;
  Known known(store);
  std::string last;
  std::size_t at = 0, empty = 0;
  while (at < readings->size() || empty < missing.size()) {
    if (out.fields.size() == wanted) {
      out.next = last;
      return out;
    }
    const bool takes_missing =
        at == readings->size() ||
        (empty < missing.size() &&
         std::tie(missing[empty].meter, missing[empty].moment.due_ms) <
             std::tie((*readings)[at].meter, (*readings)[at].at_ms));
    const std::string& meter = takes_missing ? missing[empty].meter : (*readings)[at].meter;
    const auto its = known.of(meter);
    if (!its) return std::unexpected(its.error());
    if (takes_missing) {
      const store::Missing& one = missing[empty++];
      last = fmt::format("{}.{}.{}", store::billing_slot_id, one.moment.due_ms, meter);
      out.fields.push_back(fields_of(one, **its));
    } else {
      const Reading& one = (*readings)[at++];
      last = fmt::format("{}.{}.{}", one.id, one.at_ms, meter);
      out.fields.push_back(fields_of(one, **its));
    }
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
  for (const auto& [name, to] :
       {std::pair{"all", &filter.all}, std::pair{"missing", &filter.missing}}) {
    const std::string text = asked->get(name);
    if (!text.empty() && text != "true" && text != "false")
      return std::unexpected(fmt::format("{} must be true or false", name));
    *to = text == "true";
  }
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
