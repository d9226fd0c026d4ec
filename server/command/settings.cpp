#include "server/command/settings.h"

#include <algorithm>
#include <limits>

namespace meterlens::command {

using protocol::Part;
using protocol::setting_bytes;

namespace {

WishedSettings nothing_for(const std::string& device, Part part) {
  return {device, part, 0, 0, {}, {}};
}

}  // namespace

void SettingsBook::take_up(WishedSettings settings) {
  Entry& entry = entries_[{settings.device, settings.part}];
  entry.settings = std::move(settings);
}

WishedSettings SettingsBook::changed(const std::string& device, Part part,
                                     protocol::Bytes entries) const {
  WishedSettings settings = nothing_for(device, part);
  std::uint32_t highest = 0;
  if (const auto at = entries_.find({device, part}); at != entries_.end()) {
    settings = at->second.settings;
    highest = std::max(settings.revision, at->second.heard);
  }
  settings.revision = highest + 1;
  for (; entries.size() >= setting_bytes; entries = entries.subspan(setting_bytes)) {
    auto& out = settings.entries;
    std::size_t at = 0;
    while (at < out.size() && out[at] != entries[0]) at += setting_bytes;
    if (at == out.size()) out.resize(at + setting_bytes);
    std::copy_n(entries.begin(), setting_bytes, out.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return settings;
}

void SettingsBook::put(WishedSettings settings, std::int64_t now_ms) {
  Entry& entry = entries_[{settings.device, settings.part}];
  entry.settings = std::move(settings);
  hurry(entry, now_ms);
}

bool SettingsBook::taken(const std::string& device, const protocol::SettingsTaken& answer) {
  const auto at = entries_.find({device, answer.part});
  if (at == entries_.end()) return false;
  Entry& entry = at->second;
  // An answer to an earlier revision comes late, and another follows.
  if (answer.revision != entry.settings.revision ||
      entry.settings.confirmed == entry.settings.revision)
    return false;
  entry.settings.confirmed = answer.revision;
  entry.settings.refused.assign(answer.refused_keys.begin(), answer.refused_keys.end());
  return true;
}

bool SettingsBook::heard_revision(const std::string& device, Part part, std::uint32_t revision,
                                  std::int64_t now_ms) {
  if (revision == std::numeric_limits<std::uint32_t>::max()) return false;  // none is above it
  auto at = entries_.find({device, part});
  if (at == entries_.end()) {
    if (revision == 0) return false;
    at = entries_.try_emplace({device, part}).first;
    at->second.settings = nothing_for(device, part);
  }
  Entry& entry = at->second;
  entry.heard = revision;
  WishedSettings& settings = entry.settings;
  if (settings.revision == 0) return false;
  if (revision > settings.revision) {
    settings.revision = revision + 1;
  } else if (revision < settings.confirmed) {
    settings.confirmed = 0;
  } else {
    return false;
  }
  hurry(entry, now_ms);
  return true;
}

void SettingsBook::send_again(const std::string& device, std::int64_t now_ms) {
  for (const Part part : {Part::camera, Part::dtu}) {
    const auto at = entries_.find({device, part});
    if (at == entries_.end()) continue;
    at->second.settings.confirmed = 0;
    hurry(at->second, now_ms);
  }
}

void SettingsBook::withdraw(const std::string& device) {
  for (const Part part : {Part::camera, Part::dtu}) {
    const auto at = entries_.find({device, part});
    if (at == entries_.end()) continue;
    at->second.heard = std::max(at->second.heard, at->second.settings.revision);
    at->second.settings = nothing_for(device, part);
  }
  links_.erase(device);
}

void SettingsBook::forget(const std::string& device) {
  for (const Part part : {Part::camera, Part::dtu}) entries_.erase({device, part});
  links_.erase(device);
}

void SettingsBook::set_link(const std::string& device, Link link, std::int64_t now_ms) {
  Link& known = links_[device];
  const bool returns = link == Link::online && known != Link::online;
  known = link;
  if (!returns) return;
  for (const Part part : {Part::camera, Part::dtu}) {
    const auto at = entries_.find({device, part});
    if (at != entries_.end()) hurry(at->second, now_ms);
  }
}

void SettingsBook::set_connected(bool connected, std::int64_t now_ms) {
  connected_ = connected;
  for (auto& [key, entry] : entries_) hurry(entry, now_ms);
}

void SettingsBook::clock_moved(std::int64_t by_ms) {
  for (auto& [key, entry] : entries_) entry.due_ms += by_ms;
}

void SettingsBook::hurry(Entry& entry, std::int64_t now_ms) {
  entry.due_ms = now_ms;
  entry.pause_ms = settings_pause_ms_first;
}

std::vector<WishedSettings> SettingsBook::due(std::int64_t now_ms) {
  std::vector<WishedSettings> out;
  if (!connected_) return out;
  for (auto& [key, entry] : entries_) {
    if (entry.settings.confirmed == entry.settings.revision || now_ms < entry.due_ms) continue;
    const auto link = links_.find(key.first);
    if (link != links_.end() && link->second == Link::offline) continue;
    entry.due_ms = now_ms + entry.pause_ms;
    entry.pause_ms = std::min(2 * entry.pause_ms, settings_pause_ms_max);
    out.push_back(entry.settings);
  }
  return out;
}

const WishedSettings* SettingsBook::find(const std::string& device, Part part) const {
  const auto at = entries_.find({device, part});
  return at == entries_.end() || at->second.settings.revision == 0 ? nullptr
                                                                   : &at->second.settings;
}

}  // namespace meterlens::command
