#include "server/notify/slots.h"

#include <algorithm>

#include "server/clock.h"
#include "server/schedule/cron.h"

namespace meterlens::notify {
namespace {

using server::day_ms;

constexpr std::size_t slots_page_count = 1000;
constexpr std::int64_t year_ms = 366 * day_ms;

}  // namespace

std::optional<std::pair<store::Moment, std::int64_t>> next_moment(
    const schedule::Schedule& schedule, std::int64_t now_ms) {
  const auto cron = schedule::Cron::parse(schedule.cron);
  if (!schedule.enabled || !cron || !schedule::is_zone(schedule.zone)) return {};
  // One from before this was kept has none: what it has ordered is behind it.
  const std::int64_t judged_ms = schedule.judged_ms == 0 ? schedule.done_ms : schedule.judged_ms;
  const auto due_ms =
      cron->next_ms(std::max(judged_ms, now_ms - slot_days_max * day_ms), schedule.zone);
  if (!due_ms) return {};
  const std::int64_t after_ms =
      cron->next_ms(*due_ms, schedule.zone).value_or(*due_ms + year_ms);
  const std::int64_t early_ms = std::min(early_ms_max, (after_ms - *due_ms) / 10);
  const store::Moment moment{schedule.id, *due_ms, *due_ms - early_ms, after_ms - early_ms};
  const std::int64_t patience_s =
      std::int64_t{schedule.spread_s} + schedule.catch_up_s + schedule.grace_s;
  return std::pair(moment, *due_ms + 1000 * patience_s);
}

// The first schedule that has a moment to judge.
store::Result<void> Slots::open(std::int64_t now_ms) {
  auto schedules = store_.schedules();
  if (!schedules) return std::unexpected(schedules.error());
  std::map<std::int64_t, Plan> plans;
  for (schedule::Schedule& one : *schedules) {
    const auto known = plans_.find(one.id);
    Plan plan;
    if (known != plans_.end() && known->second.version == one.version &&
        known->second.judged_ms == one.judged_ms) {
      plan = known->second;
    } else {
      plan = {one.version, one.judged_ms, {}, 0};
      if (const auto next = next_moment(one, now_ms)) {
        plan.moment = next->first;
        plan.judge_ms = next->second;
      }
    }
    plans[one.id] = plan;
    if (open_ || !plan.moment || plan.judge_ms > now_ms) continue;
    auto subjects = book_.subjects(one, plan.moment->due_ms);
    if (!subjects) return std::unexpected(subjects.error());
    open_ = Open{std::move(one), *plan.moment, *std::move(subjects), 0, 0};
  }
  plans_ = std::move(plans);
  return {};
}

store::Result<std::optional<std::vector<std::string>>> Slots::next(std::int64_t now_ms) {
  if (!open_) {
    if (const auto opened = open(now_ms); !opened) return std::unexpected(opened.error());
    if (!open_) return std::nullopt;
  }
  const auto& all = open_->subjects;
  // A meter's devices stay together.
  open_->end = std::min(open_->index + slots_page_count, all.size());
  while (open_->end < all.size() && all[open_->end].meter == all[open_->end - 1].meter)
    ++open_->end;
  int added = 0;
  auto meters = book_.note(
      open_->moment, std::span(all).subspan(open_->index, open_->end - open_->index), now_ms,
      added);
  if (!meters) return std::unexpected(meters.error());
  metrics_.add(metrics::Count::slots_missing, static_cast<std::uint64_t>(added));
  return *std::move(meters);
}

store::Result<void> Slots::done() {
  if (!open_) return {};
  open_->index = open_->end;
  if (open_->index < open_->subjects.size()) return {};
  const Open whole = *std::exchange(open_, std::nullopt);
  return book_.judged(whole.schedule, whole.moment.due_ms);
}

}  // namespace meterlens::notify
