#include "server/photo/views.h"

#include <gtest/gtest.h>

namespace meterlens::photo {
namespace {

using Buffer = std::vector<std::uint8_t>;

const Buffer first = {0xFF, 0xD8, 1}, second = {2, 3}, third = {4};

struct World {
  bool add(std::uint16_t number, std::uint8_t index, const Buffer& data, std::uint8_t count = 3) {
    return views.add("m1", data, number, index, count, now_ms);
  }
  std::uint16_t shown() const {
    const auto view = views.newest("m1");
    return view ? view->number : 0;
  }
  Views views{2};
  std::int64_t now_ms = 1000;
};

TEST(Views, AFrameIsShownWhenAllItsPacketsAreThereInAnyOrder) {
  World world;
  EXPECT_FALSE(world.views.newest("m1"));
  EXPECT_FALSE(world.add(1, 2, third));
  EXPECT_FALSE(world.add(1, 0, first));
  EXPECT_FALSE(world.add(1, 0, first));  // doubled
  EXPECT_FALSE(world.views.newest("m1"));
  EXPECT_TRUE(world.add(1, 1, second));
  const auto view = world.views.newest("m1");
  ASSERT_TRUE(view);
  EXPECT_EQ(view->jpeg, (Buffer{0xFF, 0xD8, 1, 2, 3, 4}));
  EXPECT_EQ(view->at_ms, 1000);
}

TEST(Views, ALostPacketCostsThatFrameAlone) {
  World world;
  world.add(1, 0, first, 1);
  world.add(2, 0, first);
  EXPECT_EQ(world.shown(), 1);
  EXPECT_TRUE(world.add(3, 0, first, 1));
  EXPECT_FALSE(world.add(2, 1, second));  // late
  EXPECT_FALSE(world.add(2, 2, third));
  EXPECT_EQ(world.shown(), 3);
}

TEST(Views, NumbersGoInACircleAndBeginAnewAfterAPause) {
  World world;
  EXPECT_TRUE(world.add(65535, 0, first, 1));
  EXPECT_TRUE(world.add(1, 0, first, 1));
  EXPECT_TRUE(world.add(30000, 0, first, 1));
  EXPECT_FALSE(world.add(2, 0, first, 1));
  world.now_ms += 61'000;
  EXPECT_TRUE(world.add(2, 0, first, 1));
  EXPECT_EQ(world.shown(), 2);
}

TEST(Views, WhatIsNoJpegIsNotShown) {
  World world;
  EXPECT_FALSE(world.add(1, 0, second, 1));
  EXPECT_FALSE(world.views.newest("m1"));
}

TEST(Views, TheDeviceHeardLongestAgoMakesRoom) {
  World world;
  for (const char* device : {"a", "b", "c"}) {
    EXPECT_TRUE(world.views.add(device, first, 1, 0, 1, ++world.now_ms));
  }
  EXPECT_FALSE(world.views.newest("a"));
  EXPECT_TRUE(world.views.newest("b"));
  EXPECT_TRUE(world.views.newest("c"));
}

}  // namespace
}  // namespace meterlens::photo
