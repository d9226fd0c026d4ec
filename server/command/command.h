// A capture command and its life, stored and visible.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "server/photo/photo.h"

namespace meterlens::command {

enum class State : std::uint8_t {
  queued,
  sent,
  received,
  shooting,
  transferring,
  stored,
  read,
  failed,
  expired,
};
const char* name(State state);
// read, failed and expired are final.
bool is_final(State state);

struct Command {
  std::int64_t id = 0;  // also on the wire: 1 to 2^32 - 1
  std::string device;
  std::string kind = "capture";
  State state = State::queued;
  std::string reason;  // why failed or expired
  int packets_received = 0;
  int packets_total = 0;
  std::int64_t photo = 0;  // 0: none yet
  std::int64_t reading = 0;
  std::int64_t created_ms = 0;  // Unix
  std::int64_t updated_ms = 0;
  std::optional<photo::Brightness> brightness = {};  // of its photo; filled in by the store
};

// One moment of a command's life.
struct Moment {
  State state = State::queued;
  std::string reason;
  std::int64_t at_ms = 0;  // Unix
};

}  // namespace meterlens::command
