// Inside api/: the objects of openapi.yaml as JSON text, and the bodies that are understood. The
// JSON library stays in json.cpp and schedule_json.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/command/command.h"
#include "server/photo/photo.h"
#include "server/photo/views.h"
#include "server/store/fleet.h"
#include "server/store/store.h"
#include "server/update/update.h"
#include "server/validate/review.h"

namespace meterlens::api {

using store::DeviceView;

// The columns of a device that a list asks for; a bit for each.
struct DeviceFields {
  std::uint32_t bits = ~0U;
  bool has(std::string_view name) const;
  store::ViewParts parts() const;
  // Those that cost a look into another table than the devices' own.
  bool is_cheap() const;
};
// Names with commas between; the error names one that is unknown. `id` is always among them.
std::expected<DeviceFields, std::string> parse_device_fields(std::string_view text);

struct Health {
  bool broker = false;
  std::string store;   // "ok" or the error
  std::string reader;  // "ok" or the error
  bool ok() const { return broker && store == "ok" && reader == "ok"; }
};

std::string device_json(const DeviceView& view);
std::string command_json(const command::Command& command);
std::string photo_json(const photo::Photo& photo);
std::string reading_json(const validate::Reading& reading);
std::string health_json(const Health& health, const std::string& version);
std::string image_json(const update::Image& image);
std::string update_json(const update::Update& update);
std::string error_json(const std::string& code, const std::string& message);

// {"devices":[...]} and the like.
std::string devices_json(const std::vector<DeviceView>& views, bool has_more);
// With only those fields, which the answer names in "fields".
std::string devices_json(const std::vector<DeviceView>& views, bool has_more,
                         const DeviceFields& fields);
std::string photos_json(const std::vector<photo::Photo>& photos, bool has_more);
// With `has_more` the answer's "next" is the cursor of the following page.
std::string readings_json(const std::vector<validate::Reading>& readings, bool has_more = false);
std::string view_json(const std::string& device, const photo::View& view);
std::string images_json(const std::vector<update::Image>& images, bool has_more);
std::string updates_json(const std::vector<update::Update>& updates, bool has_more);

std::string schedule_json(const schedule::Schedule& schedule, std::int64_t now_ms);
std::string schedules_json(const std::vector<schedule::Schedule>& schedules, std::int64_t now_ms,
                           bool has_more);
// A `ScheduleEdit`: what it does not name stays as in `before`. Checked but for what
// schedule::check() checks.
std::expected<schedule::Schedule, std::string> parse_schedule(const std::string& body,
                                                              const schedule::Schedule& before);

// The image's id of {"image":7} and nothing else; the error says what is wrong with the body.
std::expected<std::int64_t, std::string> parse_update(const std::string& body);
// {"seconds":120,"period_ms":1500}, each with that as its default; the error says what is wrong.
std::expected<protocol::Aim, std::string> parse_aim(const std::string& body);
// The wished values by name, the revision, whether the part has it, and the names it refused.
std::string settings_json(const command::WishedSettings& settings);
// An object of names and whole numbers as entries for the wire; the error names what is wrong.
std::expected<std::vector<std::uint8_t>, std::string> parse_settings(const std::string& body,
                                                                     protocol::Part part);

// {"capture":1} and nothing else; the error says what is wrong with the body.
std::expected<void, std::string> parse_capture(const std::string& body);

struct VersionedEdit {
  validate::Edit edit;
  std::int64_t version = 0;  // of the reading that the editor saw
};
// A `ReadingEdit`: known keys, types, and texts of bounded length without control characters.
std::expected<VersionedEdit, std::string> parse_edit(const std::string& body);

}  // namespace meterlens::api
