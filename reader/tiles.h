// Convolutions on the matrix tiles of a processor that has them (AMX: Intel's servers since 2023).
//
// Tiles multiply bfloat16, 8 bits of a number. Whole weights fit in these; an input is taken as the
// sum of two, 16 bits. Nothing is compiled at run time.
#pragma once

#include "reader/whole.h"

namespace meterlens::reader {

class TileConvolution final : public WholeConvolution {
 public:
  // Whether the processor has tiles and the kernel lets this process use them.
  static bool is_possible();

 private:
  struct Weights {
    std::array<std::int8_t, side * depth> numbers{};
  };
  using Sums = std::array<float, side * side>;
  // Of a tile of sums: its first output channel, and for how many results it stands.
  struct Outputs {
    std::size_t first = 0, count = 0;
  };
  struct Sources;

  void take(const float* from, std::size_t height, std::size_t width, std::size_t index,
            std::size_t at, Room& room) const override;
  void walk(const Walk& walk, Room& room, float* to) const override;
  void pack(std::span<const float> weights) override;
  static void split(const float* from, std::size_t count, std::uint16_t* high, std::uint16_t* low);
  static void widen(std::span<const Weights> weights, Line* to);
  template <std::size_t count>
  static void sum_up(const Sources& from, Sums* sums);
  void finish(const Sums& sums, const Outputs& outputs, float* to) const;

  std::size_t chunks_ = 0;  // of `depth` products that one line of the kernel has
  // Of two and two times `side` outputs beside each other, as they are used together; in each pairs
  // of products with all outputs.
  std::vector<Weights> weights_;
};

}  // namespace meterlens::reader
