// Convolutions on pairs of 16-bit numbers, of which a processor with AVX2 multiplies and adds
// sixteen at once, twice as many as of f32.
//
// An input is taken as a 16-bit number of units, of which the picture's largest has as many as 32
// bits hold of sums: 32,767 but for very many or large weights.
#pragma once

#include "reader/whole.h"

namespace meterlens::reader {

class PairConvolution : public WholeConvolution {
 public:
  static bool is_possible();
  // Than f32, which a processor with AVX-512 multiplies sixteen of at once.
  static bool is_faster();

 protected:
  // Keeps `count` lines of `line` weights an output.
  void lay(std::span<const float> weights, std::size_t count, std::size_t line);
  // Of an input, so that 32 bits hold the sum of all.
  std::uint32_t most_units_of(std::span<const float> weights) const;

  std::size_t pairs_ = 0;         // of products, of one line
  std::uint32_t most_units_ = 0;  // of an input
  // Of each `side` of outputs: a pair of weights of all of them a line.
  std::vector<Line> lines_;

 private:
  struct Inputs;
  class Steps;

  void take(const float* from, std::size_t height, std::size_t width, std::size_t index,
            std::size_t at, Room& room) const override;
  void walk(const Walk& walk, Room& room, float* to) const override;
  void pack(std::span<const float> weights) override;
  template <std::size_t halves>
  void sum_up(std::size_t tile, const Walk& walk, const Room& room, float* to) const;
};

}  // namespace meterlens::reader
