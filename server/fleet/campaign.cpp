#include "server/fleet/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "protocol/checksum.h"
#include "protocol/ids.h"
#include "server/fleet/wrong.h"

namespace meterlens::fleet {
namespace {

std::uint32_t order_of(const Campaign& campaign, const std::string& device) {
  const std::string text = campaign.name + "/" + device;
  return protocol::crc32({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace

const char* name(CampaignState state) {
  constexpr std::array names{"running", "paused", "stopped", "aborted", "done"};
  return names[static_cast<std::size_t>(state)];
}

const char* name(Turn turn) {
  constexpr std::array names{"waiting", "ordered", "confirmed", "failed"};
  return names[static_cast<std::size_t>(turn)];
}

std::expected<void, std::string> check(const Campaign& campaign) {
  if (campaign.name.empty() || campaign.name.size() > 64) return wrong("name: 1 to 64 bytes");
  if (campaign.image <= 0) return wrong("image: the id of an image");
  if (const auto good = check(campaign.target); !good) return good;
  if (is_empty(campaign.target)) return wrong("target: devices, group or label");
  if (campaign.canaries.size() > canaries_max ||
      !std::ranges::all_of(campaign.canaries, protocol::is_device_name))
    return wrong(fmt::format("canaries: at most {} names of devices", canaries_max));
  const auto& steps = campaign.steps;
  const bool rising = std::ranges::adjacent_find(steps, std::greater_equal<>()) == steps.end();
  if (steps.empty() || steps.size() > steps_max || !rising || steps.front() < 1 ||
      steps.back() != 100)
    return wrong(fmt::format("steps: 1 to {} percentages that rise and end with 100", steps_max));
  if (campaign.error_percent_max < 0 || campaign.error_percent_max > 100)
    return wrong("error_percent_max: 0 to 100");
  return {};
}

std::vector<CampaignDevice> stages_of(const Campaign& campaign,
                                      const std::vector<std::string>& devices) {
  std::vector<CampaignDevice> out;
  std::vector<std::pair<std::uint32_t, std::string>> others;
  for (const std::string& device : devices) {
    if (std::ranges::find(campaign.canaries, device) != campaign.canaries.end())
      out.push_back({device, 0, 0, Turn::waiting, {}});
    else
      others.emplace_back(order_of(campaign, device), device);
  }
  std::ranges::sort(others);
  int stage = 1;
  for (auto& [order, device] : others) {
    const auto upto = [&](int one) {  // devices of all stages up to this one, rounded up
      return (devices.size() * static_cast<std::size_t>(
                                   campaign.steps[static_cast<std::size_t>(one - 1)]) + 99) / 100;
    };
    while (stage < static_cast<int>(campaign.steps.size()) && out.size() >= upto(stage)) ++stage;
    out.push_back({std::move(device), stage, 0, Turn::waiting, {}});
  }
  return out;
}

Decision decide(const Campaign& campaign, std::span<const StageCount> counts) {
  Decision out{campaign.state, campaign.stage, campaign.reason};
  for (; out.stage < static_cast<int>(counts.size()); ++out.stage) {
    const StageCount& count = counts[static_cast<std::size_t>(out.stage)];
    if (count.failed * 100 > campaign.error_percent_max * count.total()) {
      out.state = CampaignState::stopped;
      out.reason = fmt::format("{} of {} devices of stage {} have failed, more than {} %",
                               count.failed, count.total(), out.stage,
                               campaign.error_percent_max);
      return out;
    }
    if (count.waiting + count.ordered > 0) return out;
  }
  out.stage = std::max(0, static_cast<int>(counts.size()) - 1);
  out.state = CampaignState::done;
  return out;
}

}  // namespace meterlens::fleet
