// A named set of settings for cameras and DTUs, and how far it has come to each device that it was
// pushed to. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/command/settings.h"
#include "server/fleet/tags.h"

namespace meterlens::fleet {

struct Profile {
  std::int64_t id = 0;
  std::string name;
  std::vector<std::uint8_t> camera;  // entries as on the wire (protocol/settings.h)
  std::vector<std::uint8_t> dtu;
  Target target;
  std::int64_t version = 1;  // rises with each edit
  const std::vector<std::uint8_t>& entries(protocol::Part part) const {
    return part == protocol::Part::camera ? camera : dtu;
  }
};

enum class PushState : std::uint8_t { pending, pushed, failed };

struct Push {
  std::int64_t profile = 0;
  std::string device;
  PushState state = PushState::pending;
  std::string reason;  // why it failed
  std::int64_t at_ms = 0;
};

enum class Arrival : std::uint8_t {
  missing,    // it was never pushed to this device
  waiting,    // the device has not confirmed it yet
  confirmed,
  refused,    // the device has refused some of the settings
  drifted,    // what is wished of the device now is something else
  failed,     // it could not be pushed; the reason says why
};
const char* name(Arrival arrival);

struct Standing {
  Arrival arrival = Arrival::missing;
  std::vector<std::string> settings;  // names, of those that drifted or were refused
};

// `wished`: what is wished of the device's camera and DTU, nothing when nothing ever was.
Standing standing(const Profile& profile, const std::optional<Push>& push,
                  const std::optional<command::WishedSettings>& camera,
                  const std::optional<command::WishedSettings>& dtu);

// All of `entries` is wished already.
bool is_wished(const std::vector<std::uint8_t>& entries, const command::WishedSettings* wished);

}  // namespace meterlens::fleet
