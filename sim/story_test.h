// What the tests of whole worlds share: a world's words, and a short story of one device.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <string>

#include "sim/world.h"

namespace meterlens::sim {

inline constexpr std::int64_t minute_ms = 60'000;

class WorldTest : public testing::Test {
 protected:
  WorldTest() { spdlog::set_level(spdlog::level::off); }
};

inline std::string words_of(const Outcome& outcome) {
  return outcome.violation ? fmt::format("at {} ms, {}: {}", outcome.violation->at_ms,
                                         outcome.violation->where, outcome.violation->what)
                           : "";
}

// One device that has just come up. `ordered` photos wait in its flash, for its line is broken.
struct Story {
  explicit Story(int ordered, Site site = Site::awake)
      : world({.seed = 7, .devices = 1, .minutes = 60, .site = site}) {
    world.start();
    world.run_until(10'000);
    Device& device = world.device(0);
    device.sensor().photo_bytes_max = 3'000;
    device.mute_camera(ordered > 0);
    for (int i = 0; i < ordered; ++i) {
      world.server().capture("m1");
      world.run_until(world.events().now_ms() + minute_ms);
    }
    writes_before = device.flash().writes();
    server_writes_before = world.server().writes();
  }
  // One more photo, from the order to the store, and what waited with it.
  void one_more() {
    world.server().capture("m1");
    world.run_until(world.events().now_ms() + 3 * minute_ms);
    world.device(0).mute_camera(false);
    if (!world.run_to_arrival(arrival_ms_max)) world.judge().demand_arrival();
  }
  World world;
  int writes_before = 0;
  int server_writes_before = 0;
};

}  // namespace meterlens::sim
