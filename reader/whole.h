// Convolutions whose weights are whole numbers of a byte, with a factor a channel: of such, nothing
// is lost where a processor multiplies narrow numbers, which it does faster than f32.
//
// Owns: the weights. Promises: differs from exact sums by some 1e-5 of what the largest input could
// add. Threads: any, each with a Room of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace meterlens::reader {

class WholeConvolution {
 public:
  // What multiplies: matrix tiles (tiles.h) or pairs of 16 bits (pairs.h).
  enum class Way { tiles, pairs };

  struct Form {
    std::size_t inputs = 0, outputs = 0;  // channels
    std::size_t kernel_y = 1, kernel_x = 1, stride_y = 1, stride_x = 1;
    std::size_t top = 0, right = 0, bottom = 0, left = 0;  // zeros around each picture
    bool relu = false;
  };

  static constexpr std::size_t side = 16, depth = 32;  // outputs and products that lie together
  struct alignas(64) Line {
    std::array<std::uint16_t, depth> numbers{};
  };
  // Room that serves one convolution after the other and grows to the largest.
  struct Room {
    std::vector<Line> numbers, rests;  // of inputs; tiles have rests, too
    std::vector<float> units;          // what 1 of the numbers is, of each picture; pairs have them
    std::vector<Line> weights;         // of as many outputs as tiles make at once
    std::vector<Line> sums;            // of inputs, which Winograd's filtering multiplies
  };

  static bool is_possible(Way way);
  // Nothing where f32 is no slower.
  static std::optional<Way> fastest();
  // Only where the way is possible. weights: [output][y][x][input]; a sum of them is multiplied by
  // the channel's `scale` and added to its `bias`. Null where weights are no whole numbers of at
  // most 8 bits, or so many that 32 bits may not hold their sum.
  static std::unique_ptr<WholeConvolution> make(Way way, const Form& form,
                                                std::span<const float> weights,
                                                std::span<const float> scale,
                                                std::span<const float> bias);
  virtual ~WholeConvolution() = default;

  // Of `count` pictures, each height x width x inputs, to height x width x outputs as the form
  // makes them; the kernel fits into a padded picture.
  void run(const float* from, std::size_t count, std::size_t height, std::size_t width, float* to,
           Room& room) const;

 protected:
  // What is multiplied with the weights: lines of numbers that lie behind each other.
  struct Walk {
    std::size_t pictures = 0, rows = 0, columns = 0;  // of results
    // Of inputs, from one result's to the next one's.
    std::size_t picture_step = 0, row_step = 0, column_step = 0;
    std::size_t pitch = 0;    // from one line of the kernel to the next
    bool is_covered = false;  // by the kernel: pictures are columns of one
  };
  // Makes the room's numbers, from `at` on, of picture `index` with the zeros around it.
  virtual void take(const float* from, std::size_t height, std::size_t width, std::size_t index,
                    std::size_t at, Room& room) const = 0;
  virtual void walk(const Walk& walk, Room& room, float* to) const = 0;
  // Keeps make()'s weights, whole numbers, as they are used.
  virtual void pack(std::span<const float> weights) = 0;

  // How many of `to` hold `count`.
  static std::size_t up(std::size_t count, std::size_t to) { return (count + to - 1) / to; }
  // Of a padded picture: `zeros` of how many lie between lines, `line` of a line.
  template <typename Zeros, typename TakeLine>
  void lay_out(std::size_t height, std::size_t width, Zeros zeros, TakeLine line) const {
    const std::size_t left = form_.left * form_.inputs, right = form_.right * form_.inputs;
    const std::size_t pitch = left + width * form_.inputs + right;
    zeros(form_.top * pitch + left);
    for (std::size_t y = 0; y < height; ++y) {
      line(y);
      zeros(y + 1 < height ? right + left : right + form_.bottom * pitch);
    }
  }

  Form form_;
  std::vector<float> scale_, bias_;  // of whole `side`s
};

}  // namespace meterlens::reader
