// How bright a photo is, from its JPEG data alone: walks the Huffman codes of a baseline JPEG in
// small steps and keeps nothing but the DC coefficients' sums of the luminance (the mean of each
// block of 8 x 8 pixels is its DC coefficient).
//
// Understood: 8 bits, Huffman, sequential; one component, or three in one scan; sampling 1 to 4
// with at most 10 blocks a unit; two tables of each kind; restart markers; at most 4096 x 4096
// pixels. All else, and damage of any kind, is `unknown`: the bytes come from a sensor and a bus,
// and may be anything. No heap, one thread; about 800 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "protocol/checksum.h"
#include "protocol/message.h"

namespace meterlens::protocol {

struct Luminance {
  std::uint8_t mean = 0;            // 0 black to 255 white
  std::uint8_t dark_percent = 0;    // of it in blocks below 16
  std::uint8_t bright_percent = 0;  // and above 239
};

// By the camera's settings of these names.
Light judge(const Luminance& luminance, std::int32_t dark_level,
                      std::int32_t bright_level);

class LuminanceWalk {
 public:
  enum class State : std::uint8_t { walking, done, unknown };

  // `jpeg` must stay until the walk has ended.
  void begin(Bytes jpeg);
  // Goes on for so many units (of up to 10 blocks).
  State step(std::uint32_t unit_count);
  // Once done.
  Luminance result() const;

 private:
  struct Table {
    std::array<std::uint8_t, 17> counts{};  // of codes of so many bits
    std::array<std::uint8_t, 256> symbols{};
    bool known = false;
  };
  struct DcTable {
    std::array<std::uint8_t, 17> counts{};
    std::array<std::uint8_t, 16> symbols{};
    bool known = false;
  };
  struct Component {
    std::uint8_t id = 0, across = 1, down = 1, quantization = 0, dc = 0, ac = 0;
    std::int32_t predicted = 0;
  };

  bool read_heads();
  bool read_segment(std::uint8_t marker, Bytes body);
  bool read_quantization(Bytes body);
  bool read_frame(Bytes body);
  bool read_tables(Bytes body);
  bool read_scan(Bytes body);
  bool walk_unit();
  bool walk_block(Component& component);
  void note_block(std::uint32_t column, std::uint32_t row);
  bool restart();
  void refill();
  std::optional<std::uint32_t> bits(std::uint32_t count);
  template <class AnyTable>
  std::optional<std::uint8_t> symbol(const AnyTable& table);

  State state_ = State::unknown;
  Bytes jpeg_;
  std::size_t at_ = 0;
  std::uint32_t held_ = 0;  // bits not yet used, the next one highest of `held_count_`
  std::uint32_t held_count_ = 0;

  std::array<std::uint16_t, 4> dc_steps_{};  // of the quantization tables; 0: none
  std::array<DcTable, 2> dc_tables_{};
  std::array<Table, 2> ac_tables_{};
  std::array<Component, 3> components_{};
  std::uint32_t component_count_ = 0;
  std::uint32_t width_ = 0, height_ = 0;
  std::uint32_t units_across_ = 0, unit_ = 0, unit_count_ = 0;
  std::uint32_t restart_period_ = 0;
  std::uint8_t next_restart_ = 0;

  std::uint32_t pixels_ = 0, dark_pixels_ = 0, bright_pixels_ = 0;
  std::uint64_t sum_ = 0;
};

}  // namespace meterlens::protocol
