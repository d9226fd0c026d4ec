#include "sim/simulate.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "sim/goodput.h"
#include "sim/world.h"

namespace meterlens::sim {
namespace {

// Of this process: what other programs do to the machine does not count.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct Sum {
  std::uint64_t worlds = 0, kept = 0, stored = 0, lost = 0, unanswered = 0, commands_failed = 0;
  std::uint64_t sleeps = 0;
  std::uint64_t messages = 0, events = 0, trace = 0;
  std::int64_t arrival_ms_max = 0;
  double seconds = 0;

  void add(const Outcome& one) {
    ++worlds;
    kept += one.kept;
    stored += one.stored;
    lost += one.lost;
    unanswered += one.unanswered;
    commands_failed += one.commands_failed;
    sleeps += one.sleeps;
    messages += one.messages;
    events += one.events;
    trace = trace * 31 + one.trace;
    arrival_ms_max = std::max(arrival_ms_max, one.arrival_ms);
  }
};

std::string time_text(std::int64_t at_ms) {
  const std::int64_t s = at_ms / 1000;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", s / 3600, s / 60 % 60, s % 60, at_ms % 1000);
}

std::string replay_command(const SimulateOptions& options, std::uint64_t seed) {
  return fmt::format("meterlens sim --seed {} --devices {} --minutes {} --faults {}{}{}", seed,
                     options.devices, options.minutes, options.faults,
                     options.site.empty() ? "" : " --site ", options.site);
}

double days_per_minute(const SimulateOptions& options, const Sum& sum) {
  const double days = static_cast<double>(sum.worlds) * options.devices * options.minutes / 1440.0;
  return sum.seconds > 0 ? days / sum.seconds * 60 : 0;
}

void print_text(const SimulateOptions& options, const Sum& sum,
                const std::optional<Violation>& violation, std::uint64_t seed) {
  fmt::print("{} worlds of {} devices and {} minutes, faults {}: {} photos kept, {} stored, {} "
             "lost and counted, {} unanswered by SmartDTUs, {} commands failed, cameras slept {} "
             "times\n",
             sum.worlds, options.devices, options.minutes, options.faults, sum.kept, sum.stored,
             sum.lost, sum.unanswered, sum.commands_failed, sum.sleeps);
  fmt::print("last arrival {:.1f} s after the faults; {} messages, {} events, {:.2f} s of a core, "
             "{:.0f} device-days a minute, trace {:016x}\n",
             static_cast<double>(sum.arrival_ms_max) / 1000, sum.messages, sum.events, sum.seconds,
             days_per_minute(options, sum), sum.trace);
  if (!violation) return;
  fmt::print("VIOLATION at {}, {}: {}\nreplay: {}\n", time_text(violation->at_ms),
             violation->where, violation->what, replay_command(options, seed));
}

void print_json(const SimulateOptions& options, const Sum& sum,
                const std::optional<Violation>& violation, std::uint64_t seed) {
  nlohmann::ordered_json out{{"seed", options.seed},
                             {"worlds", sum.worlds},
                             {"devices", options.devices},
                             {"minutes", options.minutes},
                             {"faults", options.faults},
                             {"photos_kept", sum.kept},
                             {"photos_stored", sum.stored},
                             {"photos_lost", sum.lost},
                             {"photos_unanswered", sum.unanswered},
                             {"commands_failed", sum.commands_failed},
                             {"sleeps", sum.sleeps},
                             {"arrival_ms_max", sum.arrival_ms_max},
                             {"messages", sum.messages},
                             {"events", sum.events},
                             {"core_seconds", sum.seconds},
                             {"device_days_per_minute", days_per_minute(options, sum)},
                             {"trace", fmt::format("{:016x}", sum.trace)},
                             {"violation", nullptr}};
  if (violation)
    out["violation"] = {{"at_ms", violation->at_ms},
                        {"where", violation->where},
                        {"what", violation->what},
                        {"replay", replay_command(options, seed)}};
  fmt::print("{}\n", out.dump());
}

int print_goodputs(const SimulateOptions& options) {
  auto out = nlohmann::ordered_json::array();
  for (const Goodput& one : measure_goodputs(options.seed)) {
    if (!options.json)
      fmt::print("{:52} {:6.2f} s from command to stored, {:6.2f} s after the shot: {:6.0f} "
                 "bytes/s, {:.1f} % of the line\n",
                 one.way, one.command_to_stored_s, one.shot_to_stored_s,
                 one.share * line_bytes_per_s, 100 * one.share);
    out.push_back({{"way", one.way},
                   {"photo_bytes", one.photo_bytes},
                   {"command_to_stored_s", one.command_to_stored_s},
                   {"shot_to_stored_s", one.shot_to_stored_s},
                   {"share_of_line", one.share}});
  }
  if (options.json) fmt::print("{}\n", nlohmann::ordered_json{{"goodput", out}}.dump());
  return 0;
}

}  // namespace

int simulate(const SimulateOptions& options) {
  const auto faults = faults_named(options.faults);
  const auto site = site_named(options.site);
  if (!faults || (!site && !options.site.empty()) || options.devices < 1 || options.minutes < 1) {
    fmt::print(stderr, "meterlens sim: --faults is none, lossy or hostile; --site is awake, light, "
                       "deep, behind-smartdtu or deployed; at least one device and one minute\n");
    return 1;
  }
  // What the server says of faults is expected here.
  spdlog::set_level(spdlog::level::off);
  if (options.goodput) return print_goodputs(options);
  const double began_s = cpu_seconds();
  Sum sum;
  std::optional<Violation> violation;
  std::uint64_t seed = options.seed;
  for (; seed < options.seed + options.seeds; ++seed) {
    Plan plan{.seed = seed, .devices = options.devices, .minutes = options.minutes};
    plan.faults = *faults;
    plan.site = site;
    if (options.log)
      plan.log = [](std::int64_t at_ms, const std::string& what) {
        fmt::print(stderr, "{} {}\n", time_text(at_ms), what);
      };
    const Outcome one = World(plan).run();
    sum.add(one);
    violation = one.violation;
    if (violation) break;
  }
  sum.seconds = cpu_seconds() - began_s;
  (options.json ? print_json : print_text)(options, sum, violation, seed);
  return violation ? 1 : 0;
}

}  // namespace meterlens::sim
