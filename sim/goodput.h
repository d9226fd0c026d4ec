// How fast one photo comes from the camera into the store over a 115200 line, in the simulated
// world: our native way, and beside it the deployed SmartDTU way, a sender that waits between
// pieces of Base64 in JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterlens::sim {

inline constexpr double line_bytes_per_s = 11'520;

struct Goodput {
  std::string way;
  std::uint64_t photo_bytes = 0;
  double command_to_stored_s = 0;  // the shot included
  double shot_to_stored_s = 0;
  double share = 0;  // photo bytes a second after the shot, of what the line carries
};

// One way over; `loss`: chance of each message to be lost. Averages over `rounds` seeds.
struct GoodputCase {
  std::string way;
  bool smartdtu = false;
  std::uint16_t piece_bytes = 640;  // smartdtu
  std::uint16_t pause_ms = 300;     // smartdtu
  std::int64_t latency_us = 1000;   // one way, to the broker
  double loss = 0;
  int rounds = 1;
};

Goodput measure_goodput(const GoodputCase& how, std::uint64_t seed);
// The cases that the documents show.
std::vector<Goodput> measure_goodputs(std::uint64_t seed);

}  // namespace meterlens::sim
