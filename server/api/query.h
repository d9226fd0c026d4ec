// Inside api/: what a URL says. Pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "server/store/store.h"

namespace meterlens::api {

// Of a list, unless the request says how many.
inline constexpr int page_count = 100;

// %41 and the like; nothing when an escape is broken or gives a control character, and nothing when
// the whole is not UTF-8. A '+' stays.
std::optional<std::string> decode(std::string_view text);

// A positive number as ids are: 1 to 18 digits.
std::optional<std::int64_t> parse_id(std::string_view text);

// {id} of a path like "/api/v1/devices/{id}/commands", not decoded; nothing when it does not fit.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path);

// The keys and values of a query; where a key comes twice the last one counts.
struct Query {
  std::map<std::string, std::string> values;
  std::string get(const std::string& key) const;  // empty: not there
};
std::expected<Query, std::string> parse_query(std::string_view query);

// "search" of a list: at most 200 bytes; empty: not asked for.
std::expected<std::string, std::string> search_of(const Query& query);

std::optional<validate::Verdict> verdict_named(std::string_view name);

// `name` is "device" ("meter" is known beside it) or "meter"; "verdict" and "cursor" are known only
// `with_verdict`. Other keys are ignored.
// The error names the parameter and what it may be.
std::expected<store::Filter, std::string> parse_filter(std::string_view query,
                                                       std::string_view name, bool with_verdict);

}  // namespace meterlens::api
