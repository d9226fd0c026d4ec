// Foreign bytes as a photo: the whole chain from JPEG to result, with the real models, and once
// more as a photo of a known meter, whose window is looked at first. What comes out holds together.
#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "protocol/require.h"
#include "reader/reader.h"

using namespace meterlens;

namespace {

using protocol::require;
using reader::Status;

constexpr std::int64_t pixels_most = 1 << 20;  // more only cost time, up to the reader's own limit

reader::Reader& the_reader() {
  static auto opened = reader::Reader::open("reader/models");
  if (!opened) {
    std::fprintf(stderr, "%s; run it in the root of the source tree\n",
                 opened.error().text.c_str());
    std::abort();
  }
  return *opened;
}

bool is_slow(const std::uint8_t* data, std::size_t size) {
  static const std::unique_ptr<void, int (*)(void*)> turbo(tjInitDecompress(), tjDestroy);
  int width = 0, height = 0, subsampling = 0, colours = 0;
  if (tjDecompressHeader3(turbo.get(), data, size, &width, &height, &subsampling, &colours) != 0)
    return false;
  const std::int64_t pixels = std::int64_t{width} * height;
  return pixels > pixels_most && pixels <= static_cast<std::int64_t>(reader::pixels_max);
}

void expect_sound(const reader::Digits& digits) {
  require(digits.digits.size() == digits.wheels.size());
  require(std::ranges::all_of(digits.digits, [](char c) { return c >= '0' && c <= '9'; }));
  require(digits.certain >= 0 && digits.certain <= static_cast<int>(digits.digits.size()));
  require(digits.red >= 0 && digits.red <= static_cast<int>(digits.digits.size()));
  require(digits.confidence >= 0 && digits.confidence <= 1);
  require((digits.status == Status::unreadable) == digits.digits.empty());
  require(digits.status != Status::read || (digits.certain > 0 && digits.confidence > 0.5));
  require(digits.status == Status::read || digits.reason != reader::Reason::none);
  for (const reader::Wheel& wheel : digits.wheels) {
    require(wheel.position >= 0 && wheel.position < 10);
    require(wheel.confidence >= 0 && wheel.confidence <= 1);
  }
  for (const reader::Point& corner : digits.window)
    require(std::isfinite(corner.x) && std::isfinite(corner.y));
}

// Where the whole photo's window was found, or somewhere.
reader::Known known_after(const reader::Digits& digits) {
  reader::Known known;
  known.window = {{{70, 60}, {170, 66}, {168, 92}, {69, 85}}};
  known.wheels = 5;
  if (digits.status == Status::unreadable) return known;
  known.window = digits.window;
  known.wheels = static_cast<int>(digits.digits.size());
  return known;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (is_slow(data, size)) return 0;
  const auto digits = the_reader().read(std::as_bytes(std::span(data, size)));
  if (digits) {
    expect_sound(*digits);
    const auto again =
        the_reader().read(std::as_bytes(std::span(data, size)), known_after(*digits));
    require(again.has_value());
    expect_sound(*again);
  } else {
    require(!digits.error().text.empty());
  }
  return 0;
}
