#include "server/command/settings.h"

#include <gtest/gtest.h>

namespace meterlens::command {
namespace {

using protocol::Part;
using protocol::SettingsTaken;
using Bytes = std::vector<std::uint8_t>;

const Bytes small_frame = {1, 0, 0, 0, 0}, large_frame = {1, 5, 0, 0, 0}, darker = {8, 1, 0, 0, 0};

class SettingsBookTest : public testing::Test {
 protected:
  SettingsBookTest() {
    book.set_connected(true, 0);
    book.set_link("m1", Link::online, 0);
  }
  void wish(const Bytes& entries, std::int64_t now_ms) {
    book.put(book.changed("m1", Part::camera, entries), now_ms);
  }
  SettingsBook book;
};

TEST_F(SettingsBookTest, IsRepeatedWithGrowingPausesUntilItIsTaken) {
  wish(small_frame, 0);
  std::vector<std::int64_t> sent_ms;
  for (std::int64_t now_ms = 0; now_ms < 2'000'000; now_ms += 500)
    if (!book.due(now_ms).empty()) sent_ms.push_back(now_ms / 1000);
  EXPECT_EQ(sent_ms, (std::vector<std::int64_t>{0, 5, 15, 35, 75, 155, 315, 635, 1235, 1835}));
  EXPECT_FALSE(book.taken("m1", {Part::camera, 7, {}}));
  EXPECT_FALSE(book.taken("m1", {Part::dtu, 1, {}}));
  const Bytes refused = {1};
  EXPECT_TRUE(book.taken("m1", {Part::camera, 1, refused}));
  EXPECT_FALSE(book.taken("m1", {Part::camera, 1, refused}));
  EXPECT_TRUE(book.due(9'000'000).empty());
  EXPECT_EQ(book.find("m1", Part::camera)->refused, refused);
}

TEST_F(SettingsBookTest, AChangeCarriesAllThatWasWished) {
  wish(small_frame, 0);
  wish(darker, 0);
  wish(large_frame, 0);
  const auto due = book.due(0);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].revision, 3U);
  EXPECT_EQ(due[0].entries, (Bytes{1, 5, 0, 0, 0, 8, 1, 0, 0, 0}));
}

TEST_F(SettingsBookTest, WaitsForADeviceThatIsAwayAndBeginsAtOnceWhenItReturns) {
  book.set_link("m1", Link::offline, 0);
  wish(small_frame, 0);
  EXPECT_TRUE(book.due(1'000).empty());
  book.set_link("m1", Link::online, 400'000);
  EXPECT_EQ(book.due(400'000).size(), 1U);
  book.set_connected(false, 400'000);
  EXPECT_TRUE(book.due(800'000).empty());
}

TEST_F(SettingsBookTest, ALostStoreOrALostCameraIsMended) {
  wish(small_frame, 0);
  book.due(0);
  EXPECT_TRUE(book.heard_revision("m1", Part::camera, 9, 1'000));
  EXPECT_EQ(book.find("m1", Part::camera)->revision, 10U);
  EXPECT_EQ(book.due(1'000).size(), 1U);
  EXPECT_TRUE(book.taken("m1", {Part::camera, 10, {}}));
  EXPECT_FALSE(book.heard_revision("m1", Part::camera, 10, 2'000));
  EXPECT_TRUE(book.heard_revision("m1", Part::camera, 0, 3'000));
  EXPECT_EQ(book.due(3'000).size(), 1U);
}

TEST_F(SettingsBookTest, WhatAPartHasIsKnownBeforeAnythingIsWished) {
  EXPECT_FALSE(book.heard_revision("m1", Part::camera, 7, 0));
  EXPECT_EQ(book.find("m1", Part::camera), nullptr) << "nothing is wished";
  EXPECT_TRUE(book.due(0).empty());
  EXPECT_FALSE(book.taken("m1", {Part::camera, 7, {}}));
  wish(small_frame, 0);
  const auto due = book.due(0);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].revision, 8U);
  EXPECT_EQ(due[0].device, "m1");
  // A part whose number has no next one is not believed.
  EXPECT_FALSE(book.heard_revision("m1", Part::camera, UINT32_MAX, 1'000));
  EXPECT_EQ(book.changed("m1", Part::camera, darker).revision, 9U);
}

TEST_F(SettingsBookTest, ADeletedDeviceThatIsBackTakesWhatIsWishedThen) {
  wish(small_frame, 0);
  wish(large_frame, 0);
  EXPECT_TRUE(book.taken("m1", {Part::camera, 2, {}}));
  book.withdraw("m1");
  EXPECT_EQ(book.find("m1", Part::camera), nullptr);
  book.set_link("m1", Link::online, 1'000);
  EXPECT_TRUE(book.due(1'000).empty());
  wish(darker, 1'000);
  EXPECT_FALSE(book.taken("m1", {Part::camera, 2, {}}));
  const auto due = book.due(1'000);
  ASSERT_EQ(due.size(), 1U);
  EXPECT_EQ(due[0].revision, 3U);
  EXPECT_EQ(due[0].entries, darker);
}

}  // namespace
}  // namespace meterlens::command
