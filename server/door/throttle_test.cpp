#include "server/door/throttle.h"

#include <gtest/gtest.h>

namespace meterlens::door {
namespace {

constexpr ThrottleLimits limits{.count_max = 3, .window_ms = 1000, .key_count_max = 4};

TEST(Throttle, LocksAfterTooManyAndOpensAgain) {
  Throttle throttle(limits);
  for (const int at_ms : {0, 10, 20}) {
    EXPECT_EQ(throttle.wait_ms("a", at_ms), 0);
    throttle.count("a", at_ms);
  }
  EXPECT_EQ(throttle.wait_ms("a", 20), 1000);
  EXPECT_EQ(throttle.wait_ms("a", 1019), 1);
  EXPECT_EQ(throttle.wait_ms("b", 20), 0);
  EXPECT_EQ(throttle.wait_ms("a", 1020), 0);
  throttle.count("a", 1020);
  EXPECT_EQ(throttle.wait_ms("a", 1020), 0);
}

TEST(Throttle, SlowAttemptsAndSuccessAreForgotten) {
  Throttle throttle(limits);
  for (const int at_ms : {0, 600, 1200, 1800, 2400}) {
    throttle.count("slow", at_ms);
    EXPECT_EQ(throttle.wait_ms("slow", at_ms), 0) << at_ms;
  }
  throttle.count("a", 0);
  throttle.count("a", 0);
  throttle.forget("a");
  throttle.count("a", 0);
  EXPECT_EQ(throttle.wait_ms("a", 0), 0);
}

TEST(Throttle, RemembersSoManyAndNoMore) {
  Throttle throttle(limits);
  for (int i = 0; i < 3; ++i) throttle.count("locked", 500);
  for (int i = 0; i < 100; ++i) throttle.count("other " + std::to_string(i), 10 + i);
  EXPECT_GT(throttle.wait_ms("locked", 600), 0);
}

TEST(Throttle, AddressesAreCountedByNetwork) {
  EXPECT_EQ(network_of("192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("::ffff:192.0.2.7"), "192.0.2.7");
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("2001:db8:1:2:9:4:5:6"), "2001:db8:1:2::/64");
  EXPECT_EQ(network_of("2001:db8::5"), "2001:db8::/64");
  EXPECT_EQ(network_of("::1"), "::/64");
}

}  // namespace
}  // namespace meterlens::door
