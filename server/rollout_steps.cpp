// What goes to many devices one after another: profiles of settings, and campaigns of updates. Both
// keep in the store how far they are, so that a restart goes on where they were.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "server/fleet_steps.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

constexpr int pushes_max = 50;          // in a tick
constexpr int open_updates_max = 200;   // of one campaign
constexpr int orders_max = 50;          // in a turn

const char* words(CommandError error) {
  switch (error) {
    case CommandError::unknown_device: return "there is no such device";
    case CommandError::wrong_dialect: return "a SmartDTU takes no settings of ours";
    case CommandError::disabled: return "the device is disabled";
    default: return "the settings could not be stored";
  }
}

const char* words(UpdateError error) {
  switch (error) {
    case UpdateError::unknown_device: return "there is no such device";
    case UpdateError::unknown_image: return "the image is not there any more";
    case UpdateError::not_native: return "a SmartDTU takes no images of ours";
    case UpdateError::disabled: return "the device is disabled";
    default: return "the update could not be stored";
  }
}

}  // namespace

void FleetSteps::push_profiles() {
  const auto pending = rows_.pending_pushes(pushes_max);
  if (!keep(pending, "pushes")) return;
  for (const fleet::Push& one : *pending) push(one);
  pushes_wait_ = !pending->empty();
}

bool FleetSteps::is_wished(const std::string& device, protocol::Part part,
                           protocol::Bytes entries) {
  const std::vector<std::uint8_t> wanted(entries.begin(), entries.end());
  if (steps_.settings.role == Role::whole)
    return fleet::is_wished(wanted, steps_.wishes.find(device, part));
  const auto wished = steps_.store.settings(device, part);
  return wished && *wished && fleet::is_wished(wanted, &**wished);
}

void FleetSteps::push(fleet::Push push) {
  const auto profile = rows_.profile(push.profile);
  push.state = fleet::PushState::pushed;
  push.at_ms = steps_.now_ms;
  for (const auto part : {protocol::Part::camera, protocol::Part::dtu}) {
    if (!profile || profile->entries(part).empty()) continue;
    // What is wished already is not sent again: its confirmation stands.
    if (is_wished(push.device, part, profile->entries(part))) continue;
    const auto done = steps_.change_settings(push.device, part, profile->entries(part));
    if (done) continue;
    if (done.error() == CommandError::store) return;  // it stays pending
    push.state = fleet::PushState::failed;
    push.reason = words(done.error());
  }
  if (!profile && profile.error().code != store::ErrorCode::not_found) return;
  keep(rows_.save_push(push), "a push");
}

void FleetSteps::run_campaigns() {
  auto campaigns = rows_.running_campaigns();
  if (!keep(campaigns, "campaigns")) return;
  campaigns_run_ = !campaigns->empty();
  for (fleet::Campaign& campaign : *campaigns) run(std::move(campaign));
}

void FleetSteps::run(fleet::Campaign campaign) {
  // How updates end is taken over also while it is paused.
  if (!keep(rows_.settle_campaign(campaign.id), "a campaign")) return;
  if (campaign.state != fleet::CampaignState::running) return;
  const auto counts = rows_.campaign_counts(campaign.id);
  if (!keep(counts, "a campaign")) return;
  const fleet::Decision decision = fleet::decide(campaign, *counts);
  if (decision.state != campaign.state || decision.stage != campaign.stage) {
    spdlog::info(fmt::format("campaign {}: {}, stage {} {}", campaign.id,
                             fleet::name(decision.state), decision.stage, decision.reason));
    const fleet::CampaignState before = campaign.state;
    campaign.state = decision.state;
    campaign.stage = decision.stage;
    campaign.reason = decision.reason;
    campaign.updated_ms = steps_.now_ms;
    // A person may have paused it just now; then the next turn sees that.
    const auto saved = rows_.save_campaign(campaign, before);
    if (!saved && saved.error().code == store::ErrorCode::conflict) return;
    if (!keep(saved, "a campaign")) return;
  }
  if (campaign.state != fleet::CampaignState::running) return;
  const auto stage = static_cast<std::size_t>(campaign.stage);
  const int open = stage < counts->size() ? (*counts)[stage].ordered : 0;
  const int room = std::min(orders_max, open_updates_max - open);
  if (room <= 0) return;
  const auto waiting = rows_.campaign_waiting(campaign.id, campaign.stage, room);
  if (!keep(waiting, "a campaign")) return;
  for (const fleet::CampaignDevice& device : *waiting) order_update(campaign, device);
}

void FleetSteps::order_update(const fleet::Campaign& campaign, fleet::CampaignDevice device) {
  // Before a restart it may have been ordered and not noted.
  const auto known = rows_.known_update(device.device, campaign.image, campaign.created_ms);
  if (!keep(known, "a campaign")) return;
  device.turn = fleet::Turn::ordered;
  if (*known) {
    device.update = **known;
  } else {
    const auto update = steps_.update(device.device, campaign.image);
    if (update) {
      device.update = update->id;
    } else {
      // Another update is under way, or the store is away: later.
      const auto why = update.error();
      if (why == UpdateError::update_open || why == UpdateError::store) return;
      device.turn = fleet::Turn::failed;
      device.reason = words(why);
    }
  }
  keep(rows_.save_campaign_device(campaign.id, device), "a campaign");
}

}  // namespace meterlens::server
