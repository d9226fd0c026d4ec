#include "reader/pairs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#if defined(__x86_64__)
#include "reader/avx2.h"
#endif

namespace meterlens::reader {

// At 16 bits: to widen bytes whenever they are used takes a twentieth of a read.
void PairConvolution::lay(std::span<const float> weights, std::size_t count, std::size_t line) {
  pairs_ = (line + 1) / 2;
  lines_.resize(scale_.size() / side * count * pairs_);
  const float* weight = weights.data();
  for (std::size_t output = 0; output < form_.outputs; ++output)
    for (std::size_t y = 0; y < count; ++y)
      for (std::size_t product = 0; product < line; ++product)
        lines_[(output / side * count + y) * pairs_ + product / 2]
            .numbers[output % side * 2 + product % 2] =
            static_cast<std::uint16_t>(static_cast<std::int16_t>(*weight++));
}

std::uint32_t PairConvolution::most_units_of(std::span<const float> weights) const {
  std::uint32_t heaviest = 1;  // output, of the sum of weights without their signs
  for (std::size_t output = 0; output < form_.outputs; ++output) {
    std::uint32_t sum = 0;
    const std::size_t count = weights.size() / form_.outputs;
    for (const float weight : weights.subspan(output * count, count))
      sum += static_cast<std::uint32_t>(std::abs(weight));
    heaviest = std::max(heaviest, sum);
  }
  return std::numeric_limits<std::int32_t>::max() / heaviest;
}

void PairConvolution::pack(std::span<const float> weights) {
  lay(weights, form_.kernel_y, form_.kernel_x * form_.inputs);
  most_units_ =
      std::min<std::uint32_t>(std::numeric_limits<std::int16_t>::max(), most_units_of(weights));
}

#if defined(__x86_64__)

namespace {

METERLENS_WITH_PAIRS float largest_of(const float* from, std::size_t count) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  __m256 most = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    most = _mm256_max_ps(most, _mm256_andnot_ps(sign, _mm256_loadu_ps(from + i)));
  std::array<float, lanes> each;
  _mm256_storeu_ps(each.data(), most);
  float largest = *std::ranges::max_element(each);
  for (; i < count; ++i) largest = std::max(largest, std::abs(from[i]));
  return largest;
}

METERLENS_WITH_PAIRS inline __m128i rounded(const float* eight, __m256 factor) {
  const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(eight), factor));
  return _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
}

METERLENS_WITH_PAIRS void round_to(const float* from, std::size_t count, float factor,
                                   std::uint16_t* to) {
  const __m256 factors = _mm256_set1_ps(factor);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), rounded(from + i, factors));
  std::array<float, lanes> rest{};
  std::copy_n(from + i, count - i, rest.begin());
  std::array<std::uint16_t, lanes> whole;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(whole.data()), rounded(rest.data(), factors));
  std::copy_n(whole.begin(), count - i, to + i);
}

}  // namespace

bool PairConvolution::is_possible() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

bool PairConvolution::is_faster() { return !__builtin_cpu_supports("avx512f"); }

void PairConvolution::take(const float* from, std::size_t height, std::size_t width,
                           std::size_t index, std::size_t at, Room& room) const {
  const auto most = static_cast<float>(most_units_);
  const float largest = largest_of(from, height * width * form_.inputs);
  const std::size_t line = width * form_.inputs;
  room.units[index] = largest / most;
  std::uint16_t* to = room.numbers.data()->numbers.data() + at;
  lay_out(
      height, width, [&](std::size_t zeros) { to = std::fill_n(to, zeros, std::uint16_t{0}); },
      [&](std::size_t y) {
        round_to(from + y * line, line, largest > 0 ? most / largest : 0, to);
        to += line;
      });
}

// The inputs of the results that are summed up next.
struct PairConvolution::Inputs {
  std::array<const std::uint16_t*, results> first;
  std::array<float, results> units;
};

// From one result to the next.
class PairConvolution::Steps {
 public:
  Steps(const Walk& walk, const Room& room)
      : walk_(walk), numbers_(room.numbers.data()->numbers.data()), units_(room.units.data()) {}

  // Of fewer than four that are left the last one comes again.
  Inputs next(std::size_t left) {
    Inputs inputs;
    for (std::size_t i = 0; i < results; ++i) {
      inputs.first[i] = numbers_ + at_;
      inputs.units[i] = units_[walk_.is_covered ? column_ : picture_];
      if (i + 1 < left) step();
    }
    return inputs;
  }

 private:
  void step() {
    at_ += walk_.column_step;
    if (++column_ < walk_.columns) return;
    column_ = 0, at_ = row_at_ += walk_.row_step;
    if (++row_ < walk_.rows) return;
    row_ = 0, ++picture_, at_ = row_at_ = picture_at_ += walk_.picture_step;
  }

  const Walk& walk_;
  const std::uint16_t* numbers_;
  const float* units_;
  std::size_t at_ = 0, row_at_ = 0, picture_at_ = 0;  // its, its row's, its picture's first input
  std::size_t picture_ = 0, row_ = 0, column_ = 0;
};

// All results of one or two times eight outputs.
template <std::size_t halves>
METERLENS_WITH_PAIRS void PairConvolution::sum_up(std::size_t tile, const Walk& walk,
                                                  const Room& room, float* to) const {
  const std::size_t first_output = tile * side, all = walk.pictures * walk.rows * walk.columns;
  const Line* first_line = lines_.data() + tile * form_.kernel_y * pairs_;
  const __m256 least = _mm256_set1_ps(form_.relu ? 0 : -std::numeric_limits<float>::infinity());
  Steps steps(walk, room);
  to += first_output;
  for (std::size_t result = 0; result < all; result += results, to += results * form_.outputs) {
    Inputs inputs = steps.next(all - result);
    PairSums<halves> sums;
    clear<halves>(sums);
    const Line* weights = first_line;
    for (std::size_t line = 0; line < form_.kernel_y; ++line, weights += pairs_) {
      add_products<halves>(inputs.first, pairs_, weights, sums);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < results; ++i) inputs.first[i] += walk.pitch;
    }
#pragma GCC unroll 2
    for (std::size_t half = 0; half < halves; ++half) {
      const std::size_t first = first_output + half * lanes;
      const __m256 scale = _mm256_loadu_ps(scale_.data() + first);
      const __m256 bias = _mm256_loadu_ps(bias_.data() + first);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < results; ++i) {
        if (i >= all - result) break;
        const __m256 factor = _mm256_mul_ps(scale, _mm256_set1_ps(inputs.units[i]));
        const __m256 sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums[i][half]), factor, bias);
        store(_mm256_max_ps(sum, least), form_.outputs - first,
              to + i * form_.outputs + half * lanes);
      }
    }
  }
}

void PairConvolution::walk(const Walk& walk, Room& room, float* to) const {
  for (std::size_t tile = 0; tile * side < form_.outputs; ++tile) {
    if (form_.outputs - tile * side > lanes)
      sum_up<2>(tile, walk, room, to);
    else
      sum_up<1>(tile, walk, room, to);
  }
}

#else

bool PairConvolution::is_possible() { return false; }
bool PairConvolution::is_faster() { return false; }
void PairConvolution::take(const float*, std::size_t, std::size_t, std::size_t, std::size_t,
                           Room&) const {}
void PairConvolution::walk(const Walk&, Room&, float*) const {}

#endif

}  // namespace meterlens::reader
