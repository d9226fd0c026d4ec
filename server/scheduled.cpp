// The part of the pipeline's thread that orders what schedules ask for.
#include <spdlog/spdlog.h>

#include "server/remote.h"
#include "server/steps.h"

namespace meterlens::server {

using command::Command;
using metrics::Count;

void Pipeline::Steps::load_schedules() {
  auto schedules = store.schedules();
  if (!schedules) {
    spdlog::error("schedules cannot be loaded: {}", schedules.error().message);
    return;
  }
  // What another program has stored and cannot be obeyed is left out, not obeyed wrongly.
  std::erase_if(*schedules, [&](const schedule::Schedule& one) {
    const auto good = schedule::check(one, now_ms);
    if (!good) spdlog::error("schedule {} cannot be obeyed: {}", one.id, good.error());
    return !good;
  });
  resolve_groups(*schedules);
  // What was due up to the last tick has been ordered; it may not have been stored yet.
  for (const auto& [id, done_ms] : planner.take_done())
    for (schedule::Schedule& one : *schedules)
      if (one.id == id) one.done_ms = std::max(one.done_ms, done_ms);
  planner.set_schedules(std::move(*schedules));
}

// A schedule of a group means the devices that are in it now; one of an empty group, none.
void Pipeline::Steps::resolve_groups(std::vector<schedule::Schedule>& schedules) {
  std::erase_if(schedules, [&](schedule::Schedule& one) {
    if (one.group.empty()) return false;
    auto devices = store::Fleet(store).devices_of({.group = one.group});
    if (!devices) spdlog::error("schedule {}: {}", one.id, devices.error().message);
    one.devices = devices ? *std::move(devices) : std::vector<std::string>();
    return one.devices.empty();
  });
}

void Pipeline::Steps::order_scheduled() {
  if (!committer.good() || !leads || settings.role == Role::worker) return;
  if (queues != nullptr && !queues->connected()) return;  // what is due waits
  if (settings.role == Role::whole && registry.entries().size() != planned_devices) {
    std::vector<std::string> devices;
    for (const auto& [id, entry] : registry.entries()) devices.push_back(id);
    planned_devices = devices.size();
    planner.set_devices(devices);
  }
  for (const schedule::Due& due : planner.tick(now_ms, settings.scheduled_max)) {
    const auto done = order(due);
    if (!done) {
      // Nobody is there to be asked: all of it comes again, and who was asked says so.
      planner = {};
      planned_devices = 0;
      schedules_looked_ms = devices_looked_ms = 0;
      return;
    }
    metrics.add(*done ? Count::captures_scheduled : Count::captures_missed);
  }
  const auto done = planner.take_done();
  if (done.empty()) return;
  if (const auto saved = store.save_schedules_done(done); !saved)
    committer.fail(saved.error().message, now_ms);
}

// false: it could not be ordered, and a command says so. Nothing: nobody was there to be asked.
std::optional<bool> Pipeline::Steps::order(const schedule::Due& due) {
  if (remote != nullptr) return remote->order(due);
  const auto ordered = ordered_ms.find(due.device);
  if (ordered != ordered_ms.end() && ordered->second >= due.due_ms) return true;
  if (registry.find(due.device) == nullptr || fleet.is_disabled(due.device)) return false;
  if (!due.missed && capture(due.device)) return true;
  Command command;
  command.device = due.device;
  command.created_ms = command.updated_ms = now_ms;
  command.state = due.missed ? command::State::expired : command::State::failed;
  command.reason = due.missed ? "schedule: missed, the server was not there in time"
                              : "schedule: too many commands are waiting for this device";
  const auto id = store.add_command(command);
  if (!id) return false;
  on_change({Change::Kind::command, due.device, *id});
  return false;
}

}  // namespace meterlens::server
