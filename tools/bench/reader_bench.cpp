// The reader on one core beside the bare JPEG decode to gray of the same photo, in the same run.
// The photos are rendered at 800x600 and 1024x768. Models: reader/models of the source tree.
#include <benchmark/benchmark.h>
#include <turbojpeg.h>

#include <cstddef>
#include <cstdlib>
#include <span>
#include <vector>

#include "face/face.h"
#include "reader/reader.h"

namespace {

using namespace meterlens;

std::vector<std::uint8_t> photo_of(int width, int height) {
  face::Conditions conditions = face::conditions_from_seed(7, 0.3);
  conditions.width = width;
  conditions.height = height;
  return face::render(face::meter_from_seed(7), 123453, conditions).jpeg;
}

void decode_to_gray(benchmark::State& state) {
  const auto jpeg = photo_of(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  tjhandle decoder = tjInitDecompress();
  std::vector<unsigned char> gray(static_cast<std::size_t>(state.range(0) * state.range(1)));
  for (auto _ : state) {
    const int failed =
        tjDecompress2(decoder, jpeg.data(), static_cast<unsigned long>(jpeg.size()), gray.data(),
                      static_cast<int>(state.range(0)), 0, static_cast<int>(state.range(1)),
                      TJPF_GRAY, 0);
    if (failed != 0) state.SkipWithError(tjGetErrorStr2(decoder));
    benchmark::DoNotOptimize(gray.data());
  }
  tjDestroy(decoder);
}

void read_photo(benchmark::State& state) {
  const auto jpeg = photo_of(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)));
  auto opened = reader::Reader::open(METERLENS_MODELS);
  if (!opened) return state.SkipWithError(opened.error().text.c_str());
  for (auto _ : state) {
    auto digits = opened->read(std::as_bytes(std::span(jpeg)));
    if (!digits) return state.SkipWithError(digits.error().text.c_str());
    benchmark::DoNotOptimize(digits);
  }
}

BENCHMARK(decode_to_gray)->Args({800, 600})->Args({1024, 768})->Unit(benchmark::kMillisecond);
BENCHMARK(read_photo)->Args({800, 600})->Args({1024, 768})->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
