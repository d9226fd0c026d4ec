#include "server/store/leases.h"

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using Queues = std::vector<int>;
constexpr std::int64_t long_ms = 3'600'000;

class LeaseRows : public test::OnBoth {};

TEST_P(LeaseRows, OneWorkerHasAllQueuesAndTwoShareThem) {
  Leases leases(*store_);
  auto first = leases.share("w1", 5, long_ms).value();
  EXPECT_EQ(first.queues, (Queues{0, 1, 2, 3, 4}));
  EXPECT_TRUE(first.extra.empty());
  // Nothing is free yet for the second one; the first one learns of it.
  EXPECT_TRUE(leases.share("w2", 5, long_ms)->queues.empty());
  first = leases.share("w1", 5, long_ms).value();
  EXPECT_EQ(first.workers, 2);
  EXPECT_EQ(first.queues, (Queues{0, 1, 2, 3, 4}));
  EXPECT_EQ(first.extra, (Queues{3, 4}));
  ASSERT_TRUE(leases.release("w1", 3));
  EXPECT_EQ(leases.share("w2", 5, long_ms)->queues, Queues{3});
  ASSERT_TRUE(leases.release("w1", 4));
  EXPECT_EQ(leases.share("w2", 5, long_ms)->queues, (Queues{3, 4}));
  EXPECT_TRUE(leases.share("w1", 5, long_ms)->extra.empty());
}

TEST_P(LeaseRows, WhatADeadOneHadIsTakenAndItLearnsOfThatWhenItWakes) {
  Leases leases(*store_);
  ASSERT_EQ(leases.share("w1", 4, 0)->queues.size(), 4U);  // its leases have ended at once
  const auto second = leases.share("w2", 4, long_ms).value();
  EXPECT_EQ(second.workers, 1);
  EXPECT_EQ(second.queues, (Queues{0, 1, 2, 3}));
  EXPECT_TRUE(leases.share("w1", 4, long_ms)->queues.empty());
}

TEST_P(LeaseRows, AWorkerThatEndsLeavesAllBehind) {
  Leases leases(*store_);
  ASSERT_EQ(leases.share("w1", 2, long_ms)->queues.size(), 2U);
  ASSERT_TRUE(leases.release("w2", 0));  // not its own: nothing happens
  EXPECT_TRUE(leases.share("w2", 2, long_ms)->queues.empty());
  ASSERT_TRUE(leases.end("w1"));
  EXPECT_EQ(leases.share("w2", 2, long_ms)->queues, (Queues{0, 1}));
}

TEST_P(LeaseRows, DevicesAndWhatIsOpenOfThemAreFoundByTheirQueue) {
  for (const char* id : {"m1", "m2", "m3"}) {
    Device device;
    device.id = id;
    device.queue = id == std::string("m2") ? 7 : 3;
    ASSERT_TRUE(store_->save_device(device));
    command::Command command;
    command.device = id;
    ASSERT_TRUE(store_->add_command(command));
    command::WishedSettings wished;
    wished.device = id;
    wished.revision = 1;
    ASSERT_TRUE(store_->save_settings(wished));
  }
  EXPECT_EQ(store_->devices({.queue = 3})->size(), 2U);
  EXPECT_EQ(store_->devices({.queue = 7})->front().id, "m2");
  EXPECT_EQ(store_->devices({.device = "m3"})->front().queue, 3);
  EXPECT_EQ(store_->devices()->size(), 3U);
  EXPECT_EQ(store_->open_commands({.queue = 3})->size(), 2U);
  EXPECT_EQ(store_->open_commands({.device = "m2"})->size(), 1U);
  EXPECT_EQ(store_->open_commands()->size(), 3U);
  EXPECT_EQ(store_->settings({.queue = 7})->front().device, "m2");
}

TEST_P(LeaseRows, UnreadPhotosAreOfOnesOwnQueuesAndThoseOfNoneOfTheFirst) {
  Device device;
  device.id = "m1";
  device.queue = 7;
  ASSERT_TRUE(store_->save_device(device));
  std::array<photo::Photo, 2> photos;
  photos[0].device = "m1";
  photos[0].photo_id = 1;
  photos[1].device = "somebody";
  photos[1].photo_id = 2;
  ASSERT_TRUE(store_->add_photos(photos));
  EXPECT_EQ(store_->unread_photos(10)->size(), 2U);
  EXPECT_EQ(store_->unread_photos(10, Queues{7, 8})->front().device, "m1");
  EXPECT_EQ(store_->unread_photos(10, Queues{0})->front().device, "somebody");
  EXPECT_TRUE(store_->unread_photos(10, Queues{8})->empty());
  EXPECT_TRUE(store_->unread_photos(10, Queues{})->empty());
}

TEST_P(LeaseRows, APhotoThatHasBeenReadIsNotReadAgain) {
  std::array<photo::Photo, 1> photos;
  photos[0].device = "m1";
  photos[0].photo_id = 1;
  ASSERT_TRUE(store_->add_photos(photos));
  const Case one{"m1", 5, photos[0].id, [&](const validate::Past&) {
                   validate::Claim claim;
                   claim.meter = claim.device = "m1";
                   claim.photo = photos[0].id;
                   return validate::refuse(claim);
                 }};
  EXPECT_EQ(store_->judge(std::span(&one, 1), 9)->readings.size(), 1U);
  EXPECT_TRUE(store_->judge(std::span(&one, 1), 9)->readings.empty());
  EXPECT_EQ(store_->readings({})->size(), 1U);
}

TEST_P(LeaseRows, OneOfAllServersIsTheSingleOne) {
  Single first(*store_, "lead"), other(*store_, "something else");
  EXPECT_TRUE(first.hold());
  EXPECT_TRUE(first.hold());
  EXPECT_TRUE(other.hold());
  if (kind_ == test::Kind::sqlite) return;
  {
    Single second(*store_, "lead");
    EXPECT_FALSE(second.hold());
    {
      const Single gone = std::move(first);
    }
    EXPECT_TRUE(second.hold());
  }
}

INSTANTIATE_TEST_SUITE_P(On, LeaseRows, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
