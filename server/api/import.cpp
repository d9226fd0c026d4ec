#include "server/api/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "protocol/ids.h"
#include "server/api/by_hand.h"
#include "server/api/csv.h"
#include "server/api/json_text.h"
#include "server/api/meters_json.h"
#include "server/api/query.h"
#include "server/api/utf8.h"
#include "server/notify/amount.h"

namespace meterlens::api {
namespace {

constexpr std::size_t bad_listed_max = 1000;

struct Column {
  std::string_view name;
  bool is_number = false;
};
constexpr std::array meter_columns{
    Column{"id"},     Column{"medium"},   Column{"wheels", true},       Column{"decimals", true},
    Column{"unit"},   Column{"factor"},   Column{"serial"},             Column{"place"},
    Column{"rate_max", true},             Column{"installed_ms", true}, Column{"removed_ms", true},
    Column{"author"}, Column{"reason"},
};
constexpr std::array reading_columns{Column{"meter"},  Column{"at"},     Column{"value"},
                                     Column{"digits"}, Column{"author"}, Column{"reason"}};

// The text's lines as objects by the head line's names.
class Table {
 public:
  template <std::size_t N>
  static std::expected<Table, std::string> of(const std::string& text,
                                              const std::array<Column, N>& known,
                                              std::string_view needed) {
    if (!is_utf8(text)) return std::unexpected("the text is not UTF-8");
    Table out;
    out.lines_ = parse_csv(text);
    if (out.lines_.empty()) return std::unexpected("there is no head line with the columns' names");
    std::string names;
    for (const Column& column : known)
      names += (names.empty() ? "" : ", ") + std::string(column.name);
    for (const std::string& name : out.lines_.front().fields) {
      const auto column = std::ranges::find(known, name, &Column::name);
      if (column == known.end())
        return std::unexpected(fmt::format("unknown column \"{}\"; known are {}", name, names));
      if (std::ranges::find(out.columns_, name, &Column::name) != out.columns_.end())
        return std::unexpected(fmt::format("the column {} comes twice", name));
      out.columns_.push_back(*column);
    }
    if (std::ranges::find(out.columns_, needed, &Column::name) == out.columns_.end())
      return std::unexpected(fmt::format("the column {} is needed", needed));
    out.lines_.erase(out.lines_.begin());
    if (out.lines_.size() > static_cast<std::size_t>(import_line_count_max))
      return std::unexpected(fmt::format("{} lines, at most {} at once: send them in parts",
                                         out.lines_.size(), import_line_count_max));
    return out;
  }

  const std::vector<CsvLine>& lines() const { return lines_; }

  // The line's object without what is empty; or why it is none.
  std::expected<Json, std::string> object(const CsvLine& line) const {
    if (!line.wrong.empty()) return std::unexpected(line.wrong);
    if (line.fields.size() != columns_.size())
      return std::unexpected(fmt::format("{} fields, the head line has {}", line.fields.size(),
                                         columns_.size()));
    Json out = Json::object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& field = line.fields[i];
      if (field.empty()) continue;
      const auto number = field == "0" ? std::optional<std::int64_t>(0) : parse_id(field);
      const std::string name(columns_[i].name);
      if (columns_[i].is_number && number) out[name] = *number;
      else out[name] = field;
    }
    return out;
  }

 private:
  std::vector<CsvLine> lines_;
  std::vector<Column> columns_;
};

void sign_line(Json& object, const ImportOrder& order) {
  const auto& [name, reason, at_ms] = order.author;
  if (order.is_signed || (!object.contains("author") && !name.empty())) object["author"] = name;
  if (!object.contains("reason") && !reason.empty()) object["reason"] = reason;
}

// Whether the good ones go in.
bool goes_in(Imported& out, std::size_t good, const ImportOrder& order) {
  out.good = static_cast<int>(good);
  return good > 0 && (out.bad.empty() || order.accept_good);
}

struct ReadingLine {
  std::string meter;
  std::int64_t at_ms = 0;
  validate::Reading reading;
};

// Judges lines of values by hand against the store; the outer error is the store's.
class ReadingLines {
 public:
  ReadingLines(store::Store& store, const ImportOrder& order) : store_(store), order_(order) {}

  using Line = std::expected<ReadingLine, std::string>;
  store::Result<Line> line(Json object) {
    const auto wrong = [](const std::string& reason) { return Line(std::unexpect, reason); };
    const std::string id = object.value("meter", "");
    if (!protocol::is_device_name(id)) return wrong("\"meter\" must be the name of a meter");
    const std::string at = object.value("at", "");
    const auto at_ms = parse_id(at) ? parse_id(at) : notify::parse_time(at);
    if (!at_ms || *at_ms <= 0)
      return wrong("\"at\" must be a time like 2026-03-01T07:05:00Z, or Unix milliseconds");
    if (*at_ms > order_.author.at_ms + future_ms_max) return wrong("\"at\" is in the future");
    object.erase("meter");
    object.erase("at");
    object["at_ms"] = *at_ms;
    sign_line(object, order_);
    auto wanted = parse_manual(object.dump());
    if (!wanted) return wrong(wanted.error());
    wanted->author.at_ms = order_.author.at_ms;
    if (seen_.contains({id, *at_ms})) return wrong("an earlier line has this meter and time");
    const auto meter = store_.meter(id);
    if (!meter && meter.error().code == store::ErrorCode::not_found)
      return wrong("there is no meter " + id);
    if (!meter) return std::unexpected(meter.error());
    const auto there = store_.billing({.meter = id, .from_ms = *at_ms, .to_ms = *at_ms + 1});
    if (!there) return std::unexpected(there.error());
    const auto same = std::ranges::find(*there, std::int64_t{0}, &validate::Reading::photo);
    if (same != there->end() && same->verdict == validate::Verdict::manual)
      return wrong(fmt::format("there is a value by hand of this time already, reading {}",
                               same->id));
    const auto newest = store_.newest_accepted(id);
    if (!newest) return std::unexpected(newest.error());
    const auto then = meter_at(store_, *meter, *at_ms);
    if (!then) return std::unexpected(then.error());
    auto reading =
        given(by_hand(id, *at_ms), wanted->value, wanted->digits, wanted->author, *then, *newest);
    if (!reading) return wrong(reading.error());
    seen_.emplace(id, *at_ms);
    return Line(ReadingLine{id, *at_ms, *std::move(reading)});
  }

 private:
  store::Store& store_;
  const ImportOrder& order_;
  std::set<std::pair<std::string, std::int64_t>> seen_;
};

}  // namespace

ImportResult import_meters(store::Store& store, const ImportOrder& order) {
  const auto table = Table::of(order.text, meter_columns, "id");
  if (!table) return std::expected<Imported, std::string>(std::unexpect, table.error());
  Imported out;
  out.lines = static_cast<int>(table->lines().size());
  // By author: each goes in under its own.
  std::vector<Edited<validate::Meter>> good;
  std::set<std::string> seen;
  for (const CsvLine& line : table->lines()) {
    auto object = table->object(line);
    if (object) sign_line(*object, order);
    auto meter = object ? parse_meter(object->dump(), {}, true)
                        : std::unexpected<std::string>(object.error());
    if (!meter) {
      out.bad.push_back({line.number, meter.error()});
      continue;
    }
    const auto there = store.meter(meter->thing.id);
    if (!there && there.error().code != store::ErrorCode::not_found)
      return std::unexpected(there.error());
    if (there) {
      out.bad.push_back({line.number, "there is a meter " + meter->thing.id + " already"});
    } else if (!seen.insert(meter->thing.id).second) {
      out.bad.push_back({line.number, "an earlier line has this meter"});
    } else {
      meter->author.at_ms = order.author.at_ms;
      good.push_back(*std::move(meter));
    }
  }
  if (!goes_in(out, good.size(), order)) return out;
  for (const auto& [name, reason] : [&] {
         std::set<std::pair<std::string, std::string>> authors;
         for (const auto& one : good) authors.emplace(one.author.name, one.author.reason);
         return authors;
       }()) {
    std::vector<validate::Meter> meters;
    for (const auto& one : good) {
      if (one.author.name == name && one.author.reason == reason) meters.push_back(one.thing);
    }
    if (const auto added = store.add_meters(meters, {name, reason, order.author.at_ms}); !added)
      return std::unexpected(added.error());
    out.taken += static_cast<int>(meters.size());
  }
  return out;
}

ImportResult import_readings(store::Store& store, const ImportOrder& order) {
  const auto table = Table::of(order.text, reading_columns, "meter");
  if (!table) return std::expected<Imported, std::string>(std::unexpect, table.error());
  Imported out;
  out.lines = static_cast<int>(table->lines().size());
  ReadingLines judge_of(store, order);
  std::vector<store::Case> cases;
  for (const CsvLine& line : table->lines()) {
    auto object = table->object(line);
    if (!object) {
      out.bad.push_back({line.number, object.error()});
      continue;
    }
    auto one = judge_of.line(*std::move(object));
    if (!one) return std::unexpected(one.error());
    if (!*one) {
      out.bad.push_back({line.number, one->error()});
      continue;
    }
    cases.push_back({(*one)->meter, (*one)->at_ms, 0,
                     [reading = (*one)->reading](const validate::Past& past) {
                       return validate::enter(reading, past);
                     }});
  }
  if (!goes_in(out, cases.size(), order)) return out;
  // One transaction: all of them, or none.
  auto judged = store.judge(cases, order.author.at_ms);
  if (!judged) return std::unexpected(judged.error());
  out.judged = *std::move(judged);
  out.taken = static_cast<int>(cases.size());
  return out;
}

std::string imported_json(const Imported& imported) {
  Json bad = Json::array();
  for (std::size_t i = 0; i < std::min(imported.bad.size(), bad_listed_max); ++i)
    bad.push_back({{"line", imported.bad[i].number}, {"reason", imported.bad[i].reason}});
  const Json body{{"lines", imported.lines},
                  {"good", imported.good},
                  {"taken", imported.taken},
                  {"bad_count", imported.bad.size()},
                  {"bad", std::move(bad)}};
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace meterlens::api
