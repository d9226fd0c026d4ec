// The routes of profiles and campaigns.
#include <algorithm>
#include <iterator>

#include "protocol/ids.h"
#include "server/api/answers.h"
#include "server/api/fleet.h"
#include "server/api/fleet_json.h"
#include "server/api/query.h"

namespace meterlens::api {
// ---- profiles ----

Response FleetRoutes::profiles(const Request& request, const std::string&) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  auto profiles = rows_.profiles(cursor->id, cursor->count_max + 1);
  if (!profiles) return store_error_(profiles.error(), "profile");
  const bool has_more = cut(*profiles, cursor->count_max);
  return json_response(profiles_json(*profiles, has_more));
}

Response FleetRoutes::add_profile(const Request& request, const std::string&) {
  const auto wanted = parse_profile(request.body, {});
  if (!wanted) return bad_request(wanted.error());
  const auto id = rows_.add_profile(*wanted);
  if (!id) return store_error_(id.error(), "profile");
  Response shown = profile(request, std::to_string(*id));
  if (shown.status == 200) shown.status = 201;
  return shown;
}

Response FleetRoutes::profile(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("profile", id);
  const auto profile = rows_.profile(*number);
  if (!profile) return store_error_(profile.error(), "profile");
  return json_response(profile_json(*profile));
}

Response FleetRoutes::change_profile(const Request& request, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("profile", id);
  const auto before = rows_.profile(*number);
  if (!before) return store_error_(before.error(), "profile");
  const auto wanted = parse_profile(request.body, *before);
  if (!wanted) return bad_request(wanted.error());
  if (const auto saved = rows_.save_profile(*wanted); !saved)
    return store_error_(saved.error(), "profile");
  return profile(request, id);
}

Response FleetRoutes::remove_profile(const Request& request, const std::string& id) {
  const auto query = parse_query(request.query);
  if (!query) return bad_request(query.error());
  const auto version = parse_id(query->get("version"));
  if (!version) return bad_request("say ?version= with that of the profile that you saw");
  const auto number = parse_id(id);
  if (!number) return unknown("profile", id);
  if (const auto removed = rows_.remove_profile(*number, *version); !removed)
    return store_error_(removed.error(), "profile");
  return json_response("{}");
}

Response FleetRoutes::push_profile(const Request& request, const std::string& id) {
  if (!request.body.empty() && request.body != "{}")
    return bad_request("the body must be empty or {}; the profile's target says for whom it is");
  const auto number = parse_id(id);
  if (!number) return unknown("profile", id);
  const auto profile = rows_.profile(*number);
  if (!profile) return store_error_(profile.error(), "profile");
  const auto devices = rows_.devices_of(profile->target);
  if (!devices) return store_error_(devices.error(), "device");
  if (devices->empty())
    return error_response(409, "no_devices", "the target of the profile means no known device");
  if (const auto added = rows_.add_pushes(*number, *devices, unix_ms()); !added)
    return store_error_(added.error(), "profile");
  if (const auto told = doors_.order(fleet::LookAgain{}); !told) return refused(told.error());
  return json_response(pushed_json(devices->size()), 202);
}

Response FleetRoutes::profile_devices(const Request& request, const std::string& id) {
  const auto cursor = cursor_of(request, true);
  if (!cursor) return bad_request(cursor.error());
  const auto number = parse_id(id);
  if (!number) return unknown("profile", id);
  const auto profile = rows_.profile(*number);
  if (!profile) return store_error_(profile.error(), "profile");
  const auto all = rows_.devices_of(profile->target);
  if (!all) return store_error_(all.error(), "device");
  std::vector<ProfileDevice> devices;
  auto at = std::ranges::upper_bound(*all, cursor->name);
  for (; at != all->end() && devices.size() < static_cast<std::size_t>(cursor->count_max); ++at) {
    const auto push = rows_.push(*number, *at);
    const auto camera = store_.settings(*at, protocol::Part::camera);
    const auto dtu = store_.settings(*at, protocol::Part::dtu);
    if (!push) return store_error_(push.error(), "device");
    if (!camera) return store_error_(camera.error(), "device");
    if (!dtu) return store_error_(dtu.error(), "device");
    devices.push_back({*at, fleet::standing(*profile, *push, *camera, *dtu), *push});
  }
  return json_response(profile_devices_json(devices, at != all->end()));
}

// ---- campaigns ----

Response FleetRoutes::show_campaign(const fleet::Campaign& campaign, int status) {
  const auto counts = rows_.campaign_counts(campaign.id);
  if (!counts) return store_error_(counts.error(), "campaign");
  return json_response(campaign_json(campaign, *counts), status);
}

Response FleetRoutes::campaigns(const Request& request, const std::string&) {
  const auto cursor = cursor_of(request, false);
  if (!cursor) return bad_request(cursor.error());
  auto campaigns = rows_.campaigns(cursor->id, cursor->count_max + 1);
  if (!campaigns) return store_error_(campaigns.error(), "campaign");
  const bool has_more = cut(*campaigns, cursor->count_max);
  std::vector<std::string> shown;
  for (const fleet::Campaign& one : *campaigns) {
    const auto counts = rows_.campaign_counts(one.id);
    if (!counts) return store_error_(counts.error(), "campaign");
    shown.push_back(campaign_json(one, *counts));
  }
  return json_response(
      campaigns_json(shown, has_more ? std::to_string(campaigns->back().id) : std::string()));
}

// The native devices that it means; a SmartDTU takes no images of ours.
store::Result<std::vector<std::string>> FleetRoutes::campaign_targets(
    const fleet::Campaign& campaign) {
  fleet::Target target = campaign.target;
  target.devices.insert(target.devices.end(), campaign.canaries.begin(), campaign.canaries.end());
  auto all = rows_.devices_of(target);
  const auto others = rows_.devices({.dialect = "smartdtu", .count_max = 1'000'000});
  if (!all) return all;
  if (!others) return others;
  std::vector<std::string> out;
  std::ranges::set_difference(*all, *others, std::back_inserter(out));
  return out;
}

Response FleetRoutes::add_campaign(const Request& request, const std::string&) {
  auto wanted = parse_campaign(request.body);
  if (!wanted) return bad_request(wanted.error());
  if (const auto image = store_.image(wanted->image); !image)
    return store_error_(image.error(), "image");
  const auto devices = campaign_targets(*wanted);
  if (!devices) return store_error_(devices.error(), "device");
  if (devices->empty())
    return error_response(409, "no_devices", "the target means no known native device");
  wanted->created_ms = wanted->updated_ms = unix_ms();
  const auto id = rows_.add_campaign(*wanted, fleet::stages_of(*wanted, *devices));
  if (!id) return store_error_(id.error(), "campaign");
  if (const auto told = doors_.order(fleet::LookAgain{}); !told) return refused(told.error());
  const auto stored = rows_.campaign(*id);
  if (!stored) return store_error_(stored.error(), "campaign");
  return show_campaign(*stored, 201);
}

Response FleetRoutes::campaign(const Request&, const std::string& id) {
  const auto number = parse_id(id);
  if (!number) return unknown("campaign", id);
  const auto campaign = rows_.campaign(*number);
  if (!campaign) return store_error_(campaign.error(), "campaign");
  return show_campaign(*campaign, 200);
}

Response FleetRoutes::campaign_devices(const Request& request, const std::string& id) {
  const auto cursor = cursor_of(request, true);
  if (!cursor) return bad_request(cursor.error());
  const auto number = parse_id(id);
  if (!number) return unknown("campaign", id);
  if (const auto campaign = rows_.campaign(*number); !campaign)
    return store_error_(campaign.error(), "campaign");
  auto devices = rows_.campaign_devices(*number, cursor->name, cursor->count_max + 1);
  if (!devices) return store_error_(devices.error(), "campaign");
  const bool has_more = cut(*devices, cursor->count_max);
  return json_response(campaign_devices_json(*devices, has_more));
}

Response FleetRoutes::set_state(const std::string& id, std::vector<fleet::CampaignState> from,
                                fleet::CampaignState to, std::optional<int> error_percent_max) {
  const auto number = parse_id(id);
  if (!number) return unknown("campaign", id);
  auto campaign = rows_.campaign(*number);
  if (!campaign) return store_error_(campaign.error(), "campaign");
  const auto before = campaign->state;
  if (std::ranges::find(from, before) == from.end())
    return error_response(409, "wrong_state",
                          std::string("the campaign is ") + fleet::name(before));
  campaign->state = to;
  campaign->reason.clear();
  campaign->error_percent_max = error_percent_max.value_or(campaign->error_percent_max);
  campaign->updated_ms = unix_ms();
  if (const auto saved = rows_.save_campaign(*campaign, before); !saved)
    return store_error_(saved.error(), "campaign");
  if (const auto told = doors_.order(fleet::LookAgain{}); !told) return refused(told.error());
  return show_campaign(*campaign, 200);
}

Response FleetRoutes::pause_campaign(const Request&, const std::string& id) {
  return set_state(id, {fleet::CampaignState::running}, fleet::CampaignState::paused);
}

Response FleetRoutes::resume_campaign(const Request& request, const std::string& id) {
  const auto percent = parse_resume(request.body);
  if (!percent) return bad_request(percent.error());
  return set_state(id, {fleet::CampaignState::paused, fleet::CampaignState::stopped},
                   fleet::CampaignState::running, *percent);
}

Response FleetRoutes::abort_campaign(const Request&, const std::string& id) {
  using enum fleet::CampaignState;
  return set_state(id, {running, paused, stopped}, aborted);
}

}  // namespace meterlens::api
