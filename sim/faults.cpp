#include "sim/faults.h"

namespace meterlens::sim {
namespace {

// A poor site: noise on the wire, a mobile network that comes and goes.
constexpr Faults lossy{.flip_bytes = 100'000,
                       .drop_bytes = 200'000,
                       .insert_bytes = 200'000,
                       .lose_chance = 0.01,
                       .twice_chance = 0.002,
                       .late_chance = 0.005,
                       .link_cut_minutes = 60,
                       .sensor_failure = 0.01,
                       .smartdtu_chance = 0.02};

// Everything that can go wrong does, many times an hour.
constexpr Faults hostile{.flip_bytes = 12'000,
                         .drop_bytes = 20'000,
                         .insert_bytes = 20'000,
                         .repeat_bytes = 40'000,
                         .stall_chance = 0.01,
                         .lose_chance = 0.04,
                         .twice_chance = 0.02,
                         .late_chance = 0.03,
                         .camera_cut_minutes = 20,
                         .flash_cut_minutes = 15,
                         .dtu_cut_minutes = 20,
                         .link_cut_minutes = 10,
                         .mute_minutes = 40,
                         .rot_minutes = 60,
                         .clock_jump_minutes = 30,
                         .flash_failure = 0.01,
                         .sensor_failure = 0.05,
                         .broker_restart_minutes = 20,
                         .server_kill_minutes = 10,
                         .server_jump_minutes = 40,
                         .disk_full_minutes = 30,
                         .smartdtu_chance = 0.1};

}  // namespace

std::optional<Faults> faults_named(std::string_view name) {
  if (name == "none") return Faults{};
  if (name == "lossy") return lossy;
  if (name == "hostile") return hostile;
  return std::nullopt;
}

}  // namespace meterlens::sim
