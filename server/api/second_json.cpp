#include "server/api/second_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "server/api/json.h"
#include "server/api/json_text.h"
#include "server/api/query.h"
#include "server/validate/decimal.h"

namespace meterlens::api {
namespace {

constexpr std::size_t author_bytes_max = 500;  // of a name, and of a reason

std::string day_text(std::int64_t day) {
  const std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(day)))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string cost_text(std::int64_t micro) { return validate::text({micro, 6}); }

Json object(const second::Stop& stop) {
  return {{"kind", second::name(stop.kind)},
          {"until_ms", or_null(stop.until_ms)},
          {"reason", stop.reason}};
}

// A whole number of exactly so many digits.
std::optional<int> number_at(const std::string& from, std::size_t at, std::size_t count) {
  if (at + count > from.size()) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(from.data() + at, from.data() + at + count, value);
  if (error != std::errc{} || end != from.data() + at + count || value < 0) return std::nullopt;
  return value;
}

// Minutes before UTC's; nothing: neither Z nor an offset.
std::optional<int> offset_of(const std::string& zone) {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return {};
  const auto hours = number_at(zone, 1, 2), minutes = number_at(zone, 4, 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return {};
  const int all = *hours * 60 + *minutes;
  return zone[0] == '-' ? -all : all;
}

bool is_authors_text(const Json& value) {
  if (!value.is_string()) return false;
  const auto& said = value.get_ref<const std::string&>();
  return said.size() <= author_bytes_max && std::ranges::none_of(said, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

}  // namespace

std::string second_state_json(const SecondInfo& info, const second::Stop& stop,
                              std::int64_t billed_today, std::int64_t now_ms) {
  const bool counts = stop.kind != second::Stop::Kind::none &&
                      (stop.until_ms == 0 || now_ms < stop.until_ms);
  return text(Json{{"policy", second::name(info.policy)},
                   {"has_keys", info.has_keys},
                   {"stop", counts ? object(stop) : Json(nullptr)},
                   {"billed_today", billed_today},
                   {"calls_per_day", info.calls_per_day}});
}

std::string second_uses_json(const std::vector<second::Use>& uses, const std::string& currency) {
  Json days = Json::array();
  for (const second::Use& use : uses) {
    days.push_back({{"day", day_text(use.day)},
                    {"meter", use.meter},
                    {"calls", use.calls},
                    {"billed", use.billed},
                    {"cost", cost_text(use.cost_micro)}});
  }
  return text(Json{{"currency", currency}, {"days", std::move(days)}});
}

std::string second_policy_json(const std::string& meter,
                               const std::vector<second::MeterPolicy>& edits,
                               second::Policy global) {
  Json history = Json::array();
  for (const second::MeterPolicy& edit : edits) {
    history.push_back({{"policy", edit.policy ? Json(second::name(*edit.policy)) : Json(nullptr)},
                       {"author", or_null(edit.author)},
                       {"reason", or_null(edit.reason)},
                       {"at_ms", edit.at_ms}});
  }
  const bool has_own = !edits.empty() && edits.front().policy;
  return text(Json{{"meter", meter},
                   {"policy", has_own ? Json(second::name(*edits.front().policy)) : Json(nullptr)},
                   {"effective", second::name(has_own ? *edits.front().policy : global)},
                   {"history", std::move(history)}});
}

std::string said_json(std::int64_t reading, const std::vector<validate::Said>& said) {
  Json all = Json::array();
  for (const validate::Said& one : said) {
    all.push_back({{"reader", one.reader},
                   {"status", one.status},
                   {"digits", one.digits},
                   {"certain", one.certain},
                   {"red", one.red},
                   {"confidence", one.confidence},
                   {"words", one.words},
                   {"believed", one.believed},
                   {"note", or_null(one.note)}});
  }
  return text(Json{{"reading", reading}, {"said", std::move(all)}});
}

std::string commands_json(const std::vector<command::Command>& commands, const std::string& next) {
  Json all = Json::array();
  for (const auto& command : commands) all.push_back(Json::parse(command_json(command)));
  return text(Json{{"commands", std::move(all)}, {"next", or_null(next)}});
}

std::string command_life_json(const command::Command& command,
                              const std::vector<command::Moment>& moments) {
  Json life = Json::array();
  for (const command::Moment& moment : moments) {
    life.push_back({{"state", command::name(moment.state)},
                    {"reason", or_null(moment.reason)},
                    {"at_ms", moment.at_ms}});
  }
  return text(Json{{"command", command.id},
                   {"state", command::name(command.state)},
                   {"packets_received", command.packets_received},
                   {"packets_total", command.packets_total},
                   {"life", std::move(life)}});
}

std::string light_tries_json(std::int64_t first_command,
                             const std::vector<command::LightTry>& tries) {
  Json all = Json::array();
  for (const command::LightTry& one : tries) {
    all.push_back({{"number", one.number},
                   {"photo_before", one.photo},
                   {"fault", one.fault},
                   {"light", one.light},
                   {"command", or_null(one.command)},
                   {"state", command::name(one.state)},
                   {"note", or_null(one.note)},
                   {"created_ms", one.created_ms},
                   {"updated_ms", one.updated_ms}});
  }
  return text(Json{{"first_command", first_command}, {"tries", std::move(all)}});
}

std::expected<second::MeterPolicy, std::string> parse_second_policy(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected("the body must be a JSON object");
  second::MeterPolicy out;
  for (const auto& [key, value] : json.items()) {
    if (key == "policy") {
      if (value.is_null()) continue;
      if (value.is_string()) out.policy = second::policy_named(value.get<std::string>());
      if (!out.policy) {
        return std::unexpected("\"policy\" must be local, baidu, local-then-baidu, "
                               "both-must-agree, or null for the global one");
      }
      continue;
    }
    if (key != "author" && key != "reason")
      return std::unexpected("the body has an unknown key: known are policy, author and reason");
    if (!is_authors_text(value)) {
      return std::unexpected("\"" + key + "\" must be a text of at most 500 bytes without control "
                             "characters");
    }
    (key == "author" ? out.author : out.reason) = value.get<std::string>();
  }
  if (!json.contains("policy")) return std::unexpected("\"policy\" must be there");
  return out;
}

std::optional<std::int64_t> parse_day(const std::string& from) {
  if (from.size() != 10 || from[4] != '-' || from[7] != '-') return std::nullopt;
  const auto year = number_at(from, 0, 4), month = number_at(from, 5, 2),
             day = number_at(from, 8, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<std::int64_t> parse_moment(const std::string& from) {
  if (const auto ms = parse_id(from)) return ms;
  if (from.size() < 20 || (from[10] != 'T' && from[10] != ' ') || from[13] != ':' ||
      from[16] != ':')
    return std::nullopt;
  const auto day = parse_day(from.substr(0, 10));
  const auto hour = number_at(from, 11, 2), minute = number_at(from, 14, 2),
             second = number_at(from, 17, 2);
  std::size_t at = 19;
  if (from[at] == '.')
    while (++at < from.size() && from[at] >= '0' && from[at] <= '9') {
    }
  const auto offset = offset_of(from.substr(at));
  if (!day || !hour || !minute || !second || !offset || *hour > 23 || *minute > 59 || *second > 60)
    return std::nullopt;
  return ((*day * 24 + *hour) * 60 + *minute - *offset) * 60'000 + *second * 1000;
}

}  // namespace meterlens::api
