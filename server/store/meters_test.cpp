// Meters and judging in the store: what survives a restart, and who conflicts.
#include <gtest/gtest.h>

#include "server/store/fixture.h"
#include "server/store/fleet.h"

namespace meterlens::store {
namespace {

using test::photo_of;

class StoreMeters : public test::OnBoth {
 protected:
  validate::Reading judged(std::int64_t photo, const std::string& digits, std::int64_t at_ms) {
    validate::Claim claim;
    claim.meter = claim.device = "m1";
    claim.photo = photo;
    claim.at_ms = at_ms;
    claim.status = "read";
    claim.digits = digits;
    claim.certain = static_cast<int>(digits.size());
    const Case one{"m1", at_ms, photo,
                   [&](const validate::Past& past) { return validate::judge(claim, past); }};
    return store_->judge({&one, 1}, at_ms)->readings.front();
  }
};

TEST_P(StoreMeters, WhatWasJudgedIsKnownAfterOpeningAgain) {
  const auto high = judged(0, "00700", 1000);
  EXPECT_EQ(judged(0, "00100", 4'000'000).verdict, validate::Verdict::doubtful);
  store_.reset();
  store_ = open();
  EXPECT_EQ(judged(0, "00101", 8'000'000).verdict, validate::Verdict::accepted);
  EXPECT_EQ(store_->reading(high.id)->verdict, validate::Verdict::doubtful);
  EXPECT_EQ(store_->reading_history(high.id)->size(), 2U);
}

TEST_P(StoreMeters, TheSameBytesOnceMoreAreNoNewReading) {
  std::vector<photo::Photo> photos{photo_of("m1", 1), photo_of("m1", 2)};
  photos[1].sha256 = photos[0].sha256;
  ASSERT_TRUE(store_->add_photos(photos));
  EXPECT_EQ(judged(photos[0].id, "00100", 1000).verdict, validate::Verdict::accepted);
  const auto again = judged(photos[1].id, "00100", 4'000'000);
  EXPECT_EQ(again.verdict, validate::Verdict::doubtful);
  EXPECT_EQ(again.flags, validate::bit(validate::Flag::same_photo));
}

TEST_P(StoreMeters, ADeviceIsAdoptedOnceAndItsWatchesArePeopleS) {
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  auto watch = store_->watched("m1", 500)->front();
  EXPECT_EQ(watch.meter, "m1");
  watch.to_ms = 400;
  ASSERT_TRUE(store_->change_watch(watch, {"ann", "moved", 7}));
  EXPECT_TRUE(store_->watched("m1", 500)->empty());
  EXPECT_EQ(store_->watched("m1", 399)->size(), 1U);
  EXPECT_EQ(store_->change_watch(watch, {}).error().code, ErrorCode::conflict);
  const auto edits = store_->watch_edits(watch.id, 10);
  ASSERT_EQ(edits->size(), 2U);
  EXPECT_EQ(edits->front().author.name, "ann");
}

TEST_P(StoreMeters, APhotoThatWasDeletedWhileItWasReadLeavesNothing) {
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  EXPECT_EQ(store_->watched("m1", 500)->size(), 1U);
  ASSERT_TRUE(Fleet(*store_).remove_device("m1", true));
  EXPECT_TRUE(store_->watched("m1", 500)->empty());
  EXPECT_TRUE(store_->watches("m1", "", 0, 10)->empty());
  const Case one{"m1", 1, photo.id, [&](const validate::Past&) {
                   validate::Claim claim;
                   claim.meter = claim.device = "m1";
                   claim.photo = photo.id;
                   return validate::refuse(claim);
                 }};
  EXPECT_TRUE(store_->judge({&one, 1}, 9)->readings.empty());
  EXPECT_TRUE(store_->readings({})->empty());
}

INSTANTIATE_TEST_SUITE_P(On, StoreMeters, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
