// The tables [notify...], [[notify.webhook]] and [alarms] of the settings file. Inside app/: used
// by settings.cpp alone.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "server/notify/settings.h"

namespace meterlens::app {

// Where an entry stands, for people.
inline std::string at(const toml::node& node, const std::string& file_name) {
  return fmt::format("{}:{}", file_name, node.source().begin.line);
}

// What is wrong, with file and line; nothing when all was taken. Reads the files that hold secrets.
std::optional<std::string> read_notify(notify::Settings& settings, const toml::node& node,
                                       const std::string& file_name);
std::optional<std::string> read_alarms(notify::AlarmSettings& settings, const toml::node& node,
                                       const std::string& file_name);
std::optional<std::string> read_estimates(notify::EstimateSettings& settings,
                                          const toml::node& node, const std::string& file_name);
// These tables with their defaults, as default_settings_text() has them.
std::string default_notify_text();

}  // namespace meterlens::app
