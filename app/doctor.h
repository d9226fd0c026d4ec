// `meterlens doctor`: looks at a server from beside, running or not, and changes nothing. Files and
// rows are compared; settings, database, broker, certificates, the second reader's keys, clock,
// disk, models and permissions are tried.
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"

namespace meterlens::app {

struct Finding {
  enum class Level : std::uint8_t { note, error };
  Level level = Level::error;
  std::string what;    // the part: store, files, broker, poison, certificate, second, clock, disk,
                       // models, permissions, settings
  std::string text;    // what is wrong, and where
  std::string advice;  // what to do
};

struct DoctorOptions {
  std::string config;  // the server's settings; empty: the defaults
  bool quick = false;  // files by size, without their hash
  bool json = false;
};

// All findings, worst parts first to be looked at; at most 20 of a kind name single files.
std::vector<Finding> examine(const DoctorOptions& options);

// 0: nothing wrong (notes do not count), 1: something is.
int doctor(const DoctorOptions& options);

}  // namespace meterlens::app
