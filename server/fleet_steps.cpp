// Who is disabled, and what people order of a device.
#include "server/fleet_steps.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "server/photo/objects.h"
#include "server/steps.h"

namespace meterlens::server {

using command::Link;
using fleet::OrderError;

FleetSteps::FleetSteps(Pipeline::Steps& steps) : steps_(steps), rows_(steps.store) {}

std::expected<void, std::string> FleetSteps::prepare() { return adopt({}); }

std::expected<void, std::string> FleetSteps::adopt(const store::Owned& owned) {
  const auto disabled = rows_.disabled(owned);
  if (!disabled) return std::unexpected(disabled.error().message);
  disabled_.insert(disabled->begin(), disabled->end());
  auto open = rows_.open_controls(owned);
  if (!open) return std::unexpected(open.error().message);
  for (fleet::Control& control : *open) {
    // Of a device that is here already it is known.
    if (steps_.settings.role == Role::worker && steps_.registry.find(control.device) != nullptr)
      continue;
    Line& line = lines_[control.device];
    if (control.state == fleet::ControlState::sent && !line.sent)
      line.sent = std::move(control);
    else
      line.waiting.push_back(std::move(control));
  }
  return {};
}

void FleetSteps::drop(const std::string& device) {
  disabled_.erase(device);
  lines_.erase(device);
}

void FleetSteps::look_again() { pushes_wait_ = campaigns_run_ = true; }

void FleetSteps::fail(std::string_view what, const store::Error& error) {
  steps_.committer.fail(fmt::format("{} cannot be kept: {}", what, error.message), steps_.now_ms);
}

bool FleetSteps::admits(const ingest::Packet& packet) {
  if (disabled_.empty() || !disabled_.contains(packet.device)) return true;
  ++dropped_[packet.device];
  steps_.metrics.add(metrics::Count::packets_of_disabled);
  return false;
}

void FleetSteps::note_flood(const std::string& device, std::uint64_t dropped) {
  spdlog::warn(
      fmt::format("{} sends too much: {} messages were dropped; look at the device, or raise "
                  "messages_per_s in [flood]",
                  device, dropped));
  if (steps_.registry.find(device) != nullptr)
    dropped_[device] += static_cast<std::int64_t>(dropped);
}

void FleetSteps::write_dropped() {
  for (auto at = dropped_.begin(); at != dropped_.end(); at = dropped_.erase(at))
    if (!keep(rows_.add_dropped(at->first, at->second), "the count of dropped packets")) return;
}

void FleetSteps::tick() {
  if (!steps_.committer.good()) return;
  write_dropped();
  write_records();
  tick_controls();
  if (steps_.settings.role == Role::worker || !steps_.leads) return;
  if (pushes_wait_) push_profiles();
  if (!campaigns_run_) return;
  constexpr std::int64_t campaigns_every_ms = 2000;
  if (steps_.now_ms - campaigns_ms_ < campaigns_every_ms && steps_.now_ms >= campaigns_ms_) return;
  campaigns_ms_ = steps_.now_ms;
  run_campaigns();
}

void FleetSteps::clock_moved(std::int64_t by_ms) {
  for (auto& [device, line] : lines_) line.not_before_ms += by_ms;
  samples_written_ms_ += by_ms;
  forgot_ms_ += by_ms;
}

std::expected<std::int64_t, OrderError> FleetSteps::obey(const fleet::Order& order) {
  if (!steps_.committer.good()) return std::unexpected(OrderError::store);
  if (const auto* one = std::get_if<fleet::SetEnabled>(&order)) return set_enabled(*one);
  if (const auto* one = std::get_if<fleet::Remove>(&order)) return remove(*one);
  if (const auto* one = std::get_if<fleet::Reset>(&order))
    return reset(one->device, "ended by a reset of the device");
  if (const auto* one = std::get_if<fleet::SendControl>(&order)) return send(*one);
  pushes_wait_ = campaigns_run_ = true;
  campaigns_ms_ = 0;
  return 0;
}

FleetSteps::Answer FleetSteps::set_enabled(const fleet::SetEnabled& order) {
  Registry::Entry* device = steps_.registry.find(order.device);
  if (device == nullptr) return std::unexpected(OrderError::unknown_device);
  if (is_disabled(order.device) != order.enabled) return 0;
  write_dropped();
  const store::Switch state{order.enabled, steps_.now_ms, 0};
  if (!keep(rows_.save_switch(order.device, state), "the switch of a device"))
    return std::unexpected(OrderError::store);
  spdlog::info(fmt::format("device {}: {}", order.device, order.enabled ? "enabled" : "disabled"));
  if (order.enabled) {
    disabled_.erase(order.device);
  } else {
    disabled_.insert(order.device);
    steps_.registry.set_silent(*device);
    steps_.commands.set_link(order.device, device->row.dialect, Link::offline, steps_.now_ms);
    steps_.updates.set_link(order.device, Link::offline);
    steps_.wishes.set_link(order.device, Link::offline, steps_.now_ms);
    reset(order.device, "the device was disabled");
  }
  steps_.on_change({Change::Kind::device, order.device, 0});
  return 0;
}

std::expected<void, std::string> FleetSteps::remove_file(const std::string& path) {
  if (photo::is_object(path)) {
    const auto& objects = steps_.settings.folders.objects;
    if (!objects) return std::unexpected("[store] photos names no bucket");
    const auto gone = objects->remove(path);
    if (!gone) return std::unexpected(gone.error().message);
    return {};
  }
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error) return std::unexpected(error.message());
  return {};
}

FleetSteps::Answer FleetSteps::remove(const fleet::Remove& order) {
  if (steps_.registry.find(order.device) == nullptr)
    return std::unexpected(OrderError::unknown_device);
  if (const auto done = reset(order.device, "the device was deleted"); !done) return done;
  steps_.updates.end(order.device, "the device was deleted", steps_.now_ms);
  // What they became is written before the rows go.
  steps_.settle_updates();
  steps_.settle_commands();
  const auto files = rows_.remove_device(order.device, order.purge);
  if (!keep(files, "the deletion of a device")) return std::unexpected(OrderError::store);
  for (const std::string& path : *files) {
    if (const auto gone = remove_file(path); !gone)
      spdlog::warn(fmt::format("cannot delete {}: {}", path, gone.error()));
  }
  steps_.registry.forget(order.device);
  steps_.wishes.withdraw(order.device);
  disabled_.erase(order.device);
  dropped_.erase(order.device);
  lines_.erase(order.device);
  std::erase_if(samples_, [&](const auto& one) { return one.first.first == order.device; });
  if (order.purge) {
    const std::lock_guard lock(messages_mutex_);
    std::erase_if(messages_, [&](const auto& one) { return one.device == order.device; });
  }
  steps_.planned_devices = 0;  // planned anew
  steps_.load_schedules();
  spdlog::info(fmt::format("device {}: deleted, its history is {}", order.device,
                           order.purge ? "deleted too" : "kept"));
  return 0;
}

// Its open commands and controls end; its settings are sent again.
FleetSteps::Answer FleetSteps::reset(const std::string& device, const std::string& reason) {
  if (steps_.registry.find(device) == nullptr) return std::unexpected(OrderError::unknown_device);
  steps_.commands.end_all(device, reason, steps_.now_ms);
  if (const auto at = lines_.find(device); at != lines_.end()) {
    Line line = std::move(at->second);
    lines_.erase(at);
    if (line.sent) line.waiting.push_back(*std::move(line.sent));
    for (fleet::Control& control : line.waiting) end(control, fleet::ControlState::failed, reason);
  }
  steps_.wishes.send_again(device, steps_.now_ms);
  return 0;
}

}  // namespace meterlens::server
