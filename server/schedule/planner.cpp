#include "server/schedule/planner.h"

#include <algorithm>
#include <limits>

#include "protocol/checksum.h"
#include "protocol/require.h"

namespace meterlens::schedule {
namespace {

constexpr std::int64_t at_once = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t in_time_ms = 60'000;

std::int64_t delay_ms(const Schedule& schedule, const std::string& device) {
  if (schedule.spread_s == 0) return 0;
  const std::string text = std::to_string(schedule.id) + "/" + device;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  return protocol::crc32({bytes, text.size()}) % (std::int64_t{1000} * schedule.spread_s);
}

}  // namespace

void Planner::set_schedules(std::vector<Schedule> schedules) {
  plans_.clear();
  changed_.clear();
  for (Schedule& schedule : schedules) {
    auto cron = Cron::parse(schedule.cron);
    protocol::require(cron.has_value());
    Plan plan{std::move(schedule), *std::move(cron), {}, {}, {}, 0, false};
    arrange(plan);
    plans_.push_back(std::move(plan));
  }
  looks_ms_.assign(plans_.size(), at_once);
  is_new_ = true;
}

void Planner::set_devices(const std::vector<std::string>& devices) {
  if (devices == all_devices_) return;
  all_devices_ = devices;
  is_new_ = true;
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    if (!plans_[i].schedule.devices.empty()) continue;
    arrange(plans_[i]);
    looks_ms_[i] = at_once;
  }
}

// The devices in the order of their delays, and the place in the moment that is being ordered.
void Planner::arrange(Plan& plan) const {
  const auto& names = plan.schedule.devices.empty() ? all_devices_ : plan.schedule.devices;
  plan.devices.clear();
  for (const std::string& name : names)
    plan.devices.emplace_back(delay_ms(plan.schedule, name), name);
  std::ranges::sort(plan.devices);
  plan.moment_ms.reset();
}

void Planner::set_moment(Plan& plan, std::optional<std::int64_t> moment_ms) {
  plan.moment_ms = moment_ms;
  plan.after_ms.reset();
  if (moment_ms) plan.after_ms = plan.cron.next_ms(*moment_ms, plan.schedule.zone);
  plan.index = 0;
}

// The first moment with a device that is due after what has been done, and that device.
void Planner::begin(Plan& plan) {
  const std::int64_t done_ms = plan.schedule.done_ms;
  const std::int64_t spread_ms = std::int64_t{1000} * plan.schedule.spread_s;
  set_moment(plan, plan.cron.next_ms(done_ms - spread_ms, plan.schedule.zone));
  if (!plan.moment_ms) return;
  const auto later = std::ranges::upper_bound(plan.devices, done_ms - *plan.moment_ms, {},
                                              [](const auto& device) { return device.first; });
  plan.index = static_cast<std::size_t>(later - plan.devices.begin());
}

// To the newest moment that has come; the first one, while none has.
void Planner::go_on(Plan& plan, std::int64_t now_ms) {
  if (plan.schedule.done_ms > now_ms) {  // the clock was set back
    plan.schedule.done_ms = now_ms;
    plan.changed = true;
    plan.moment_ms.reset();
  }
  if (!plan.moment_ms) begin(plan);
  while (plan.after_ms && *plan.after_ms <= now_ms) {
    if (plan.index < plan.devices.size()) ++missed_moments_;
    set_moment(plan, plan.after_ms);
  }
}

void Planner::order(Plan& plan, std::int64_t now_ms, std::size_t count_max,
                    std::vector<Due>& out) const {
  Schedule& schedule = plan.schedule;
  const std::int64_t late_ms_max = std::max(in_time_ms, std::int64_t{1000} * schedule.catch_up_s);
  for (; plan.index < plan.devices.size() && out.size() < count_max; ++plan.index) {
    const auto& [delay, device] = plan.devices[plan.index];
    const std::int64_t due_ms = *plan.moment_ms + delay;
    if (due_ms > now_ms) return;
    out.push_back({schedule.id, device, due_ms, there_ms_ - due_ms > late_ms_max});
    // Others of the same millisecond may be lost in between: all of them come again, then.
    const bool others =
        plan.index + 1 < plan.devices.size() && plan.devices[plan.index + 1].first == delay;
    schedule.done_ms = others ? due_ms - 1 : due_ms;
    plan.changed = true;
  }
}

std::int64_t Planner::due_ms(const Plan& plan) {
  if (!plan.moment_ms || plan.index >= plan.devices.size()) return never;
  return *plan.moment_ms + plan.devices[plan.index].first;
}

std::vector<Due> Planner::tick(std::int64_t now_ms, std::size_t count_max) {
  std::vector<Due> out;
  // A clock that was set back concerns all.
  if (now_ms < ticked_ms_) std::ranges::fill(looks_ms_, at_once);
  if (is_new_ || now_ms < ticked_ms_ || now_ms - ticked_ms_ > in_time_ms) there_ms_ = now_ms;
  is_new_ = false;
  ticked_ms_ = now_ms;
  for (std::size_t i = 0; i < plans_.size() && out.size() < count_max; ++i) {
    if (looks_ms_[i] > now_ms) continue;
    Plan& plan = plans_[i];
    if (!plan.schedule.enabled) {
      looks_ms_[i] = never;
      continue;
    }
    const bool was_changed = plan.changed;
    go_on(plan, now_ms);
    if (plan.moment_ms) order(plan, now_ms, count_max, out);
    if (plan.changed && !was_changed) changed_.push_back(i);
    looks_ms_[i] = std::min(due_ms(plan), plan.after_ms.value_or(never));
  }
  return out;
}

bool Planner::is_ordering(std::int64_t now_ms) const {
  for (std::size_t i = 0; i < plans_.size(); ++i)
    if (looks_ms_[i] <= now_ms && plans_[i].schedule.enabled && due_ms(plans_[i]) <= now_ms)
      return true;
  return false;
}

std::vector<std::pair<std::int64_t, std::int64_t>> Planner::take_done() {
  std::vector<std::pair<std::int64_t, std::int64_t>> done;
  std::ranges::sort(changed_);
  for (const std::size_t i : std::exchange(changed_, {})) {
    done.emplace_back(plans_[i].schedule.id, plans_[i].schedule.done_ms);
    plans_[i].changed = false;
  }
  return done;
}

std::optional<std::int64_t> Planner::next_ms(std::int64_t schedule) const {
  for (const Plan& plan : plans_) {
    if (plan.schedule.id != schedule || !plan.schedule.enabled) continue;
    return plan.cron.next_ms(plan.schedule.done_ms, plan.schedule.zone);
  }
  return std::nullopt;
}

}  // namespace meterlens::schedule
