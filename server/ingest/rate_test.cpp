#include "server/ingest/rate.h"

#include <gtest/gtest.h>

namespace meterlens::ingest {
namespace {

int admitted(Rate& rate, const std::string& device, int count, std::int64_t now_ms) {
  int out = 0;
  for (int i = 0; i < count; ++i) out += rate.admits(device, 100, now_ms) ? 1 : 0;
  return out;
}

TEST(Rate, ABurstPassesAndThenSoManyASecond) {
  Rate rate({.per_s = 10, .burst = 100});
  EXPECT_EQ(admitted(rate, "m1", 500, 0), 100);
  EXPECT_EQ(admitted(rate, "m2", 50, 0), 50) << "another device has a bucket of its own";
  EXPECT_EQ(admitted(rate, "m1", 500, 1000), 10);
  EXPECT_EQ(admitted(rate, "m1", 500, 3500), 25);
  EXPECT_EQ(admitted(rate, "m1", 500, 1'000'000), 100) << "never more than a burst";
}

TEST(Rate, ALongMessageCostsMore) {
  Rate rate({.per_s = 1, .burst = 10});
  EXPECT_TRUE(rate.admits("m1", 0, 0));
  EXPECT_TRUE(rate.admits("m1", 1024, 0));
  EXPECT_TRUE(rate.admits("m1", 8 * 1024, 0));
  EXPECT_FALSE(rate.admits("m1", 1, 0));
}

TEST(Rate, DevicesThatAreSilentAreForgotten) {
  Rate rate({.per_s = 1000, .burst = 10});
  for (int i = 0; i < 100'000; ++i) rate.admits("m" + std::to_string(i), 1, i);
  EXPECT_LT(rate.size(), 3'000U);
}

}  // namespace
}  // namespace meterlens::ingest
