#include "server/registry.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "server/store/fleet.h"

namespace meterlens::server {

using command::Link;
using metrics::Count;

Registry::Registry(const RegistryLimits& limits, store::Store& store, metrics::Metrics& metrics,
                   OnChange on_change)
    : limits_(limits), store_(store), metrics_(metrics), on_change_(std::move(on_change)) {}

store::Result<void> Registry::load() {
  if (auto marked = store_.mark_all_offline(); !marked) return marked;
  auto devices = store_.devices();
  if (!devices) return std::unexpected(devices.error());
  for (store::Device& device : *devices) {
    Entry entry;
    // A native device says so itself when it is there (retained status).
    if (device.dialect == protocol::Dialect::native) entry.link = Link::offline;
    entry.saved_ms = device.last_seen_ms;
    entry.row = std::move(device);
    entry.row.online = false;
    entries_.emplace(entry.row.id, std::move(entry));
  }
  return {};
}

Registry::Entry* Registry::find(const std::string& device) {
  const auto at = entries_.find(device);
  return at == entries_.end() ? nullptr : &at->second;
}

const Registry::Entry& Registry::adopt(store::Device row) {
  Entry entry;
  // What a native device has said of its connection is not said again.
  const bool is_native = row.dialect == protocol::Dialect::native;
  entry.by_connection = is_native && row.online;
  if (row.online) entry.link = Link::online;
  else if (is_native) entry.link = Link::offline;
  if (row.online) metrics_.set(metrics::Gauge::devices_online, static_cast<double>(++online_));
  entry.saved_ms = row.last_seen_ms;
  entry.row = std::move(row);
  return entries_.emplace(entry.row.id, std::move(entry)).first->second;
}

void Registry::drop(const std::string& device) {
  const Entry* entry = find(device);
  if (entry == nullptr) return;
  if (entry->row.online)
    metrics_.set(metrics::Gauge::devices_online, static_cast<double>(--online_));
  unsaved_.erase(device);
  entries_.erase(device);
}

void Registry::set_queue(Entry& entry, int queue) {
  if (queue < 0 || entry.row.queue == queue) return;
  entry.row.queue = queue;
  changed(entry);
}

bool Registry::may_register(const ingest::Packet& packet) const {
  const auto* presence = std::get_if<ingest::Presence>(&packet.content);
  if (presence != nullptr && !presence->online) return false;
  return entries_.size() < limits_.devices_max;
}

Registry::Entry* Registry::see(const ingest::Packet& packet) {
  Entry* entry = find(packet.device);
  if (entry != nullptr) {
    update(*entry, packet);
    return entry;
  }
  if (!may_register(packet)) {
    metrics_.add(Count::frames_unexpected);
    return nullptr;
  }
  entry = &entries_[packet.device];
  entry->row.id = packet.device;
  entry->row.dialect = packet.dialect;
  entry->row.product = packet.product;
  entry->row.first_seen_ms = packet.received_at_ms;
  spdlog::info(fmt::format("device {}: appeared ({}, product {})", packet.device,
                           protocol::name(packet.dialect), packet.product));
  update(*entry, packet);
  return entry;
}

void Registry::update(Entry& entry, const ingest::Packet& packet) {
  store::Device& row = entry.row;
  const auto* presence = std::get_if<ingest::Presence>(&packet.content);
  const bool other = row.dialect != packet.dialect || row.product != packet.product;
  // The old connection of a device that has changed its dialect says goodbye late.
  if (other && presence != nullptr && !presence->online) return;
  if (other) {
    spdlog::warn(fmt::format("device {}: now speaks {} (product {})", row.id,
                             protocol::name(packet.dialect), packet.product));
    row.dialect = packet.dialect;
    row.product = packet.product;
    entry.by_connection = false;
    changed(entry);
  }
  std::string firmware;
  if (presence != nullptr) {
    entry.by_connection = true;
    firmware = presence->firmware;
    if (presence->online && !presence->state_json.empty()) note_state(entry, presence->state_json);
  } else if (const auto* started = std::get_if<ingest::Started>(&packet.content)) {
    firmware = started->firmware;
  } else if (const auto* state = std::get_if<ingest::SmartState>(&packet.content)) {
    firmware = state->firmware;
    note_state(entry, state->json);
  }
  if (!firmware.empty() && firmware != row.firmware) {
    row.firmware = firmware;
    changed(entry);
  }
  const bool online = presence == nullptr || presence->online;
  if (online) row.last_seen_ms = packet.received_at_ms;
  entry.link = online ? Link::online : Link::offline;
  if (row.online != online) set_online(entry, online);
  if (packet.received_at_ms - entry.saved_ms >= limits_.save_ms) unsaved_.insert(row.id);
}

// Saved by the next tick that may.
void Registry::note_state(Entry& entry, const std::string& json) {
  entry.state_unsaved = entry.state_unsaved || entry.row.state_json != json;
  entry.row.state_json = json;
}

void Registry::note_health(Entry& entry, const protocol::Health& health, std::int64_t at_ms) {
  entry.row.health_json = fmt::format(
      R"({{"at_ms":{},"uptime_s":{},"reset_cause":"{}","crash_address":{},"settings_revision":{},)"
      R"("shots":{},"no_answers":{},"frame_timeouts":{},"frame_failures":{},"empty_frames":{},)"
      R"("failed_saves":{},"photos_lost":{},"flash_flaws":{},"broken_areas":{},)"
      R"("settings_unsaved":{},"tune_failed":{},"photo_id":{},"light":"{}","mean":{},)"
      R"("dark_percent":{},"bright_percent":{},"settings_refused":{},"line_raised":{},)"
      R"("line_lowered":{},"line_falls":{}}})",
      at_ms, health.uptime_s, protocol::reset_name(health.reset_cause), health.crash_address,
      health.settings_revision, health.shots, health.no_answers, health.frame_timeouts,
      health.frame_failures, health.empty_frames, health.failed_saves, health.photos_lost,
      health.flash_flaws, health.broken_areas, health.settings_unsaved, health.tune_failed,
      health.photo_id, protocol::name(health.light), health.mean, health.dark_percent,
      health.bright_percent, health.settings_refused, health.line_raised, health.line_lowered,
      health.line_falls);
  changed(entry);
}

void Registry::set_silent(Entry& entry) {
  entry.link = Link::offline;
  if (entry.row.online) set_online(entry, false);
}

void Registry::forget(const std::string& device) {
  if (Entry* entry = find(device); entry != nullptr && entry->row.online) set_online(*entry, false);
  unsaved_.erase(device);
  entries_.erase(device);
}

void Registry::set_online(Entry& entry, bool online) {
  entry.row.online = online;
  online_ = online ? online_ + 1 : online_ - 1;
  metrics_.set(metrics::Gauge::devices_online, static_cast<double>(online_));
  changed(entry);
}

void Registry::changed(const Entry& entry) { unsaved_.insert(entry.row.id); }

void Registry::forget_links() {
  for (auto& [id, entry] : entries_) {
    entry.by_connection = false;
    if (entry.row.dialect == protocol::Dialect::smartdtu) entry.link = Link::unknown;
  }
}

void Registry::tick(std::int64_t now_ms) {
  if (now_ms >= walked_ms_ && now_ms - walked_ms_ < limits_.walk_ms) return;
  walked_ms_ = now_ms;
  for (auto& [id, entry] : entries_) {
    if (entry.state_unsaved && now_ms - entry.saved_ms >= limits_.state_save_ms) changed(entry);
    if (!entry.row.online || entry.by_connection) continue;
    if (now_ms - entry.row.last_seen_ms < limits_.silence_ms) continue;
    // Silence proves nothing: a command is still tried.
    entry.link = Link::unknown;
    set_online(entry, false);
  }
}

void Registry::clock_moved(std::int64_t by_ms) {
  for (auto& [id, entry] : entries_) {
    entry.saved_ms += by_ms;
    entry.recapture_ms += by_ms;
    if (entry.row.online) entry.row.last_seen_ms += by_ms;
  }
}

store::Result<void> Registry::save(std::int64_t now_ms) {
  if (unsaved_.empty()) return {};
  std::vector<store::Device> rows;
  for (auto id = unsaved_.begin(); id != unsaved_.end() && rows.size() < limits_.saves_max; ++id)
    rows.push_back(entries_.at(*id).row);
  if (auto saved = store::Fleet(store_).save_devices(rows); !saved) return saved;
  for (const store::Device& row : rows) {
    Entry& entry = entries_.at(row.id);
    unsaved_.erase(row.id);
    entry.saved_ms = now_ms;
    entry.state_unsaved = false;
    on_change_(row.id);
  }
  return {};
}

}  // namespace meterlens::server
