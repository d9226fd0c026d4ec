#include "protocol/luminance.h"

#include <algorithm>

namespace meterlens::protocol {
namespace {

constexpr std::uint8_t mark_begin = 0xFF, start_of_image = 0xD8, end_of_image = 0xD9;
constexpr std::uint8_t baseline = 0xC0, huffman_tables = 0xC4, quantization_tables = 0xDB;
constexpr std::uint8_t scan = 0xDA, restart_interval = 0xDD, first_restart = 0xD0;
constexpr std::uint32_t side_max = 4096, unit_blocks_max = 10;
constexpr std::int32_t dark_below = 16, bright_above = 239;
// DC coefficients of 8 bits have 12 bits with their sign; sums of differences beyond are damage.
constexpr std::int32_t coefficient_max = 2047;

std::uint32_t number(Bytes bytes, std::size_t at) { return bytes[at] * 256U + bytes[at + 1]; }

std::uint32_t parts(std::uint32_t whole, std::uint32_t part) { return (whole + part - 1) / part; }

std::int32_t signed_value(std::uint32_t bits, std::uint32_t count) {
  const auto value = static_cast<std::int32_t>(bits);
  return bits < 1U << (count - 1) ? value - static_cast<std::int32_t>((1U << count) - 1) : value;
}

template <class AnyTable>
bool fill(AnyTable& table, Bytes counts, Bytes symbols) {
  std::int32_t free_codes = 1;
  for (std::size_t bits = 1; bits <= 16; ++bits) {
    free_codes = 2 * free_codes - counts[bits - 1];
    if (free_codes < 0) return false;
    table.counts[bits] = counts[bits - 1];
  }
  if (symbols.empty() || symbols.size() > table.symbols.size()) return false;
  std::ranges::copy(symbols, table.symbols.begin());
  table.known = true;
  return true;
}

}  // namespace

Light judge(const Luminance& luminance, std::int32_t dark_level,
                      std::int32_t bright_level) {
  if (luminance.mean < dark_level) return Light::dark;
  return luminance.mean > bright_level ? Light::bright : Light::good;
}

void LuminanceWalk::begin(Bytes jpeg) {
  *this = {};
  jpeg_ = jpeg;
  if (read_heads()) state_ = State::walking;
}

LuminanceWalk::State LuminanceWalk::step(std::uint32_t unit_count) {
  for (; unit_count > 0 && state_ == State::walking; --unit_count) {
    if (!walk_unit())
      state_ = State::unknown;
    else if (unit_ == unit_count_)
      state_ = State::done;
  }
  return state_;
}

Luminance LuminanceWalk::result() const {
  if (state_ != State::done || pixels_ == 0) return {};
  const auto percent = [&](std::uint32_t count) {
    return static_cast<std::uint8_t>(std::uint64_t{100} * count / pixels_);
  };
  return {static_cast<std::uint8_t>((sum_ + pixels_ / 2) / pixels_), percent(dark_pixels_),
          percent(bright_pixels_)};
}

// Everything up to the codes of the scan.
bool LuminanceWalk::read_heads() {
  if (jpeg_.size() < 4 || jpeg_[0] != mark_begin || jpeg_[1] != start_of_image) return false;
  for (at_ = 2; at_ + 4 <= jpeg_.size();) {
    if (jpeg_[at_] != mark_begin) return false;
    const std::uint8_t marker = jpeg_[at_ + 1];
    if (marker == mark_begin) {
      ++at_;  // padding
      continue;
    }
    const std::uint32_t bytes = number(jpeg_, at_ + 2);
    if (marker == end_of_image || bytes < 2 || bytes > jpeg_.size() - at_ - 2) return false;
    const Bytes body = jpeg_.subspan(at_ + 4, bytes - 2);
    at_ += 2 + bytes;
    if (marker == scan) return read_scan(body);
    if (!read_segment(marker, body)) return false;
  }
  return false;
}

bool LuminanceWalk::read_segment(std::uint8_t marker, Bytes body) {
  if (marker == quantization_tables) return read_quantization(body);
  if (marker == huffman_tables) return read_tables(body);
  if (marker == baseline) return read_frame(body);
  if (marker == restart_interval) {
    if (body.size() != 2) return false;
    restart_period_ = number(body, 0);
    return true;
  }
  // Application data and comments; all other frames are of kinds that are not understood.
  return marker >= 0xE0;
}

bool LuminanceWalk::read_quantization(Bytes body) {
  while (!body.empty()) {
    const std::size_t value_bytes = body[0] < 16 ? 1 : 2;
    if (body[0] >= 32 || (body[0] & 15U) > 3 || body.size() < 1 + 64 * value_bytes) return false;
    const std::uint32_t step = value_bytes == 1 ? body[1] : number(body, 1);
    dc_steps_[body[0] & 15U] = static_cast<std::uint16_t>(step);
    body = body.subspan(1 + 64 * value_bytes);
  }
  return true;
}

bool LuminanceWalk::read_frame(Bytes body) {
  if (component_count_ != 0 || body.size() < 6 || body[0] != 8) return false;
  height_ = number(body, 1);
  width_ = number(body, 3);
  component_count_ = body[5];
  if (width_ == 0 || height_ == 0 || width_ > side_max || height_ > side_max) return false;
  if (component_count_ != 1 && component_count_ != 3) return false;
  if (body.size() != 6 + std::size_t{3} * component_count_) return false;
  std::uint32_t unit_blocks = 0;
  for (std::uint32_t i = 0; i < component_count_; ++i) {
    const Bytes entry = body.subspan(6 + std::size_t{3} * i, 3);
    Component& component = components_[i];
    component.id = entry[0];
    component.across = entry[1] >> 4;
    component.down = entry[1] & 15U;
    component.quantization = entry[2];
    if (component.across < 1 || component.across > 4 || component.down < 1 || component.down > 4 ||
        component.quantization > 3)
      return false;
    // The luminance alone is looked at, and nothing is finer than it.
    if (component.across > components_[0].across || component.down > components_[0].down)
      return false;
    // A single component has one block a unit, whatever it says.
    if (component_count_ == 1) component.across = component.down = 1;
    unit_blocks += std::uint32_t{component.across} * component.down;
  }
  return unit_blocks <= unit_blocks_max;
}

bool LuminanceWalk::read_tables(Bytes body) {
  while (!body.empty()) {
    if (body.size() < 17) return false;
    const std::uint8_t place = body[0];
    const Bytes counts = body.subspan(1, 16);
    std::size_t symbol_count = 0;
    for (const std::uint8_t count : counts) symbol_count += count;
    if ((place & 0xEEU) != 0 || body.size() < 17 + symbol_count) return false;
    const Bytes symbols = body.subspan(17, symbol_count);
    const bool good = place < 16 ? fill(dc_tables_[place], counts, symbols)
                                 : fill(ac_tables_[place & 1U], counts, symbols);
    if (!good) return false;
    body = body.subspan(17 + symbol_count);
  }
  return true;
}

bool LuminanceWalk::read_scan(Bytes body) {
  if (component_count_ == 0 || body.size() != 4 + std::size_t{2} * component_count_ ||
      body[0] != component_count_)
    return false;
  for (std::uint32_t i = 0; i < component_count_; ++i) {
    Component& component = components_[i];
    const std::uint8_t places = body[2 + std::size_t{2} * i];
    component.dc = places >> 4;
    component.ac = places & 15U;
    if (body[1 + std::size_t{2} * i] != component.id || component.dc > 1 || component.ac > 1 ||
        !dc_tables_[component.dc].known || !ac_tables_[component.ac].known)
      return false;
  }
  if (dc_steps_[components_[0].quantization] == 0) return false;
  units_across_ = parts(width_, 8U * components_[0].across);
  unit_count_ = units_across_ * parts(height_, 8U * components_[0].down);
  return true;
}

bool LuminanceWalk::walk_unit() {
  if (restart_period_ != 0 && unit_ != 0 && unit_ % restart_period_ == 0 && !restart())
    return false;
  for (std::uint32_t i = 0; i < component_count_; ++i) {
    Component& component = components_[i];
    for (std::uint32_t row = 0; row < component.down; ++row)
      for (std::uint32_t column = 0; column < component.across; ++column) {
        if (!walk_block(component)) return false;
        if (i == 0)
          note_block(unit_ % units_across_ * component.across + column,
                     unit_ / units_across_ * component.down + row);
      }
  }
  ++unit_;
  return true;
}

bool LuminanceWalk::walk_block(Component& component) {
  const auto size = symbol(dc_tables_[component.dc]);
  if (!size || *size > 11) return false;
  if (*size > 0) {
    const auto difference = bits(*size);
    if (!difference) return false;
    component.predicted += signed_value(*difference, *size);
  }
  if (component.predicted > coefficient_max || component.predicted < -coefficient_max - 1)
    return false;
  for (std::uint32_t at = 1; at < 64;) {
    const auto code = symbol(ac_tables_[component.ac]);
    if (!code) return false;
    const std::uint32_t zeros = *code >> 4;
    const std::uint32_t value_bits = *code & 15U;
    if (value_bits == 0 && zeros != 15) break;
    at += zeros + 1;
    if (at > 64 || value_bits > 10 || !bits(value_bits)) return false;
  }
  return true;
}

// Blocks that only fill up the last units are no part of the picture; those at its edge weigh as
// much as what shows of them.
void LuminanceWalk::note_block(std::uint32_t column, std::uint32_t row) {
  if (column * 8 >= width_ || row * 8 >= height_) return;
  const Component& component = components_[0];
  const std::int32_t scaled = component.predicted * dc_steps_[component.quantization] / 8 + 128;
  const std::int32_t mean = std::clamp(scaled, 0, 255);
  const std::uint32_t pixels =
      std::min(8U, width_ - 8 * column) * std::min(8U, height_ - 8 * row);
  pixels_ += pixels;
  sum_ += std::uint64_t{pixels} * static_cast<std::uint32_t>(mean);
  dark_pixels_ += mean < dark_below ? pixels : 0;
  bright_pixels_ += mean > bright_above ? pixels : 0;
}

bool LuminanceWalk::restart() {
  held_count_ = 0;
  if (jpeg_.size() - at_ < 2 || jpeg_[at_] != mark_begin ||
      jpeg_[at_ + 1] != first_restart + next_restart_)
    return false;
  at_ += 2;
  next_restart_ = (next_restart_ + 1U) & 7U;
  for (Component& component : components_) component.predicted = 0;
  return true;
}

// Holds at least 17 bits afterwards, or all up to the next marker.
void LuminanceWalk::refill() {
  while (held_count_ <= 16 && at_ < jpeg_.size()) {
    const std::uint8_t byte = jpeg_[at_];
    if (byte == mark_begin) {
      if (at_ + 1 >= jpeg_.size() || jpeg_[at_ + 1] != 0) break;
      ++at_;
    }
    ++at_;
    held_ = held_ << 8 | byte;
    held_count_ += 8;
  }
}

std::optional<std::uint32_t> LuminanceWalk::bits(std::uint32_t count) {
  if (held_count_ < count) refill();
  if (held_count_ < count) return std::nullopt;
  held_count_ -= count;
  return held_ >> held_count_ & ((1U << count) - 1);
}

// Codes of one length follow each other, and the next length begins after the last of them.
template <class AnyTable>
std::optional<std::uint8_t> LuminanceWalk::symbol(const AnyTable& table) {
  if (held_count_ < 16) refill();
  std::uint32_t code = 0, first = 0, before = 0;
  for (std::uint32_t length = 1; length <= 16 && length <= held_count_; ++length) {
    code = code << 1 | (held_ >> (held_count_ - length) & 1U);
    const std::uint32_t count = table.counts[length];
    if (code < first + count) {
      held_count_ -= length;
      return table.symbols[before + code - first];
    }
    before += count;
    first = (first + count) << 1;
  }
  return std::nullopt;
}

}  // namespace meterlens::protocol
