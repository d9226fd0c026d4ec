// Convolutions of 3 x 3 and stride 1 on pairs of 16-bit numbers (pairs.h), with 16 products of an
// input channel for each 2 x 2 results in the place of 36: Winograd's minimal filtering F(2 x 2,
// 3 x 3), as Lavin and Gray describe it (Fast algorithms for convolutional neural networks, 2016).
//
// In whole numbers nothing is lost by it, but that sums of four inputs, too, have 16 bits: the
// picture's largest input has 8,191 units.
#pragma once

#include "reader/pairs.h"

namespace meterlens::reader {

class WinogradConvolution final : public PairConvolution {
 public:
  // Whether it makes such a form, and faster.
  static bool suits(const Form& form);

 private:
  struct Patch;

  void walk(const Walk& walk, Room& room, float* to) const override;
  void pack(std::span<const float> weights) override;
  template <std::size_t halves>
  void sum_up(std::size_t tile, std::span<const Patch> patches, const Line* inputs,
              std::size_t pitch) const;
};

}  // namespace meterlens::reader
