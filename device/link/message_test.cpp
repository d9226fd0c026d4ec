#include "device/link/message.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "device/link/unit.h"
#include "protocol/message.h"
#include "protocol/specified.h"

namespace meterlens::link {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer encoded(const LinkMessage& message) {
  Buffer out(link_bytes_max);
  out.resize(encode_link(message, out));
  return out;
}

// The same messages, in the same order, stand as hexadecimal in SPEC.md section 8.
std::vector<std::pair<std::string, LinkMessage>> vectors() {
  return {{"Mark", Mark{7}},        {"Grant", Grant{7, 14305, 0b1111, 2}},
          {"Switch", Switch{9, 3}}, {"Agree", Agree{9, 3}},
          {"Probe", Probe{9}},      {"Proof", Proof{9}},
          {"Sleep", Sleep{true}}};
}

TEST(LinkMessage, TheVectorsOfTheSpecification) {
  const std::string spec = protocol::specification();
  for (const auto& [name, message] : vectors()) {
    const std::string row = protocol::specified_row(name, encoded(message));
    EXPECT_NE(spec.find(row), std::string::npos) << "SPEC.md section 8 lacks\n" << row;
  }
}

TEST(LinkMessage, ComesBackAsItWentAndIsNoFrame) {
  for (const auto& [name, message] : vectors()) {
    const Buffer bytes = encoded(message);
    EXPECT_TRUE(is_link(bytes));
    EXPECT_FALSE(protocol::decode_frame(bytes));
    const auto back = decode_link(bytes);
    ASSERT_TRUE(back) << name;
    EXPECT_EQ(back->index(), message.index()) << name;
    EXPECT_EQ(encoded(*back), bytes) << name;
  }
}

TEST(LinkMessage, EveryDamageIsFoundOut) {
  for (const auto& [name, message] : vectors()) {
    const Buffer bytes = encoded(message);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        Buffer damaged = bytes;
        damaged[at] ^= static_cast<std::uint8_t>(1 << bit);
        EXPECT_FALSE(decode_link(damaged)) << name;
      }
      EXPECT_FALSE(decode_link(Bytes(bytes).first(at))) << name;
    }
  }
}

TEST(LinkMessage, FieldsOutOfRangeAreRefused) {
  const Buffer table[] = {
      {Mark::type, 0, 0}, {Mark::type, 1, 0, 0},   {Mark::type, 1},  {Switch::type, 1, 0, 4},
      {0x08, 1, 0}, {Sleep::type, 2}, {Sleep::type}, {Sleep::type, 1, 0},
            {Agree::type, 1, 0, 255}, {Probe::type, 1, 0},
  };
  for (const Buffer& body : table) {
    Buffer unit = {link_head};
    unit.insert(unit.end(), body.begin(), body.end());
    const std::uint32_t sum = protocol::crc32(unit);
    for (int shift = 0; shift < 32; shift += 8)
      unit.push_back(static_cast<std::uint8_t>(sum >> shift));
    EXPECT_FALSE(decode_link(unit)) << protocol::hex_of(unit);
  }
}

// ---- a stream of frames and link messages under damage ----

Buffer random_content(std::mt19937& random) {
  if (random() % 3 == 0) return encoded(vectors()[random() % vectors().size()].second);
  Buffer data(1 + random() % 1024);
  for (auto& byte : data) byte = static_cast<std::uint8_t>(random() % 4 == 0 ? 0 : random());
  Buffer frame(protocol::frame_bytes_max);
  const auto index = static_cast<std::uint16_t>(random() % 2048);
  frame.resize(protocol::encode_message(protocol::Packet{7, index, data}, frame));
  return frame;
}

void damage(Buffer& line, std::size_t at, std::size_t count, std::mt19937& random) {
  const auto begin = line.begin() + static_cast<std::ptrdiff_t>(at);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(count, line.size() - at));
  switch (random() % 3) {
    case 0:
      for (auto byte = begin; byte != end; ++byte) *byte = static_cast<std::uint8_t>(random());
      break;
    case 1: line.erase(begin, end); break;
    default:
      for (std::size_t i = 0; i < count; ++i)
        line.insert(line.begin() + static_cast<std::ptrdiff_t>(at),
                    static_cast<std::uint8_t>(random()));
  }
}

struct Story {
  std::vector<Buffer> contents;
  Buffer line;
  std::vector<std::size_t> begins;  // of each unit on the line
};

Story make_story(std::mt19937& random) {
  Story story;
  for (int i = 0; i < 6; ++i) {
    story.contents.push_back(random_content(random));
    Buffer unit(unit_bytes_max);
    unit.resize(encode_unit(story.contents.back(), unit));
    story.begins.push_back(story.line.size());
    story.line.insert(story.line.end(), unit.begin(), unit.end());
  }
  return story;
}

// Whatever happens to a stretch of the line, all before it and all but one frame behind it arrive,
// in order, and nothing arrives that was not sent.
TEST(LinkMessage, DamageCostsAtMostOneUnitBehindIt) {
  for (std::uint32_t seed = 0; seed < 4000; ++seed) {
    std::mt19937 random(seed);
    const Story story = make_story(random);
    Buffer line = story.line;
    const std::size_t at = random() % story.begins[3];
    const std::size_t count = 1 + random() % (random() % 2 == 0 ? 4 : 600);
    damage(line, at, count, random);
    std::vector<Buffer> got;
    UnitReader reader;
    for (const std::uint8_t byte : line) {
      const auto unit = reader.put(byte);
      if (unit && (decode_link(*unit) || protocol::decode_frame(*unit)))
        got.emplace_back(unit->begin(), unit->end());
    }
    // Units wholly before the damage, and those behind the one after it.
    const auto touched = [&](std::size_t place) {
      return static_cast<std::size_t>(
          std::upper_bound(story.begins.begin(), story.begins.end(), place) -
          story.begins.begin() - 1);
    };
    const std::size_t first = touched(at);
    const std::size_t last = touched(std::min(at + count - 1, story.line.size() - 1));
    std::vector<Buffer> must(story.contents.begin(),
                             story.contents.begin() + static_cast<std::ptrdiff_t>(first));
    for (std::size_t i = last + 2; i < story.contents.size(); ++i)
      must.push_back(story.contents[i]);
    std::size_t sent = 0, found = 0;
    for (const Buffer& unit : got) {
      while (sent < story.contents.size() && story.contents[sent] != unit) ++sent;
      ASSERT_LT(sent++, story.contents.size()) << "seed " << seed << ": a unit nobody sent";
      if (found < must.size() && must[found] == unit) ++found;
    }
    ASSERT_EQ(found, must.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace meterlens::link
