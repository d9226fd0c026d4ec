// The rows of what is known of many devices: tags, switches, records, controls, profiles,
// campaigns, and the answers kept for idempotency keys. A part of the Store, with its promises:
// every write is one transaction. Thread-safe; the store outlives it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/fleet/campaign.h"
#include "server/fleet/control.h"
#include "server/fleet/profile.h"
#include "server/fleet/record.h"
#include "server/fleet/tags.h"
#include "server/store/store.h"

namespace meterlens::store {

struct DeviceFilter {
  fleet::Target target = {};      // its devices are not looked at; empty: all
  std::optional<bool> online = {};
  std::optional<bool> enabled = {};
  std::string dialect = {};       // empty: both
  // Part of its name or remark; capitals of ASCII count as small ones. Empty: all.
  std::string search = {};
  std::string after = {};         // names behind this one
  int count_max = 100;
};

struct MeterFilter {
  fleet::Target target = {};  // as above
  std::string search = {};    // part of its name, place or serial number, as above
  std::optional<validate::Verdict> verdict = {};  // of its newest reading
  bool unread = false;        // it has no reading
  bool alarmed = false;       // an alarm about it, or about a device that watches it, is open
  std::string after = {};     // names behind this one
  int count_max = 100;
};

struct Switch {
  bool enabled = true;
  std::int64_t changed_ms = 0;
  std::int64_t dropped = 0;  // packets, while it was disabled or sent too much
};

// What a list shows of a device.
struct DeviceView {
  Device device;
  fleet::Tags tags;
  Switch state;
  std::optional<photo::Photo> newest_photo;
  // Of the meter that it watches, the first one, or else of the meter of its own name.
  std::optional<validate::Reading> newest_reading;
  std::optional<command::Command> active_command;  // the oldest that is open
};

// What is looked up of it; the rest stays empty. Its row, group and switch always are.
struct ViewParts {
  bool said = true;  // state_json and health_json
  bool labels = true;
  bool newest_photo = true;
  bool newest_reading = true;
  bool active_command = true;
};

struct GroupCount {
  std::string group;
  std::int64_t devices = 0;
  std::int64_t meters = 0;
};

struct KeptAnswer {
  std::string request_hash;
  int status = 0;  // 0: the request has not been answered yet
  std::string body;
  std::int64_t at_ms = 0;
};

class Fleet {
 public:
  explicit Fleet(Store& store) : store_(store) {}

  // `conflict` unless `tags.version` is the one that is stored.
  Result<fleet::Tags> tags(fleet::Kind kind, const std::string& id);
  Result<fleet::Tags> save_tags(fleet::Kind kind, const std::string& id, const fleet::Tags& tags);
  Result<std::vector<GroupCount>> groups(int count_max);

  // As Store does with one, all in one transaction. Commands that are not there are left out.
  Result<void> save_devices(std::span<const Device> devices);
  Result<void> save_commands(std::span<const command::Command> commands);

  // Names in their order.
  Result<std::vector<std::string>> devices(const DeviceFilter& filter);
  // The same with what is known of them, in as many queries for a thousand as for one.
  Result<std::vector<DeviceView>> views(const DeviceFilter& filter, const ViewParts& parts = {});
  Result<DeviceView> view(const std::string& device);
  Result<std::vector<std::string>> meters(const MeterFilter& filter);
  // All devices that a target means, each once and known. Named ones that are not known are left
  // out.
  Result<std::vector<std::string>> devices_of(const fleet::Target& target);

  Result<Switch> device_switch(const std::string& device);
  Result<std::vector<std::string>> disabled(const Owned& owned = {});
  Result<void> save_switch(const std::string& device, const Switch& state);
  Result<void> add_dropped(const std::string& device, std::int64_t count);
  Result<void> save_remark(const std::string& device, const std::string& remark);
  // The device's row goes with its tags, switch, settings, controls and pushes. `purge`: also its
  // photos, their readings, commands, light tries, updates, messages, health, watches, alarms that
  // ended, and its credential. The paths of the photo files that nothing names any more.
  Result<std::vector<std::string>> remove_device(const std::string& device, bool purge);

  Result<void> add_messages(std::span<const fleet::Message> messages);
  // Newest first, older than `before`, 0: from the newest on.
  Result<std::vector<fleet::Message>> messages(const std::string& device, std::int64_t before,
                                               int count_max);
  Result<void> forget_messages(const std::string& device, std::int64_t count_kept);

  // The newest sample of a source in each slot of `every_ms` is kept.
  Result<void> add_samples(std::span<const fleet::Sample> samples, std::int64_t every_ms);
  // Newest first, within [since, until), older than the cursor's time and source.
  Result<std::vector<fleet::Sample>> samples(const std::string& device, std::int64_t since_ms,
                                             std::int64_t until_ms,
                                             const std::string& before_source, int count_max);
  // Of those before `at_ms` one in `slots` slots stays.
  Result<void> thin_samples(std::int64_t at_ms, int slots, std::int64_t gone_before_ms);

  Result<std::int64_t> add_control(const fleet::Control& control);
  Result<void> save_control(const fleet::Control& control);
  Result<fleet::Control> control(std::int64_t id);
  Result<std::vector<fleet::Control>> controls(const std::string& device, std::int64_t before,
                                               int count_max);
  Result<std::vector<fleet::Control>> open_controls(const Owned& owned = {});

  Result<std::vector<fleet::Profile>> profiles(std::int64_t after, int count_max);
  Result<fleet::Profile> profile(std::int64_t id);
  Result<std::int64_t> add_profile(const fleet::Profile& profile);
  Result<void> save_profile(const fleet::Profile& profile);  // `conflict` unless its version is
  Result<void> remove_profile(std::int64_t id, std::int64_t version);
  Result<void> add_pushes(std::int64_t profile, std::span<const std::string> devices,
                          std::int64_t at_ms);
  Result<std::vector<fleet::Push>> pending_pushes(int count_max);
  Result<std::optional<fleet::Push>> push(std::int64_t profile, const std::string& device);
  Result<void> save_push(const fleet::Push& push);

  Result<std::int64_t> add_campaign(const fleet::Campaign& campaign,
                                    std::span<const fleet::CampaignDevice> devices);
  Result<std::vector<fleet::Campaign>> campaigns(std::int64_t before, int count_max);
  Result<std::vector<fleet::Campaign>> running_campaigns();
  Result<fleet::Campaign> campaign(std::int64_t id);
  // Unless its state was another one than `before`: then `conflict`.
  Result<void> save_campaign(const fleet::Campaign& campaign, fleet::CampaignState before);
  // By stage, also the empty ones before the last.
  Result<std::vector<fleet::StageCount>> campaign_counts(std::int64_t id);
  Result<std::vector<fleet::CampaignDevice>> campaign_devices(std::int64_t id,
                                                              const std::string& after,
                                                              int count_max);
  Result<std::vector<fleet::CampaignDevice>> campaign_waiting(std::int64_t id, int stage,
                                                              int count_max);
  Result<void> save_campaign_device(std::int64_t id, const fleet::CampaignDevice& device);
  // The newest update of the device with this image since then.
  Result<std::optional<std::int64_t>> known_update(const std::string& device, std::int64_t image,
                                                   std::int64_t since_ms);
  // Takes over how the ordered updates have ended.
  Result<void> settle_campaign(std::int64_t id);

  // How often people have changed what this path of the API names.
  Result<std::int64_t> edits(const std::string& path);
  // One more, and how many that makes; `conflict` unless there were `seen`, nothing: any.
  Result<std::int64_t> count_edit(const std::string& path, std::optional<std::int64_t> seen);

  // Nothing: the key is taken from now on, with a status of 0. Else what was kept for it.
  Result<std::optional<KeptAnswer>> take_key(const std::string& key, const KeptAnswer& request,
                                             std::int64_t forget_before_ms);
  Result<void> keep_answer(const std::string& key, const KeptAnswer& answer);
  Result<void> free_key(const std::string& key);

 private:
  Store& store_;
};

}  // namespace meterlens::store
