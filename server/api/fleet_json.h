// Inside api/: tags, records, controls, profiles and campaigns as JSON, and the bodies that are
// understood. The JSON library stays in the .cpp file.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/store/fleet.h"

namespace meterlens::api {

std::string tags_json(fleet::Kind kind, const std::string& id, const fleet::Tags& tags);
std::string groups_json(const std::vector<store::GroupCount>& groups);
// {"group":"a/b","labels":{"floor":"3"},"version":0}: what is left out is taken away.
std::expected<fleet::Tags, std::string> parse_tags(const std::string& body);

struct DeviceEdit {
  std::optional<std::string> remark;
  std::optional<bool> enabled;
};
std::expected<DeviceEdit, std::string> parse_device_edit(const std::string& body);

// With `has_more` the answer's "next" is the cursor of the following page.
std::string messages_json(const std::vector<fleet::Message>& messages, bool has_more);
std::string samples_json(const std::vector<fleet::Sample>& samples, bool has_more);

std::string control_json(const fleet::Control& control);
std::string controls_json(const std::vector<fleet::Control>& controls, bool has_more);

std::string profile_json(const fleet::Profile& profile);
std::string profiles_json(const std::vector<fleet::Profile>& profiles, bool has_more);
// What it does not name stays as in `before`; one that has an id must name its version.
std::expected<fleet::Profile, std::string> parse_profile(const std::string& body,
                                                         const fleet::Profile& before);
struct ProfileDevice {
  std::string device;
  fleet::Standing standing;
  std::optional<fleet::Push> push;
};
std::string profile_devices_json(const std::vector<ProfileDevice>& devices, bool has_more);
std::string pushed_json(std::size_t count);

std::string campaign_json(const fleet::Campaign& campaign,
                          std::span<const fleet::StageCount> counts);
std::string campaigns_json(const std::vector<std::string>& campaigns, const std::string& next);
std::string campaign_devices_json(const std::vector<fleet::CampaignDevice>& devices, bool has_more);
std::expected<fleet::Campaign, std::string> parse_campaign(const std::string& body);
// An empty body or {"error_percent_max":30}.
std::expected<std::optional<int>, std::string> parse_resume(const std::string& body);

}  // namespace meterlens::api
