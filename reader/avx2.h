// What convolutions on pairs of 16-bit numbers have in common (pairs.h, winograd.h): the
// instructions, for which alone this is.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "reader/whole.h"

namespace meterlens::reader {

#define METERLENS_WITH_PAIRS __attribute__((target("avx2,fma")))

constexpr std::size_t lanes = 8;    // of 32 bits
constexpr std::size_t results = 4;  // that are summed up at once
template <std::size_t halves>       // of `side` outputs: one or two times eight
using PairSums = __m256i[results][halves];

METERLENS_WITH_PAIRS inline __m256i both_of(const std::uint16_t* pair) {
  std::int32_t both;
  std::memcpy(&both, pair, sizeof both);
  return _mm256_set1_epi32(both);
}

template <std::size_t halves>
METERLENS_WITH_PAIRS inline void clear(PairSums<halves>& sums) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < results * halves; ++i)
    sums[i / halves][i % halves] = _mm256_setzero_si256();
}

// Adds to each result's sums the products of a line of its inputs with one of weights.
template <std::size_t halves>
METERLENS_WITH_PAIRS inline void add_products(
    const std::array<const std::uint16_t*, results>& inputs, std::size_t pairs,
    const WholeConvolution::Line* weights, PairSums<halves>& sums) {
  for (std::size_t pair = 0; pair < pairs; ++pair, ++weights) {
    const auto* packed = reinterpret_cast<const __m256i*>(weights->numbers.data());
#pragma GCC unroll 4
    for (std::size_t i = 0; i < results; ++i) {
      const __m256i both = both_of(inputs[i] + 2 * pair);
#pragma GCC unroll 2
      for (std::size_t half = 0; half < halves; ++half)
        sums[i][half] = _mm256_add_epi32(
            sums[i][half], _mm256_madd_epi16(both, _mm256_load_si256(packed + half)));
    }
  }
}

// Fewer than eight are put somewhere else first: what masks a store is slow.
METERLENS_WITH_PAIRS inline void store(__m256 eight, std::size_t count, float* to) {
  if (count >= lanes) return _mm256_storeu_ps(to, eight);
  std::array<float, lanes> all;
  _mm256_storeu_ps(all.data(), eight);
  std::copy_n(all.begin(), count, to);
}

}  // namespace meterlens::reader
