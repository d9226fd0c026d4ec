// The parts of the pipeline's thread for photos that people send, and for photos that are taken
// once more with other light.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "protocol/bytes.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

using command::LightTry;
using metrics::Count;
using protocol::Dialect;
using protocol::Part;

constexpr std::int64_t light_taken_ms = 120'000;  // a camera has so long to take the settings

protocol::SettingValues values_of(const command::WishedSettings* wish) {
  protocol::SettingValues values(Part::camera);
  std::vector<std::uint8_t> refused(protocol::setting_count_max);
  if (wish != nullptr) values.take(wish->entries, refused);
  return values;
}

// The entries of `undo` whose settings are still what `entries` made of them: a person may have
// changed others meanwhile.
std::vector<std::uint8_t> still_to_undo(const LightTry& one, const protocol::SettingValues& now) {
  std::vector<std::uint8_t> out;
  const std::size_t bytes = std::min(one.entries.size(), one.undo.size());
  for (std::size_t at = 0; at + protocol::setting_bytes <= bytes; at += protocol::setting_bytes) {
    protocol::ByteReader done(protocol::Bytes(one.entries).subspan(at));
    const auto place = protocol::find_setting(Part::camera, done.u8());
    if (!place || now.at(*place) != static_cast<std::int32_t>(done.u32())) continue;
    const auto from = one.undo.begin() + static_cast<std::ptrdiff_t>(at);
    out.insert(out.end(), from, from + protocol::setting_bytes);
  }
  return out;
}

bool has_key(const std::vector<std::uint8_t>& entries, std::uint8_t key) {
  for (std::size_t i = 0; i < entries.size(); i += protocol::setting_bytes)
    if (entries[i] == key) return true;
  return false;
}

}  // namespace

// ---- photos that people send ----

std::expected<Uploaded, CommandError> Pipeline::Steps::upload(photo::Photo photo) {
  const std::string meter = photo.meter;
  const protocol::Digest sha256 = photo.sha256;
  const auto known = store.find_upload(meter, sha256);
  if (!known) return std::unexpected(CommandError::store);
  if (*known) return Uploaded{**known, false};
  if (!committer.good()) return std::unexpected(CommandError::store);
  photo.received_at_ms = now_ms;
  if (photo.captured_at_ms == 0) photo.captured_at_ms = now_ms;
  committer.add(std::move(photo));
  settle_photos();
  const auto stored = store.find_upload(meter, sha256);
  if (!stored || !*stored) return std::unexpected(CommandError::store);
  metrics.add(Count::photos_uploaded);
  return Uploaded{**stored, true};
}

// ---- other light ----

// Whatever was under way when the server ended: the light from before comes back.
void Pipeline::Steps::take_up_lights(const store::Owned& owned) {
  auto open = store.open_light_tries(owned);
  if (!open) {
    spdlog::error(
        fmt::format("photos with other light cannot be taken up: {}", open.error().message));
    return;
  }
  for (LightTry& one : *open) {
    OpenLight& light = lights[one.device];
    light.record = std::move(one);
    end_light(light, "the server was restarted meanwhile");
  }
}

void Pipeline::Steps::want_light(const std::string& id, const WantedLight& wanted) {
  if (settings.light_tries_max == 0) return;
  if (lights.contains(id)) {
    // Only the slot that is being tried goes on.
    if (lights[id].record.command == wanted.command) next_light[id] = wanted;
    return;
  }
  const Registry::Entry* device = registry.find(id);
  if (device == nullptr || device->row.dialect != Dialect::native) return;
  const auto before = store.light_try_of(wanted.command);
  if (!before) return;
  LightTry one;
  one.device = id;
  one.first_command = *before ? (*before)->first_command : wanted.command;
  one.number = *before ? (*before)->number + 1 : 1;
  one.photo = wanted.photo;
  one.fault = wanted.fault;
  one.created_ms = one.updated_ms = now_ms;
  if (one.number > settings.light_tries_max) return;
  const auto* wish = wishes.find(id, Part::camera);
  const std::vector<std::uint8_t> refused =
      wish == nullptr ? std::vector<std::uint8_t>() : wish->refused;
  const auto light = command::other_light(one.fault, one.number, values_of(wish), refused);
  if (!light) return;
  one.light = light->text;
  one.entries = light->entries;
  one.undo = light->undo;
  // What is to be undone is stored before it is done.
  const auto added = store.add_light_try(one);
  if (!added) {
    committer.fail(added.error().message, now_ms);
    return;
  }
  one.id = *added;
  metrics.add(Count::light_tries);
  spdlog::info(fmt::format("device {}: photo {} is bad ({}): once more with {}", id, one.photo,
                           one.fault, one.light));
  OpenLight& open = lights[id];
  open = {one, 0, now_ms};
  const auto changed = change_settings(id, Part::camera, one.entries);
  if (changed) {
    open.revision = changed->revision;
  } else {
    end_light(open, "the settings could not be changed");
  }
}

void Pipeline::Steps::light_command(const command::Command& command) {
  const auto at = lights.find(command.device);
  if (at == lights.end() || at->second.record.command != command.id ||
      at->second.record.state != LightTry::State::shooting)
    return;
  if (command.state == command::State::stored || command.state == command::State::read) {
    end_light(at->second, "");
  } else if (command::is_final(command.state)) {
    end_light(at->second, command.reason);
  }
}

void Pipeline::Steps::tick_lights() {
  std::vector<std::string> done;
  for (auto& [device, open] : lights) {
    if (tick_light(open)) done.push_back(device);
  }
  for (const std::string& device : done) {
    lights.erase(device);
    const auto next = next_light.find(device);
    if (next == next_light.end()) continue;
    const WantedLight wanted = next->second;
    next_light.erase(next);
    want_light(device, wanted);
  }
}

// true: all is as before, and the trail says so.
bool Pipeline::Steps::tick_light(OpenLight& open) {
  LightTry& one = open.record;
  if (open.revision == 0) {
    if (one.state == LightTry::State::undoing) undo_light(open);
    if (open.revision == 0) return false;
  }
  const auto* wish = wishes.find(one.device, Part::camera);
  const bool is_taken = wish == nullptr || wish->confirmed >= open.revision;
  switch (one.state) {
    case LightTry::State::setting:
      if (is_taken) {
        shoot_in_light(open);
      } else if (now_ms - open.since_ms >= light_taken_ms || now_ms < open.since_ms) {
        end_light(open, "the camera has not taken the settings in time");
      }
      return false;
    case LightTry::State::shooting:
    case LightTry::State::done: return one.state == LightTry::State::done;
    case LightTry::State::undoing: break;
  }
  if (!is_taken) return false;
  one.state = LightTry::State::done;
  save_light(open);
  return committer.good();
}

void Pipeline::Steps::shoot_in_light(OpenLight& open) {
  LightTry& one = open.record;
  const auto* wish = wishes.find(one.device, Part::camera);
  const bool refused = wish != nullptr && std::ranges::any_of(
      wish->refused, [&](std::uint8_t key) { return has_key(one.entries, key); });
  if (refused) return end_light(open, "the camera knows no such light");
  const auto ordered = capture(one.device);
  if (!ordered) return end_light(open, "the photo could not be ordered");
  one.command = ordered->id;
  one.state = LightTry::State::shooting;
  open.since_ms = now_ms;
  save_light(open);
}

void Pipeline::Steps::end_light(OpenLight& open, const std::string& note) {
  LightTry& one = open.record;
  if (one.state != LightTry::State::undoing) one.note = note;
  one.state = LightTry::State::undoing;
  open.since_ms = now_ms;
  open.revision = 0;
  save_light(open);
  undo_light(open);
}

void Pipeline::Steps::undo_light(OpenLight& open) {
  const LightTry& one = open.record;
  const auto* wish = wishes.find(one.device, Part::camera);
  const auto entries = still_to_undo(one, values_of(wish));
  if (entries.empty()) {
    // The wish is as it was, or a person's; the camera follows it.
    open.revision = wish == nullptr ? 1 : wish->revision;
    return;
  }
  const auto changed = change_settings(one.device, Part::camera, entries);
  if (changed) open.revision = changed->revision;
}

// What cannot be saved now stays open in the store: after a restart it is undone once more.
void Pipeline::Steps::save_light(OpenLight& open) {
  open.record.updated_ms = now_ms;
  if (const auto saved = store.save_light_try(open.record); !saved)
    committer.fail(saved.error().message, now_ms);
}

}  // namespace meterlens::server
