#include "server/api/kept.h"

#include <gtest/gtest.h>

#include <expected>

namespace meterlens::api {
namespace {

using std::chrono::milliseconds;

struct HandClock {
  using duration = milliseconds;
  using time_point = std::chrono::time_point<HandClock, milliseconds>;
  static time_point now() { return time_point(at); }
  static inline milliseconds at{0};
};

class KeptTest : public testing::Test {
 protected:
  std::expected<int, std::string> get(const std::string& key, int takes_ms) {
    return kept_.get(key, [&]() -> std::expected<int, std::string> {
      HandClock::at += milliseconds(takes_ms);
      if (failing_) return std::unexpected("away");
      return ++made_;
    });
  }
  void wait(int ms) { HandClock::at += milliseconds(ms); }
  Kept<int, HandClock> kept_{milliseconds(20), milliseconds(3'000)};
  int made_ = 0;
  bool failing_ = false;
};

TEST_F(KeptTest, WhatIsMadeQuicklyIsAlwaysNew) {
  EXPECT_EQ(get("a", 19), 1);
  EXPECT_EQ(get("a", 19), 2);
}

TEST_F(KeptTest, WhatTakesLongIsKeptForFiftyTimesAsLong) {
  EXPECT_EQ(get("a", 30), 1);
  wait(1'499);
  EXPECT_EQ(get("a", 30), 1);
  EXPECT_EQ(get("b", 30), 2) << "another question";
  wait(1);
  EXPECT_EQ(get("a", 30), 3);
}

TEST_F(KeptTest, ButNotForEver) {
  EXPECT_EQ(get("a", 10'000), 1);
  wait(3'000);
  EXPECT_EQ(get("a", 10'000), 2);
}

TEST_F(KeptTest, AFailureIsNotKept) {
  failing_ = true;
  EXPECT_EQ(get("a", 100).error(), "away");
  failing_ = false;
  EXPECT_EQ(get("a", 100), 1);
}

TEST_F(KeptTest, AsksOfManyKindsTakeNoRoom) {
  for (int i = 0; i < 200; ++i) get(std::to_string(i), 20);
  EXPECT_EQ(made_, 200);
  EXPECT_EQ(get("199", 20), 200) << "older ones had gone";
}

}  // namespace
}  // namespace meterlens::api
