#include "sim/goodput.h"

#include "protocol/require.h"
#include "sim/device.h"
#include "sim/folder.h"
#include "sim/server.h"

namespace meterlens::sim {
namespace {

constexpr std::size_t photo_bytes = 30'720;
// The deployed camera sends 1024 bytes every 1.39 s, of which the text is 0.14 s on the line.
constexpr std::uint16_t deployed_piece_bytes = 1024, deployed_pause_ms = 1'250;

struct Times {
  double command_to_stored_s = 0, shot_to_stored_s = 0;
};

Times one_photo(const GoodputCase& how, std::uint64_t seed) {
  Faults faults;
  faults.lose_chance = how.loss;
  Random random(seed);
  Events events;
  Folder folder;
  Broker broker(events, faults, random.branch());
  bool stored = false;
  Server server(events, broker, folder.path(),
                {[&](std::int64_t) { stored = true; }, [] {}, [](const std::string&) {}});
  DeviceSettings settings;
  settings.name = "m1";
  settings.latency_us = how.latency_us;
  if (how.smartdtu) settings.product = "meters";
  settings.text = {how.piece_bytes, how.pause_ms};
  Device device(events, broker, faults, settings, random.branch());
  device.sensor().photo_bytes_min = device.sensor().photo_bytes_max = photo_bytes;
  server.start();
  device.start();
  while (events.step(20'000'000)) {
  }
  const std::int64_t ordered_us = events.now_us();
  server.capture("m1");
  while (!stored && events.step(ordered_us + 600'000'000)) {
  }
  protocol::require(stored);
  const auto seconds = [&](std::int64_t since_us) {
    return static_cast<double>(events.now_us() - since_us) / 1e6;
  };
  return {seconds(ordered_us), seconds(device.sensor().shot_at_ms() * 1000)};
}

}  // namespace

Goodput measure_goodput(const GoodputCase& how, std::uint64_t seed) {
  Goodput out;
  out.way = how.way;
  out.photo_bytes = photo_bytes;
  for (int round = 0; round < how.rounds; ++round) {
    const Times times = one_photo(how, seed + static_cast<std::uint64_t>(round));
    out.command_to_stored_s += times.command_to_stored_s / how.rounds;
    out.shot_to_stored_s += times.shot_to_stored_s / how.rounds;
  }
  out.share = static_cast<double>(photo_bytes) / out.shot_to_stored_s / line_bytes_per_s;
  return out;
}

std::vector<Goodput> measure_goodputs(std::uint64_t seed) {
  std::vector<Goodput> out;
  for (const GoodputCase& how :
       {GoodputCase{.way = "native, broker near (1 ms)"},
        GoodputCase{.way = "native, broker near, 1 % of the messages lost", .loss = 0.01,
                    .rounds = 200},
        GoodputCase{.way = "native, mobile network (50 ms)", .latency_us = mobile_latency_us},
        GoodputCase{.way = "native, mobile network, 1 % lost", .latency_us = mobile_latency_us,
                    .loss = 0.01, .rounds = 200},
        GoodputCase{.way = "our camera behind a SmartDTU", .smartdtu = true,
                    .latency_us = mobile_latency_us},
        GoodputCase{.way = "the deployed way: 1024 bytes in Base64 every 1.39 s", .smartdtu = true,
                    .piece_bytes = deployed_piece_bytes, .pause_ms = deployed_pause_ms,
                    .latency_us = mobile_latency_us}})
    out.push_back(measure_goodput(how, seed));
  return out;
}

}  // namespace meterlens::sim
