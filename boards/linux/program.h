// What the command lines of both Linux programs have in common. CLI11 is compiled only where this
// is included: in the two programs.
#pragma once

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "protocol/ids.h"

namespace meterlens::boards {

inline constexpr const char* firmware = "meterlens-linux-0.1.0";

inline void add_line_options(CLI::App& app, std::string& serial, std::uint32_t& baud) {
  app.add_option("--serial", serial,
                 "tty or pseudo-terminal; pty:LINK makes one and links its far end as LINK")
      ->required();
  app.add_option("--baud", baud, "speed; on a pseudo-terminal the pace, 0 for none")
      ->capture_default_str();
}

inline CLI::CheckedTransformer one_of_the_dialects() {
  return CLI::CheckedTransformer(std::map<std::string, protocol::Dialect>{
      {"native", protocol::Dialect::native}, {"smartdtu", protocol::Dialect::smartdtu}});
}

inline void start_log(const std::string& program, bool verbose) {
  spdlog::set_pattern("%H:%M:%S.%e " + program + " %l: %v");
  if (!verbose) spdlog::set_level(spdlog::level::warn);
}

// The exit status of a program that cannot start.
inline int stop(const std::string& error) {
  spdlog::error("{}", error);
  return 1;
}

}  // namespace meterlens::boards
