#include "device/link/unit.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "protocol/message.h"

namespace meterlens::link {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer encode(const Buffer& frame) {
  Buffer unit(unit_bytes_max);
  unit.resize(encode_unit(frame, unit));
  return unit;
}

std::vector<Buffer> decode(UnitReader& reader, const Buffer& line) {
  std::vector<Buffer> frames;
  for (const std::uint8_t byte : line)
    if (const auto frame = reader.put(byte)) frames.emplace_back(frame->begin(), frame->end());
  return frames;
}

Buffer packet_frame(std::uint16_t index, std::mt19937& random) {
  Buffer data(1024);
  for (auto& byte : data) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
  Buffer frame(protocol::frame_bytes_max);
  frame.resize(protocol::encode_message(protocol::Packet{7, index, data}, frame));
  return frame;
}

// Indexes of the packets that came through whole.
std::vector<int> indexes(UnitReader& reader, const Buffer& line) {
  std::vector<int> found;
  for (const Buffer& bytes : decode(reader, line)) {
    const auto message = protocol::decode_message(bytes);
    if (message) found.push_back(std::get<protocol::Packet>(*message).index);
  }
  return found;
}

TEST(Unit, KnownVectors) {
  EXPECT_EQ(encode({0}), (Buffer{1, 1, 0}));
  EXPECT_EQ(encode({0, 0}), (Buffer{1, 1, 1, 0}));
  EXPECT_EQ(encode({0x11, 0x22, 0, 0x33}), (Buffer{3, 0x11, 0x22, 2, 0x33, 0}));
  EXPECT_EQ(encode({0x11, 0, 0, 0}), (Buffer{2, 0x11, 1, 1, 1, 0}));
  Buffer block(254, 9);
  Buffer expected(255, 9);
  expected[0] = 255;
  expected.push_back(0);
  EXPECT_EQ(encode(block), expected);
}

TEST(Unit, RoundTripsEveryLengthAndFill) {
  UnitReader reader;
  for (std::size_t bytes = 1; bytes <= protocol::frame_bytes_max; ++bytes) {
    for (const int kind : {0, 1, 2}) {
      Buffer frame(bytes);
      for (std::size_t i = 0; i < bytes; ++i)
        frame[i] = static_cast<std::uint8_t>(kind == 0 ? 0 : kind == 1 ? 0xFF : i % 256);
      const Buffer unit = encode(frame);
      ASSERT_LE(unit.size(), unit_bytes_max);
      const auto frames = decode(reader, unit);
      ASSERT_EQ(frames.size(), 1U);
      ASSERT_EQ(frames[0], frame) << bytes;
    }
  }
}

// Damage of one unit costs that unit only; a lost end mark glues it to the next and costs both.
TEST(Unit, NoiseCostsOneFrame) {
  std::mt19937 random(3);
  std::vector<Buffer> units;
  for (std::uint16_t i = 0; i < 3; ++i) units.push_back(encode(packet_frame(i, random)));
  for (int round = 0; round < 3000; ++round) {
    std::vector<Buffer> damaged = units;
    Buffer& middle = damaged[1];
    const std::size_t at = random() % (middle.size() - 1);
    const auto where = middle.begin() + static_cast<std::ptrdiff_t>(at);
    switch (round % 4) {
      case 0: middle[at] ^= static_cast<std::uint8_t>(1 + random() % 255); break;
      case 1: middle.erase(where); break;
      case 2: middle.insert(where, static_cast<std::uint8_t>(random())); break;
      default: middle.erase(where, middle.end() - 1);
    }
    Buffer line;
    for (const Buffer& unit : damaged) line.insert(line.end(), unit.begin(), unit.end());
    UnitReader reader;
    const auto found = indexes(reader, line);
    ASSERT_GE(found.size(), 2U);
    // An inserted zero at the very front leaves the middle one whole.
    if (found.size() == 2) {
      ASSERT_EQ(found, (std::vector<int>{0, 2})) << round;
    }
  }
}

TEST(Unit, LostEndMarkCostsTwoFramesAtMost) {
  std::mt19937 random(4);
  Buffer line;
  for (std::uint16_t i = 0; i < 4; ++i) {
    const Buffer unit = encode(packet_frame(i, random));
    line.insert(line.end(), unit.begin(), unit.end() - (i == 1 ? 1 : 0));
  }
  UnitReader reader;
  EXPECT_EQ(indexes(reader, line), (std::vector<int>{0, 3}));
  EXPECT_EQ(reader.counters().overlong, 1U);
}

TEST(Unit, EndlessNoiseIsBoundedAndCounted) {
  std::mt19937 random(5);
  UnitReader reader;
  for (int i = 0; i < 100000; ++i) reader.put(static_cast<std::uint8_t>(1 + random() % 255));
  EXPECT_EQ(reader.counters().overlong, 1U);
  EXPECT_EQ(reader.put(0), std::nullopt);
  const Buffer frame = packet_frame(9, random);
  EXPECT_EQ(decode(reader, encode(frame)), (std::vector<Buffer>{frame}));
}

TEST(Unit, EmptyUnitsAreNothing) {
  UnitReader reader;
  EXPECT_TRUE(decode(reader, {0, 0, 0}).empty());
  EXPECT_EQ(reader.counters().invalid, 0U);
  EXPECT_TRUE(reader.at_boundary());
}

}  // namespace
}  // namespace meterlens::link
