// Convolutions on the matrix tiles of a processor that has them (AMX: Intel's servers since 2023).
//
// Tiles multiply bfloat16, 8 bits of a number. Weights are whole numbers that fit in these and a
// factor a channel, so nothing of them is lost; an input is taken as the sum of two, 16 bits: the
// result differs from f32's by some 1e-5 of its size. Nothing is compiled at run time, and weights
// take a byte each until they are used.
//
// Owns: the weights. Threads: any, each with a Room of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace meterlens::reader {

class TileConvolution {
 public:
  struct Form {
    std::size_t inputs = 0, outputs = 0;  // channels
    std::size_t kernel_y = 1, kernel_x = 1, stride_y = 1, stride_x = 1;
    std::size_t top = 0, right = 0, bottom = 0, left = 0;  // zeros around each picture
    bool relu = false;
  };

  // Whether the processor has tiles and the kernel lets this process use them.
  static bool is_possible();
  // weights: [output][y][x][input]; a sum of them is multiplied by the channel's `scale` and added
  // to its `bias`. Nothing where the weights are no whole numbers of at most 8 bits.
  static std::optional<TileConvolution> make(const Form& form, std::span<const float> weights,
                                             std::span<const float> scale,
                                             std::span<const float> bias);

  static constexpr std::size_t side = 16, depth = 32;  // sums of a tile each way, products of a sum
  struct alignas(64) Line {
    std::array<std::uint16_t, depth> numbers{};
  };
  // Room that serves one convolution after the other and grows to the largest.
  struct Room {
    std::vector<Line> high, low;  // inputs as pairs
    std::vector<Line> weights;    // of two tiles of outputs
  };

  // Of `count` pictures, each height x width x inputs, to height x width x outputs as the form
  // makes them; the kernel fits into a padded picture. Only where is_possible().
  void run(const float* from, std::size_t count, std::size_t height, std::size_t width, float* to,
           Room& room) const;

 private:
  // What is multiplied with the weights: lines of numbers that lie behind each other.
  struct Walk {
    std::size_t pictures = 0, rows = 0, columns = 0;  // of results
    // Of inputs, from one result's to the next one's.
    std::size_t picture_step = 0, row_step = 0, column_step = 0;
    std::size_t pitch = 0;  // from one line of the kernel to the next
  };

  struct Weights {
    std::array<std::int8_t, side * depth> numbers{};
  };
  using Sums = std::array<float, side * side>;
  // Of a tile of sums: its first output channel, and for how many results it stands.
  struct Outputs {
    std::size_t first = 0, count = 0;
  };
  struct Sources;

  TileConvolution() = default;
  void split(const float* from, std::size_t height, std::size_t width, std::uint16_t* high,
             std::uint16_t* low) const;
  void walk(const Walk& walk, Room& room, float* to) const;
  static void widen(std::span<const Weights> weights, Line* to);
  template <std::size_t count>
  static void sum_up(const Sources& from, Sums* sums);
  void finish(const Sums& sums, const Outputs& outputs, float* to) const;

  Form form_;
  std::size_t chunks_ = 0;  // tiles that one line of the kernel fills
  std::vector<Weights> weights_;
  std::vector<float> scale_, bias_;  // of whole tiles
};

}  // namespace meterlens::reader
