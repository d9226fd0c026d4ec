// Inside api/: the second reader and the life of commands as JSON text, and what is understood of
// what is sent. Every error says what is wrong.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "server/api/api.h"
#include "server/store/store.h"

namespace meterlens::api {

// The stop as it counts at `now_ms`: one that has passed is none.
std::string second_state_json(const SecondInfo& info, const second::Stop& stop,
                              std::int64_t billed_today, std::int64_t now_ms);
std::string second_uses_json(const std::vector<second::Use>& uses, const std::string& currency);
// `edits`: newest first; the meter has no policy of its own when there is none.
std::string second_policy_json(const std::string& meter,
                               const std::vector<second::MeterPolicy>& edits,
                               second::Policy global);
std::string said_json(std::int64_t reading, const std::vector<validate::Said>& said);
std::string commands_json(const std::vector<command::Command>& commands, const std::string& next);
std::string command_life_json(const command::Command& command,
                              const std::vector<command::Moment>& moments);
std::string light_tries_json(std::int64_t first_command,
                             const std::vector<command::LightTry>& tries);

// {"policy": "baidu" or null, "author", "reason"}.
std::expected<second::MeterPolicy, std::string> parse_second_policy(const std::string& body);
// "2026-11-28": days since 1970.
std::optional<std::int64_t> parse_day(const std::string& text);
// Unix ms, or ISO 8601 with Z or an offset: "2026-11-28T07:30:00+01:00".
std::optional<std::int64_t> parse_moment(const std::string& text);

}  // namespace meterlens::api
