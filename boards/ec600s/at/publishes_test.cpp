#include "boards/ec600s/at/publishes.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace meterlens::at {
namespace {

using Result = Publishes::Result;

constexpr std::array<std::uint8_t, 3> three_bytes = {1, 2, 3};

struct PublishesTest : testing::Test {
  // Takes a message and lets it leave for the modem.
  std::uint16_t send(std::uint8_t qos, std::uint64_t now_ms = 0) {
    publishes.take("t", three_bytes, qos, false);
    const std::uint16_t id = publishes.new_id();
    publishes.sent(now_ms);
    return id;
  }

  std::array<std::uint8_t, 4> memory{};
  Publishes publishes{memory};
};

TEST_F(PublishesTest, EachMessageCountsOnceUntilItsResult) {
  publishes.take("t", three_bytes, 1, true);
  EXPECT_EQ(publishes.unacknowledged(), 1U);
  const int id = publishes.new_id();
  publishes.sent(0);
  EXPECT_EQ(publishes.unacknowledged(), 1U);
  publishes.taken();
  EXPECT_EQ(publishes.unacknowledged(), 1U);
  EXPECT_EQ(publishes.hear(id, 0), Result::acknowledged);
  EXPECT_EQ(publishes.unacknowledged(), 0U);
  EXPECT_EQ(publishes.hear(id, 0), Result::unknown);
}

TEST_F(PublishesTest, AResultMayComeBeforeOk) {
  const int id = send(1);
  EXPECT_EQ(publishes.hear(id, 0), Result::acknowledged);
  EXPECT_EQ(publishes.in_flight(), 0U);
  EXPECT_EQ(publishes.unacknowledged(), 1U);  // until the modem lets go of it
  publishes.taken();
  EXPECT_EQ(publishes.unacknowledged(), 0U);
}

TEST_F(PublishesTest, ResultsAreMatchedByIdInAnyOrder) {
  std::array<int, 3> ids{};
  for (int& id : ids) {
    id = send(1);
    publishes.taken();
  }
  EXPECT_EQ(publishes.hear(ids[1], 0), Result::acknowledged);
  EXPECT_EQ(publishes.hear(ids[0], 1), Result::again);
  EXPECT_EQ(publishes.hear(ids[0], 2), Result::failed);
  EXPECT_EQ(publishes.hear(12345, 0), Result::unknown);
  EXPECT_EQ(publishes.hear(ids[2], 0), Result::acknowledged);
  EXPECT_EQ(publishes.unacknowledged(), 0U);
}

TEST_F(PublishesTest, QoS0HasId0AndTheOldestIsMeant) {
  EXPECT_EQ(send(0, 100), 0);
  publishes.taken();
  EXPECT_EQ(send(0, 200), 0);
  publishes.taken();
  EXPECT_EQ(publishes.hear(0, 0), Result::acknowledged);
  EXPECT_EQ(publishes.due_ms(), 200 + result_timeout_ms);
}

TEST_F(PublishesTest, IdsGoRoundWithoutZero) {
  publishes.take("t", three_bytes, 1, false);
  for (int id = 1; id <= 65535; ++id) ASSERT_EQ(publishes.new_id(), id);
  EXPECT_EQ(publishes.new_id(), 1);
}

TEST_F(PublishesTest, ARefusedMessageIsNoLongerInFlight) {
  send(1);
  publishes.refused();
  EXPECT_EQ(publishes.in_flight(), 0U);
  EXPECT_FALSE(publishes.waiting());
}

TEST_F(PublishesTest, ClearSaysHowManyWereLost) {
  send(1);
  publishes.taken();
  publishes.take("t", three_bytes, 1, false);
  EXPECT_EQ(publishes.clear(), 2U);
  EXPECT_EQ(publishes.unacknowledged(), 0U);
  EXPECT_EQ(publishes.due_ms(), std::numeric_limits<std::uint64_t>::max());
}

TEST_F(PublishesTest, TheMemoryBoundsAMessage) {
  const std::array<std::uint8_t, 5> long_payload{};
  EXPECT_TRUE(publishes.fits("t", three_bytes));
  EXPECT_FALSE(publishes.fits("t", long_payload));
  EXPECT_FALSE(publishes.fits(std::string(name_chars_max + 1, 't'), three_bytes));
}

}  // namespace
}  // namespace meterlens::at
