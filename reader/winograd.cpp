#include "reader/winograd.h"

#include <algorithm>
#include <array>
#include <limits>

#if defined(__x86_64__)
#include "reader/avx2.h"
#endif

namespace meterlens::reader {
namespace {

constexpr std::size_t kernel = 3, made = 2, patch_side = 4;  // inputs, of which 2 x 2 results
constexpr std::size_t places = patch_side * patch_side;
constexpr std::size_t fewest_inputs = 12;  // fewer are no faster

// Of three weights what multiplies the four sums of inputs, twice as large as in the literature.
std::array<float, patch_side> spread(float a, float b, float c) {
  return {2 * a, a + b + c, a - b + c, 2 * c};
}

}  // namespace

bool WinogradConvolution::suits(const Form& form) {
  return form.kernel_y == kernel && form.kernel_x == kernel && form.stride_y == 1 &&
         form.stride_x == 1 && form.inputs >= fewest_inputs;
}

// To [output][place][input].
void WinogradConvolution::pack(std::span<const float> weights) {
  const std::size_t inputs = form_.inputs;
  std::vector<float> spread_out(form_.outputs * places * inputs);
  for (std::size_t output = 0; output < form_.outputs; ++output)
    for (std::size_t input = 0; input < inputs; ++input) {
      const float* w = weights.data() + output * kernel * kernel * inputs + input;
      std::array<std::array<float, patch_side>, kernel> rows;
      for (std::size_t y = 0; y < kernel; ++y, w += kernel * inputs)
        rows[y] = spread(w[0], w[inputs], w[2 * inputs]);
      for (std::size_t x = 0; x < patch_side; ++x) {
        const auto column = spread(rows[0][x], rows[1][x], rows[2][x]);
        for (std::size_t y = 0; y < patch_side; ++y)
          spread_out[(output * places + y * patch_side + x) * inputs + input] = column[y];
      }
    }
  lay(spread_out, places, inputs);
  // Sums are four times as large for the weights that are twice in both directions.
  constexpr auto most = std::numeric_limits<std::int16_t>::max() / patch_side;
  most_units_ = std::min<std::uint32_t>(most, most_units_of(weights) / 4);
  for (float& scale : scale_) scale /= 4;
}

#if defined(__x86_64__)

namespace {

constexpr std::size_t block = 8;      // patches, of which the nearest cache holds everything
constexpr std::size_t channels = 16;  // that are added up at once

struct Four {
  __m256i at[patch_side];
};

METERLENS_WITH_PAIRS inline Four sums_of(const Four& of) {
  return {{_mm256_sub_epi16(of.at[0], of.at[2]), _mm256_add_epi16(of.at[1], of.at[2]),
           _mm256_sub_epi16(of.at[2], of.at[1]), _mm256_sub_epi16(of.at[1], of.at[3])}};
}

// Of 4 x 4 inputs, each `step` numbers after the last one and each line `pitch` after the last one,
// the sums that are multiplied, each `place` numbers after the last one.
METERLENS_WITH_PAIRS void take_sums(const std::uint16_t* from, std::size_t step, std::size_t pitch,
                                    std::size_t inputs, std::size_t place, std::uint16_t* to) {
  for (std::size_t channel = 0; channel < inputs; channel += channels) {
    std::array<Four, patch_side> lines;
#pragma GCC unroll 4
    for (std::size_t y = 0; y < patch_side; ++y) {
      Four line;
#pragma GCC unroll 4
      for (std::size_t x = 0; x < patch_side; ++x)
        line.at[x] = _mm256_loadu_si256(
            reinterpret_cast<const __m256i*>(from + y * pitch + x * step + channel));
      lines[y] = sums_of(line);
    }
#pragma GCC unroll 4
    for (std::size_t x = 0; x < patch_side; ++x) {
      const Four column = sums_of(
          {{lines[0].at[x], lines[1].at[x], lines[2].at[x], lines[3].at[x]}});
#pragma GCC unroll 4
      for (std::size_t y = 0; y < patch_side; ++y)
        _mm256_store_si256(
            reinterpret_cast<__m256i*>(to + (y * patch_side + x) * place + channel),
                           column.at[y]);
    }
  }
}

struct Two {
  __m256i at[made];
};

METERLENS_WITH_PAIRS inline Two results_of(const Four& of) {
  const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(of.at[0], of.at[1]), of.at[2]);
  return {{sum, _mm256_sub_epi32(_mm256_sub_epi32(of.at[1], of.at[2]), of.at[3])}};
}

}  // namespace

// Inputs, and where its results come to lie: fewer than 2 x 2 at an edge.
struct WinogradConvolution::Patch {
  const std::uint16_t* from = nullptr;
  float unit = 0;
  float* to = nullptr;
  std::size_t rows = 0, columns = 0;
};

// Of a block's patches one or two times eight outputs; one line's results begin `pitch` numbers
// after those of the last one. Sums may overflow on the way: the results don't.
template <std::size_t halves>
METERLENS_WITH_PAIRS void WinogradConvolution::sum_up(std::size_t tile,
                                                      std::span<const Patch> patches,
                                                      const Line* inputs,
                                                      std::size_t pitch) const {
  __m256i products[places][block][halves];
  const Line* weights = lines_.data() + tile * places * pairs_;
  const std::size_t line = up(form_.inputs, channels) * channels;
  const auto* from = inputs->numbers.data();
  for (std::size_t place = 0; place < places; ++place, weights += pairs_)
    for (std::size_t first = 0; first < block; first += results, from += results * line) {
      if (first >= patches.size()) continue;
      PairSums<halves> sums;
      clear<halves>(sums);
      add_products<halves>({from, from + line, from + 2 * line, from + 3 * line}, pairs_, weights,
                           sums);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < results * halves; ++i)
        products[place][first + i / halves][i % halves] = sums[i / halves][i % halves];
    }
  const __m256 least = _mm256_set1_ps(form_.relu ? 0 : -std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < patches.size(); ++i)
    for (std::size_t half = 0; half < halves; ++half) {
      const Patch& patch = patches[i];
      const std::size_t first = tile * side + half * lanes;
      std::array<Two, patch_side> columns;
#pragma GCC unroll 4
      for (std::size_t x = 0; x < patch_side; ++x)
        columns[x] = results_of({{products[x][i][half], products[patch_side + x][i][half],
                                 products[2 * patch_side + x][i][half],
                                 products[3 * patch_side + x][i][half]}});
      const __m256 bias = _mm256_loadu_ps(bias_.data() + first);
      const __m256 factor =
          _mm256_mul_ps(_mm256_loadu_ps(scale_.data() + first), _mm256_set1_ps(patch.unit));
      for (std::size_t y = 0; y < patch.rows; ++y) {
        const Two row = results_of(
            {{columns[0].at[y], columns[1].at[y], columns[2].at[y], columns[3].at[y]}});
        for (std::size_t x = 0; x < patch.columns; ++x) {
          const __m256 sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(row.at[x]), factor, bias);
          store(_mm256_max_ps(sum, least), form_.outputs - first,
                patch.to + y * pitch + x * form_.outputs + first);
        }
      }
    }
}

void WinogradConvolution::walk(const Walk& walk, Room& room, float* to) const {
  const std::size_t pictures = walk.is_covered ? walk.columns : walk.pictures;
  const std::size_t columns = walk.is_covered ? 1 : walk.columns;
  const std::size_t picture_step = walk.is_covered ? walk.column_step : walk.picture_step;
  const std::size_t place = block * up(form_.inputs, channels) * channels;
  const std::size_t size = places * place / depth;
  if (room.sums.size() < size) room.sums.resize(size);
  std::array<Patch, block> patches;
  std::size_t count = 0;
  const auto finish = [&] {
    for (std::size_t i = 0; i < count; ++i)
      take_sums(patches[i].from, form_.inputs, walk.pitch, form_.inputs, place,
                room.sums.data()->numbers.data() + i * place / block);
    const std::span<const Patch> all(patches.data(), count);
    for (std::size_t tile = 0; tile * side < form_.outputs; ++tile) {
      if (form_.outputs - tile * side > lanes)
        sum_up<2>(tile, all, room.sums.data(), columns * form_.outputs);
      else
        sum_up<1>(tile, all, room.sums.data(), columns * form_.outputs);
    }
    count = 0;
  };
  const std::uint16_t* from = room.numbers.data()->numbers.data();
  for (std::size_t picture = 0; picture < pictures; ++picture, from += picture_step)
    for (std::size_t y = 0; y < walk.rows; y += made)
      for (std::size_t x = 0; x < columns; x += made) {
        patches[count++] = {from + y * walk.pitch + x * form_.inputs,
                            room.units[picture],
                            to + ((picture * walk.rows + y) * columns + x) * form_.outputs,
                            std::min(made, walk.rows - y),
                            std::min(made, columns - x)};
        if (count == block) finish();
      }
  finish();
}

#else

void WinogradConvolution::walk(const Walk&, Room&, float*) const {}

#endif

}  // namespace meterlens::reader
