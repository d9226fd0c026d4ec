// What the command lines of both Linux programs have in common. CLI11 is compiled only where this
// is included: in the two programs.
#pragma once

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <string>

#include "boards/linux/line.h"
#include "protocol/ids.h"

namespace meterlens::boards {

struct LineOptions {
  std::string serial;
  std::uint32_t baud = 115200;
  std::uint32_t baud_max = 0;  // up to which the device programs may agree; 0: `baud` stays
};

// The option of the line itself.
inline CLI::Option* add_line_options(CLI::App& app, LineOptions& options) {
  auto* serial =
      app.add_option("--serial", options.serial,
                     "tty or pseudo-terminal; pty:LINK makes one and links its far end as LINK");
  app.add_option("--baud", options.baud, "speed; on a pseudo-terminal the pace, 0 for none")
      ->capture_default_str();
  app.add_option("--baud-max", options.baud_max,
                 "highest speed to agree on with the other side, from 115200 on; 0: --baud stays. "
                 "Default: 921600 on a tty without --baud, else 0");
  return serial;
}

// Empty, or why it cannot be. Fills in the default of --baud-max.
inline std::string settle_line_options(const CLI::App& app, LineOptions& options) {
  if (app.count("--baud-max") == 0 && app.count("--baud") == 0 && is_wire(options.serial))
    options.baud_max = 921600;
  if (options.baud_max > 0 && options.baud != 115200)
    return "--baud-max: speeds are agreed upon from 115200 on, leave --baud out";
  return "";
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
