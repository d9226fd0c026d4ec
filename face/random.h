// The one source of chance, here and in sim/: splitmix64, the same on every machine. Compilers
// differ in which argument of a call, or side of a +, they work out first: only one may draw.
#pragma once

#include <cstdint>

namespace meterlens::face {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }  // [0, 1)
  double in(double low, double high) { return low + (high - low) * unit(); }
  int below(int count) { return static_cast<int>(next() % static_cast<std::uint64_t>(count)); }
  bool chance(double probability) { return unit() < probability; }
  // About normal: mean 0, deviation 1, never beyond +-3.5.
  double bell() {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += unit();
    return (sum - 2.0) * 1.7320508;
  }

 private:
  std::uint64_t state_;
};

}  // namespace meterlens::face
