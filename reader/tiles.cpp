#include "reader/tiles.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace meterlens::reader {
namespace {

constexpr std::size_t row_bytes = 64;  // of a tile

}  // namespace

void TileConvolution::pack(std::span<const float> weights) {
  const std::size_t line = form_.kernel_x * form_.inputs, tiles = scale_.size() / side;
  chunks_ = up(line, depth);
  const std::size_t places = form_.kernel_y * chunks_;
  weights_.reserve(tiles * places);
  for (std::size_t first = 0; first < tiles; first += 2)
    for (std::size_t place = 0; place < places; ++place)
      for (std::size_t tile = first; tile < std::min(tiles, first + 2); ++tile) {
        Weights& packed = weights_.emplace_back();
        for (std::size_t i = 0; i < side * depth; ++i) {
          const std::size_t output = tile * side + i / 2 % side;
          const std::size_t product = place % chunks_ * depth + i / depth * 2 + i % 2;
          const std::size_t from = (output * form_.kernel_y + place / chunks_) * line + product;
          if (output < form_.outputs && product < line)
            packed.numbers[i] = static_cast<std::int8_t>(weights[from]);
        }
      }
}

#if defined(__x86_64__) && defined(__linux__)

namespace {

#define METERLENS_WITH_TILES \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16,amx-tile,amx-bf16")))

bool ask_for_tiles() {
  constexpr unsigned has_bf16 = 1U << 22, has_tiles = 1U << 24;
  constexpr long ask_leave = 0x1023, for_tiles = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & has_bf16) && (d & has_tiles) &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bf16") && syscall(SYS_arch_prctl, ask_leave, for_tiles) == 0;
}

struct Place {
  std::size_t row, column;  // rows of all pictures
};

struct Pair {
  __m256i high, low;
};

METERLENS_WITH_TILES inline Pair pair_of(const __m512& value) {
  const auto high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(value));
  const __m512i taken = _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16);
  const __m512 rest = _mm512_sub_ps(value, _mm512_castsi512_ps(taken));
  return {high, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(rest))};
}

METERLENS_WITH_TILES inline void begin_sums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

METERLENS_WITH_TILES inline void end_sums(float* sums) {
  constexpr std::size_t tile = WholeConvolution::side * WholeConvolution::side;
  _tile_stored(0, sums, row_bytes);
  _tile_stored(1, sums + tile, row_bytes);
  _tile_stored(2, sums + 2 * tile, row_bytes);
  _tile_stored(3, sums + 3 * tile, row_bytes);
}

// All eight tiles whole.
struct alignas(64) Configuration {
  std::uint8_t palette = 1, start = 0, reserved[14] = {};
  std::uint16_t bytes_a_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

}  // namespace

bool TileConvolution::is_possible() {
  static const bool possible = ask_for_tiles();
  return possible;
}

METERLENS_WITH_TILES void TileConvolution::widen(std::span<const Weights> weights, Line* to) {
  for (const Weights& tile : weights)
    for (std::size_t i = 0; i < side; ++i, ++to) {
      const auto* bytes = reinterpret_cast<const __m128i*>(tile.numbers.data() + i * depth);
      const __m512i first = _mm512_cvtepi8_epi32(_mm_loadu_si128(bytes));
      const __m512i second = _mm512_cvtepi8_epi32(_mm_loadu_si128(bytes + 1));
      const __m512bh both =
          _mm512_cvtne2ps_pbh(_mm512_cvtepi32_ps(second), _mm512_cvtepi32_ps(first));
      _mm512_store_si512(to->numbers.data(), reinterpret_cast<__m512i>(both));
    }
}

METERLENS_WITH_TILES void TileConvolution::split(const float* from, std::size_t count,
                                                 std::uint16_t* high, std::uint16_t* low) {
  std::size_t i = 0;
  for (; i + side <= count; i += side) {
    const Pair pair = pair_of(_mm512_loadu_ps(from + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(high + i), pair.high);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(low + i), pair.low);
  }
  const auto mask = static_cast<__mmask16>((1U << (count - i)) - 1);
  const Pair pair = pair_of(_mm512_maskz_loadu_ps(mask, from + i));
  _mm256_mask_storeu_epi16(high + i, mask, pair.high);
  _mm256_mask_storeu_epi16(low + i, mask, pair.low);
}

void TileConvolution::take(const float* from, std::size_t height, std::size_t width,
                           std::size_t, std::size_t at, Room& room) const {
  if (room.rests.size() < room.numbers.size()) room.rests.resize(room.numbers.size());
  std::uint16_t* high = room.numbers.data()->numbers.data() + at;
  std::uint16_t* low = room.rests.data()->numbers.data() + at;
  const std::size_t line = width * form_.inputs;
  lay_out(
      height, width,
      [&](std::size_t zeros) {
        high = std::fill_n(high, zeros, std::uint16_t{0});
        low = std::fill_n(low, zeros, std::uint16_t{0});
      },
      [&](std::size_t y) {
        split(from + y * line, line, high, low);
        high += line, low += line;
      });
}

// Two tiles of inputs and all weights that they are multiplied with.
struct TileConvolution::Sources {
  std::array<const std::uint16_t*, 2> high, low;
  std::size_t pitch, step_bytes, lines, chunks;
  const Line* weights;  // tiles of `side`
};

// Sums of both inputs with a pair of tiles of weights: of inputs 0 and 1 with the first, then with
// the second. Of a single tile the lower halves have sums of their own, 2 and 3. So sums take
// turns, for each waits for its last product.
template <std::size_t count>
METERLENS_WITH_TILES void TileConvolution::sum_up(const Sources& from, Sums* sums) {
  constexpr bool pair = count == 2;
  const Line* weights = from.weights;
  begin_sums();
  for (std::size_t line = 0; line < from.lines; ++line) {
    for (std::size_t chunk = 0; chunk < from.chunks; ++chunk, weights += count * side) {
      const std::size_t at = line * from.pitch + chunk * depth;
      _tile_loadd(6, weights, row_bytes);
      _tile_loadd(4, from.high[0] + at, from.step_bytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_loadd(5, from.high[1] + at, from.step_bytes);
      _tile_dpbf16ps(1, 5, 6);
      if constexpr (pair) {
        _tile_loadd(7, weights + side, row_bytes);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
      }
      _tile_loadd(4, from.low[0] + at, from.step_bytes);
      _tile_loadd(5, from.low[1] + at, from.step_bytes);
      if constexpr (pair) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 5, 6);
        _tile_dpbf16ps(2, 4, 7);
        _tile_dpbf16ps(3, 5, 7);
      } else {
        _tile_dpbf16ps(2, 4, 6);
        _tile_dpbf16ps(3, 5, 6);
      }
    }
  }
  end_sums(sums->data());
  for (std::size_t i = 0; !pair && i < 2; ++i)
    for (std::size_t k = 0; k < side * side; ++k) sums[i][k] += sums[2 + i][k];
}

METERLENS_WITH_TILES void TileConvolution::walk(const Walk& walk, Room& room, float* to) const {
  const Configuration configuration;
  alignas(64) Sums sums[4];
  const std::uint16_t* high = room.numbers.data()->numbers.data();
  const std::uint16_t* low = room.rests.data()->numbers.data();
  const std::size_t tiles = scale_.size() / side, places = form_.kernel_y * chunks_;
  const std::size_t blocks_a_row = up(walk.columns, side);
  const std::size_t blocks = walk.pictures * walk.rows * blocks_a_row;
  const auto place_of = [&](std::size_t block) {
    return Place{block / blocks_a_row, block % blocks_a_row * side};
  };
  const auto at = [&](const Place& place) {
    return place.row / walk.rows * walk.picture_step + place.row % walk.rows * walk.row_step +
           place.column * walk.column_step;
  };
  if (room.weights.size() < 2 * places * side) room.weights.resize(2 * places * side);
  _tile_loadconfig(&configuration);
  for (std::size_t tile = 0; tile < tiles; tile += 2) {
    const std::size_t count = std::min<std::size_t>(2, tiles - tile);
    widen(std::span(weights_).subspan(tile * places, count * places), room.weights.data());
    std::atomic_signal_fence(std::memory_order_seq_cst);  // tiles read what was written before
    for (std::size_t block = 0; block < blocks; block += 2) {
      // One that is left over at the end comes twice.
      const std::array<Place, 2> pair{place_of(block), place_of(std::min(block + 1, blocks - 1))};
      const Sources from{{high + at(pair[0]), high + at(pair[1])},
                         {low + at(pair[0]), low + at(pair[1])},
                         walk.pitch,
                         2 * walk.column_step,
                         form_.kernel_y,
                         chunks_,
                         room.weights.data()};
      count == 2 ? sum_up<2>(from, sums) : sum_up<1>(from, sums);
      for (std::size_t i = 0; i < count * 2; ++i) {
        const auto& [row, column] = pair[i % 2];
        const Outputs outputs{(tile + i / 2) * side, std::min(side, walk.columns - column)};
        finish(sums[i], outputs, to + (row * walk.columns + column) * form_.outputs);
      }
    }
  }
  _tile_release();
}

// Of one tile of sums the results, each `outputs` numbers from the last one's.
METERLENS_WITH_TILES void TileConvolution::finish(const Sums& sums, const Outputs& outputs,
                                                  float* to) const {
  const auto left = static_cast<unsigned>(std::min(side, form_.outputs - outputs.first));
  const auto mask = static_cast<__mmask16>((1U << left) - 1);
  const __m512 scale = _mm512_loadu_ps(scale_.data() + outputs.first);
  const __m512 bias = _mm512_loadu_ps(bias_.data() + outputs.first);
  const __m512 least = _mm512_set1_ps(form_.relu ? 0 : -INFINITY);
  to += outputs.first;
  for (std::size_t i = 0; i < outputs.count; ++i, to += form_.outputs) {
    const __m512 sum = _mm512_load_ps(sums.data() + i * side);
    _mm512_mask_storeu_ps(to, mask, _mm512_max_ps(_mm512_fmadd_ps(sum, scale, bias), least));
  }
}

#else

bool TileConvolution::is_possible() { return false; }
void TileConvolution::take(const float*, std::size_t, std::size_t, std::size_t, std::size_t,
                           Room&) const {}
void TileConvolution::walk(const Walk&, Room&, float*) const {}
void TileConvolution::finish(const Sums&, const Outputs&, float*) const {}
void TileConvolution::widen(std::span<const Weights>, Line*) {}

#endif

}  // namespace meterlens::reader
