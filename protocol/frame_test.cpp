#include "protocol/frame.h"

#include <gtest/gtest.h>

#include <vector>

namespace meterlens::protocol {
namespace {

std::vector<std::uint8_t> frame_of(std::uint8_t type, std::vector<std::uint8_t> body) {
  std::vector<std::uint8_t> out(frame_bytes_max);
  out.resize(encode_frame(type, body, out));
  return out;
}

TEST(Frame, ComesBackAsItWent) {
  for (const std::size_t size : {0U, 1U, 6U, 1029U, 1030U}) {
    const std::vector<std::uint8_t> body(size, 0xA5);
    const auto bytes = frame_of(0x11, body);
    EXPECT_EQ(bytes.size(), size + 8);
    const auto frame = decode_frame(bytes);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->type, 0x11);
    EXPECT_TRUE(std::equal(frame->body.begin(), frame->body.end(), body.begin(), body.end()));
  }
}

TEST(Frame, EveryFlippedBitIsNoticed) {
  const auto good = frame_of(0x12, {1, 2, 3, 4});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_FALSE(decode_frame(bad)) << bit;
  }
}

TEST(Frame, WrongSizesAreNamed) {
  const auto good = frame_of(0x12, {1, 2, 3, 4});
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto error = decode_frame(Bytes(good).first(size)).error();
    EXPECT_EQ(error, size < 8 ? FrameError::too_short : FrameError::wrong_length) << size;
  }
  auto longer = good;
  longer.push_back(0);
  EXPECT_EQ(decode_frame(longer).error(), FrameError::wrong_length);
  auto absurd = good;
  absurd[2] = absurd[3] = 0xFF;
  EXPECT_EQ(decode_frame(absurd).error(), FrameError::wrong_length);
  auto other = good;
  other[0] = 2;
  EXPECT_EQ(decode_frame(other).error(), FrameError::wrong_version);
}

}  // namespace
}  // namespace meterlens::protocol
