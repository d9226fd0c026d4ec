#include "protocol/luminance.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace meterlens::protocol {
namespace {

using State = LuminanceWalk::State;
using Buffer = std::vector<std::uint8_t>;

Buffer file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Buffer bytes{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(bytes.empty()) << path;
  return bytes;
}

Buffer sample(const std::string& name) { return file("tests/fuzz/corpus/luminance/" + name); }

State walk(LuminanceWalk& it, const Buffer& jpeg) {
  it.begin(jpeg);
  return it.step(0xFFFFFFFF);
}

// The means are those of the pixels that libjpeg-turbo decodes.
TEST(Luminance, AgreesWithADecoder) {
  const std::tuple<std::string, double, int, int> table[] = {
      {"tests/fuzz/corpus/luminance/gray.jpg", 129.82, 0, 0},
      {"tests/fuzz/corpus/luminance/444.jpg", 137.82, 0, 0},
      {"tests/fuzz/corpus/luminance/422.jpg", 137.82, 0, 0},
      {"tests/fuzz/corpus/luminance/420.jpg", 137.82, 0, 0},
      {"tests/fuzz/corpus/luminance/420_restart.jpg", 137.82, 0, 0},
      {"tests/golden/smartdtu/capture_8k.jpg", 100.66, 0, 0},  // from an ESP32-CAM
      {"tests/golden/meters/9_9.jpg", 90.75, 0, 0},
  };
  for (const auto& [path, mean, dark, bright] : table) {
    LuminanceWalk it;
    ASSERT_EQ(walk(it, file(path)), State::done) << path;
    EXPECT_NEAR(it.result().mean, mean, 1.0) << path;
    EXPECT_EQ(it.result().dark_percent, dark) << path;
    EXPECT_EQ(it.result().bright_percent, bright) << path;
  }
}

TEST(Luminance, JudgesDarkAndBrightPhotos) {
  LuminanceWalk it;
  ASSERT_EQ(walk(it, sample("dark.jpg")), State::done);
  EXPECT_NEAR(it.result().mean, 9.65, 1.0);
  EXPECT_GT(it.result().dark_percent, 60);
  EXPECT_EQ(judge(it.result(), 24, 235), Light::dark);
  ASSERT_EQ(walk(it, sample("bright.jpg")), State::done);
  EXPECT_NEAR(it.result().mean, 253.70, 1.0);
  EXPECT_GT(it.result().bright_percent, 90);
  EXPECT_EQ(judge(it.result(), 24, 235), Light::bright);
  EXPECT_EQ(judge({24, 0, 0}, 24, 235), Light::good);
  EXPECT_EQ(judge({235, 0, 0}, 24, 235), Light::good);
}

TEST(Luminance, SmallStepsSayTheSame) {
  const Buffer jpeg = sample("420_restart.jpg");
  LuminanceWalk whole, steps;
  ASSERT_EQ(walk(whole, jpeg), State::done);
  steps.begin(jpeg);
  int step_count = 1;
  while (steps.step(3) == State::walking) ++step_count;
  EXPECT_EQ(step_count, 7);  // 5 x 4 units of 16 x 16 pixels
  EXPECT_EQ(steps.result().mean, whole.result().mean);
}

TEST(Luminance, WhatIsCutOrOfAnotherKindIsUnknown) {
  LuminanceWalk it;
  EXPECT_EQ(walk(it, sample("progressive.jpg")), State::unknown);
  EXPECT_EQ(walk(it, {}), State::unknown);
  const Buffer jpeg = sample("420_restart.jpg");
  for (std::size_t bytes = 0; bytes + 10 < jpeg.size(); ++bytes)
    EXPECT_EQ(walk(it, Buffer(jpeg.begin(), jpeg.begin() + static_cast<std::ptrdiff_t>(bytes))),
              State::unknown)
        << bytes;
  // A restart marker out of its turn: bytes are missing.
  Buffer turned = jpeg;
  for (std::size_t i = 0; i + 1 < turned.size(); ++i)
    if (turned[i] == 0xFF && turned[i + 1] == 0xD1) turned[i + 1] = 0xD2;
  EXPECT_EQ(walk(it, turned), State::unknown);
}

}  // namespace
}  // namespace meterlens::protocol
