// The part of the pipeline's thread that orders what schedules ask for.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "server/remote.h"
#include "server/steps.h"
#include "server/store/slots.h"

namespace meterlens::server {

using command::Command;
using metrics::Count;

namespace {

constexpr std::int64_t new_device_ms = 5'000;
constexpr std::int64_t cameras_ms = 60'000;  // how old what is known of them may be

}  // namespace

void Pipeline::Steps::load_schedules() {
  auto schedules = store.schedules();
  if (!schedules) {
    spdlog::error(fmt::format("schedules cannot be loaded: {}", schedules.error().message));
    return;
  }
  // What another program has stored and cannot be obeyed is left out, not obeyed wrongly.
  std::erase_if(*schedules, [&](const schedule::Schedule& one) {
    const auto good = schedule::check(one, now_ms);
    if (!good) spdlog::error(fmt::format("schedule {} cannot be obeyed: {}", one.id, good.error()));
    return !good;
  });
  resolve(*schedules);
  // What was due up to the last tick has been ordered; it may not have been stored yet.
  for (const auto& [id, done_ms] : planner.take_done())
    for (schedule::Schedule& one : *schedules)
      if (one.id == id) one.done_ms = std::max(one.done_ms, done_ms);
  planner.set_schedules(std::move(*schedules));
}

// A schedule of a group means the devices that are in it now, one of meters the cameras that look
// at them now; one of an empty group, none.
void Pipeline::Steps::resolve(std::vector<schedule::Schedule>& schedules) {
  plans_meters = false;
  std::erase_if(schedules, [&](schedule::Schedule& one) {
    const bool is_of_meters = !one.meters.empty() || !one.meter_group.empty();
    if (one.group.empty() && !is_of_meters) return false;
    if (is_of_meters && !std::exchange(plans_meters, true)) forget_cameras();
    auto devices = is_of_meters ? cameras_of(one)
                                : store::Fleet(store).devices_of({.group = one.group});
    if (!devices) spdlog::error(fmt::format("schedule {}: {}", one.id, devices.error().message));
    one.devices = devices ? *std::move(devices) : std::vector<std::string>();
    return one.devices.empty();
  });
  if (!plans_meters) cameras_change_ms = INT64_MAX;
}

store::Result<std::vector<std::string>> Pipeline::Steps::cameras_of(
    const schedule::Schedule& one) {
  Cameras& known = cameras_known[one.id];
  if (known.version == one.version) return known.devices;
  auto devices = store::SlotBook(store).cameras(one, now_ms);
  if (devices) known = {one.version, *devices};
  return devices;
}

// Unless what is known of them is young, and nobody here has changed it.
void Pipeline::Steps::forget_cameras() {
  if (settings.role == Role::server && now_ms < cameras_until_ms) return;
  cameras_known.clear();
  const auto next = store::SlotBook(store).next_change(now_ms);
  // Not known: looked at again soon.
  cameras_change_ms = !next ? now_ms + cameras_ms : *next == 0 ? INT64_MAX : *next;
  cameras_until_ms = std::min(now_ms + cameras_ms, cameras_change_ms);
}

void Pipeline::Steps::order_scheduled() {
  if (!committer.good() || !leads || settings.role == Role::worker) return;
  if (queues != nullptr && !queues->connected()) return;  // what is due waits
  if (now_ms >= cameras_change_ms) load_schedules();
  if (settings.role == Role::whole && registry.entries().size() != planned_devices &&
      !planner.is_ordering(now_ms)) {
    std::vector<std::string> devices;
    for (const auto& [id, entry] : registry.entries()) devices.push_back(id);
    planned_devices = devices.size();
    planner.set_devices(devices);
    // A new one may look at a meter; once its row is stored.
    if (plans_meters) cameras_change_ms = std::min(cameras_change_ms, now_ms + new_device_ms);
  }
  const auto due = planner.tick(now_ms, settings.scheduled_max);
  const auto ordered = remote != nullptr ? remote->order(due) : order_together(due);
  if (!ordered) {
    // All of it comes again, and who was asked says so.
    planner = {};
    planned_devices = 0;
    schedules_looked_ms = devices_looked_ms = 0;
    cameras_change_ms = 0;
    return;
  }
  const auto scheduled = static_cast<std::uint64_t>(std::ranges::count(*ordered, true));
  metrics.add(Count::captures_scheduled, scheduled);
  metrics.add(Count::captures_missed, ordered->size() - scheduled);
  const auto done = planner.take_done();
  if (done.empty()) return;
  if (const auto saved = store.save_schedules_done(done); !saved)
    committer.fail(saved.error().message, now_ms);
}

// One transaction for all; of each whether it was ordered. Nothing: the transaction failed.
std::optional<std::vector<bool>> Pipeline::Steps::order_together(
    std::span<const schedule::Due> due) {
  std::vector<Command> made;
  std::vector<bool> out;
  std::map<std::string, std::size_t> new_ones;  // by device
  for (const schedule::Due& one : due) {
    const auto ordered = ordered_ms.find(one.device);
    if (ordered != ordered_ms.end() && ordered->second >= one.due_ms) {
      out.push_back(true);
      continue;
    }
    const bool can = registry.find(one.device) != nullptr && !fleet.is_disabled(one.device);
    const bool will = can && !one.missed && !commands.is_full(one.device, new_ones[one.device]);
    out.push_back(will);
    if (!can) continue;
    made.push_back(will ? command_of(one.device) : failed_command(one));
    if (will) ++new_ones[one.device];
  }
  if (!made.empty()) {
    const auto ids = store::SlotBook(store).add_commands(made);
    if (!ids) {
      committer.fail(ids.error().message, now_ms);
      return std::nullopt;
    }
    for (std::size_t i = 0; i < made.size(); ++i) {
      made[i].id = (*ids)[i];
      take_in(made[i]);
    }
  }
  return out;
}

// Of a moment that cannot be ordered.
Command Pipeline::Steps::failed_command(const schedule::Due& due) const {
  Command command = command_of(due.device);
  command.state = due.missed ? command::State::expired : command::State::failed;
  command.reason = due.missed ? "schedule: missed, the server was not there in time"
                              : "schedule: too many commands are waiting for this device";
  return command;
}

// false: it could not be ordered, and a command says so.
bool Pipeline::Steps::order(const schedule::Due& due) {
  const auto ordered = ordered_ms.find(due.device);
  if (ordered != ordered_ms.end() && ordered->second >= due.due_ms) return true;
  if (registry.find(due.device) == nullptr || fleet.is_disabled(due.device)) return false;
  if (!due.missed && capture(due.device)) return true;
  const Command command = failed_command(due);
  const auto id = store.add_command(command);
  if (!id) return false;
  on_change({Change::Kind::command, due.device, *id});
  return false;
}

}  // namespace meterlens::server
