// One image for many devices, a few first: canaries, then rising shares, and no further when too
// many fail. Pure functions: the clock, storing and ordering the updates are the caller's.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "server/fleet/tags.h"

namespace meterlens::fleet {

inline constexpr std::size_t canaries_max = 100;
inline constexpr std::size_t steps_max = 10;

enum class CampaignState : std::uint8_t {
  running,
  paused,
  stopped,  // too many failed; may be resumed by a person
  aborted,
  done,
};
const char* name(CampaignState state);

struct Campaign {
  std::int64_t id = 0;
  std::string name;
  std::int64_t image = 0;
  Target target;
  std::vector<std::string> canaries;
  std::vector<int> steps{10, 50, 100};  // percent of all devices, rising, the last is 100
  int error_percent_max = 10;           // of the devices of a stage; more: stopped
  CampaignState state = CampaignState::running;
  std::string reason;  // why it stopped
  int stage = 0;       // 0: the canaries, then one for each of the steps
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

// Of a campaign: each of its devices, from when it was created.
enum class Turn : std::uint8_t { waiting, ordered, confirmed, failed };
const char* name(Turn turn);

struct CampaignDevice {
  std::string device;
  int stage = 0;
  std::int64_t update = 0;  // 0: none ordered yet
  Turn turn = Turn::waiting;
  std::string reason;  // why it failed
};

std::expected<void, std::string> check(const Campaign& campaign);

// The stage of each device: canaries first, then by a hash of their names, so that a stage is no
// one street. `devices` without doubles.
std::vector<CampaignDevice> stages_of(const Campaign& campaign,
                                      const std::vector<std::string>& devices);

struct StageCount {
  int waiting = 0;
  int ordered = 0;
  int confirmed = 0;
  int failed = 0;
  int total() const { return waiting + ordered + confirmed + failed; }
};

// What is to be done now with a running one.
struct Decision {
  CampaignState state = CampaignState::running;
  int stage = 0;
  std::string reason;
};
// `counts`: by stage. Failures of a stage beyond the share stop it at once; a stage that has ended
// gives way to the next that has devices; after the last it is done.
Decision decide(const Campaign& campaign, std::span<const StageCount> counts);

}  // namespace meterlens::fleet
