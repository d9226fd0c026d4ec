// A night of 100,000 meters: planned from the stored schedules, and ordered tick by tick.
#include <benchmark/benchmark.h>

#include "server/schedule/planner.h"

using namespace meterlens::schedule;

namespace {

constexpr std::int64_t start = 1'700'006'400'000, day = 86'400'000;
constexpr int meters = 100'000;

std::vector<std::string> names(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("device-" + std::to_string(i));
  return out;
}

Schedule nightly(std::int64_t id) {
  Schedule schedule;
  schedule.id = id;
  schedule.cron = "0 2 * * *";
  schedule.zone = "Europe/Berlin";
  schedule.spread_s = 3600;
  schedule.done_ms = start;
  return schedule;
}

void night_of(benchmark::State& state, const std::vector<Schedule>& schedules,
              const std::vector<std::string>& devices) {
  std::size_t due = 0;
  for (auto _ : state) {
    Planner planner;
    planner.set_devices(devices);
    planner.set_schedules(schedules);
    due = 0;
    for (std::int64_t now = start; now <= start + day; now += 60'000)
      due += planner.tick(now, SIZE_MAX).size();
  }
  state.counters["due"] = static_cast<double>(due);
}

void one_schedule_for_all(benchmark::State& state) {
  night_of(state, {nightly(1)}, names(meters));
}
BENCHMARK(one_schedule_for_all)->Unit(benchmark::kMillisecond);

void a_schedule_for_each(benchmark::State& state) {
  const std::vector<std::string> devices = names(meters);
  std::vector<Schedule> schedules;
  for (int i = 0; i < meters; ++i) {
    schedules.push_back(nightly(i + 1));
    schedules.back().devices = {devices[static_cast<std::size_t>(i)]};
  }
  night_of(state, schedules, devices);
}
BENCHMARK(a_schedule_for_each)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
