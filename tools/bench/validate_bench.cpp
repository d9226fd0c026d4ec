// The time of one judgement, against a full past: 256 readings before, of which some are open.
// Build release with -DMETERLENS_BENCH=ON, run build/release/meterlens-bench-validate.
#include <benchmark/benchmark.h>

#include "server/validate/life.h"

namespace {

using namespace meterlens::validate;

void judge_one(benchmark::State& state) {
  const auto& kind = test::kinds[static_cast<std::size_t>(state.range(0))];
  test::Life life(kind, 7);
  for (int slot = 0; slot < 600; ++slot) life.step();
  const Past past = life.past(life.now_ms());
  Claim claim;
  claim.meter = claim.device = "m";
  claim.at_ms = life.now_ms() + hour_ms;
  claim.status = "read";
  claim.digits = life.book().back().reading.digits;
  claim.certain = kind.wheels;
  claim.red = kind.red;
  for (auto _ : state) benchmark::DoNotOptimize(judge(claim, past));
  state.SetLabel(kind.name);
  state.counters["points"] = static_cast<double>(past.points.size());
}
BENCHMARK(judge_one)->DenseRange(0, static_cast<int>(std::size(test::kinds)) - 1)
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
