#include "server/api/query.h"

#include <algorithm>
#include <charconv>

#include "protocol/ids.h"
#include "server/api/utf8.h"
#include "server/validate/reading.h"

namespace meterlens::api {
namespace {

constexpr std::size_t search_bytes_max = 200;

// Puts one parameter into the filter; the error when it may not be that.
std::optional<std::string> take_parameter(store::Filter& filter, const std::string& key,
                                          const std::string& value, std::string_view name,
                                          bool with_verdict) {
  if (key == name) {
    if (!protocol::is_device_name(value)) {
      return std::string(name) + " must be 1 to 64 of A-Z a-z 0-9 . _ - and not begin with a dot";
    }
    filter.device = value;
  } else if (key == "meter" && name == "device") {
    if (!protocol::is_device_name(value)) return "meter must be the name of a meter";
    filter.meter = value;
  } else if (key == "since") {
    const auto since = value == "0" ? 0 : parse_id(value);
    if (!since) return "since must be a time in Unix milliseconds, like 1767225600000";
    filter.since_ms = *since;
  } else if (key == "verdict" && with_verdict) {
    if (!verdict_named(value)) {
      return "verdict must be accepted, doubtful, rejected, estimated or manual";
    }
    filter.verdict = value;
  } else if (key == "cursor" && with_verdict) {
    const std::size_t point = std::min(value.find('.'), value.size());
    const auto at_ms = parse_id(value.substr(0, point));
    const auto id = parse_id(value.substr(std::min(point + 1, value.size())));
    if (!at_ms || !id) return "cursor must be the \"next\" of the page before";
    filter.before_ms = *at_ms;
    filter.before_id = *id;
  }
  return {};
}

}  // namespace

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      unsigned value = 0;
      if (i + 2 >= text.size()) return {};
      const char* digits = text.data() + i + 1;
      const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
      if (error != std::errc{} || end != digits + 2) return {};
      c = static_cast<char>(value);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return {};
    out += c;
  }
  if (!is_utf8(out)) return {};
  return out;
}

std::optional<std::int64_t> parse_id(std::string_view text) {
  if (text.empty() || text.size() > 18) return {};
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return {};
  std::int64_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  if (id == 0) return {};
  return id;
}

std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const std::size_t at = pattern.find("{id}");
  if (at == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view{}) : std::nullopt;
  }
  const std::string_view before = pattern.substr(0, at);
  const std::string_view after = pattern.substr(at + 4);
  if (path.size() <= before.size() + after.size()) return {};
  if (!path.starts_with(before) || !path.ends_with(after)) return {};
  const auto id = path.substr(at, path.size() - before.size() - after.size());
  if (id.find('/') != std::string_view::npos) return {};
  return id;
}

std::string Query::get(const std::string& key) const {
  const auto at = values.find(key);
  return at == values.end() ? std::string() : at->second;
}

std::expected<Query, std::string> parse_query(std::string_view query) {
  Query out;
  while (!query.empty()) {
    const auto part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(part.size() + 1, query.size()));
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto key = decode(part.substr(0, equals));
    const auto value = decode(part.substr(std::min(equals + 1, part.size())));
    if (!key || !value) return std::unexpected("the query has a broken % escape, or is not UTF-8");
    out.values[*key] = *value;
  }
  return out;
}

std::expected<store::Filter, std::string> parse_filter(std::string_view query,
                                                       std::string_view name, bool with_verdict) {
  const auto asked = parse_query(query);
  if (!asked) return std::unexpected(asked.error());
  store::Filter filter;
  filter.may_lag = true;
  for (const auto& [key, value] : asked->values) {
    // An empty value asks for all.
    if (value.empty()) continue;
    if (auto wrong = take_parameter(filter, key, value, name, with_verdict)) {
      return std::unexpected(std::move(*wrong));
    }
  }
  return filter;
}

std::expected<std::string, std::string> search_of(const Query& query) {
  std::string search = query.get("search");
  if (search.size() > search_bytes_max)
    return std::unexpected("search has at most 200 bytes");
  return search;
}

std::optional<validate::Verdict> verdict_named(std::string_view name) {
  using validate::Verdict;
  for (const Verdict one : {Verdict::accepted, Verdict::doubtful, Verdict::rejected,
                            Verdict::estimated, Verdict::manual})
    if (name == validate::name(one)) return one;
  return {};
}

}  // namespace meterlens::api
