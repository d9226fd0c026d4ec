// The subcommand `meterlens sim`: runs a world (or many, one a seed) and says how it went.
#pragma once

#include <cstdint>
#include <string>

namespace meterlens::sim {

struct SimulateOptions {
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;  // so many worlds, the seeds rising
  int devices = 3;
  int minutes = 60;
  std::string faults = "hostile";
  std::string site = {};  // all devices of this kind (world.h); empty: mixed
  bool goodput = false;  // instead: how fast one photo comes, ours beside the deployed way
  bool log = false;      // every fault, order and message to stderr
  bool json = false;     // one object
};

// Prints to stdout; 0, or 1 after a violation or for wrong options.
int simulate(const SimulateOptions& options);

}  // namespace meterlens::sim
