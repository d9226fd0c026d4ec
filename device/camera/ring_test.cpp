#include "device/camera/ring.h"

#include <gtest/gtest.h>

#include "device/camera/test_board.h"

namespace meterlens::camera {
namespace {

using protocol::Dialect;

bool add(PhotoRing& ring, const Buffer& photo, std::uint32_t command_id = 0) {
  if (ring.prepare() != FlashStep::done || !ring.write(photo)) return false;
  Photo meta;
  meta.command_id = command_id;
  meta.captured_at_ms = 1234;
  meta.sha256 = protocol::sha256(photo);
  return ring.commit(meta, Dialect::native);
}

TEST(PhotoRing, KeepsEverythingThroughAReset) {
  FakeFlash flash;
  const Buffer photo = make_photo(5000, 1);
  {
    PhotoRing ring(flash.port(), 100);
    ring.load();
    ASSERT_TRUE(add(ring, photo, 77));
  }
  PhotoRing ring(flash.port(), 1);
  ring.load();
  const auto kept = ring.oldest();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->id, 100U);
  EXPECT_EQ(kept->bytes, 5000U);
  EXPECT_EQ(kept->captured_at_ms, 1234U);
  EXPECT_EQ(kept->sha256, protocol::sha256(photo));
  EXPECT_TRUE(ring.knows_command(77));
  Buffer read(1000);
  ASSERT_TRUE(ring.read(100, 4000, read));
  EXPECT_TRUE(std::equal(read.begin(), read.end(), photo.begin() + 4000));
  ring.forget(100, false);
  PhotoRing later(flash.port(), 1);
  later.load();
  EXPECT_EQ(later.waiting_count(), 0);
  EXPECT_TRUE(later.knows_command(77));
}

TEST(PhotoRing, NeverUsesANumberTwice) {
  FakeFlash flash;
  std::uint32_t last = 0;
  for (std::uint32_t round = 0; round < 20; ++round) {
    PhotoRing ring(flash.port(), 1);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, round)));
    ASSERT_EQ(ring.oldest()->id, last + 1);
    last = ring.oldest()->id;
    ring.forget(last, false);
    // Power may go when a slot has just been erased for the next photo.
    PhotoRing cut(flash.port(), 1);
    cut.load();
    ASSERT_EQ(cut.prepare(), FlashStep::done);
  }
}

TEST(PhotoRing, ASlowErasureIsPending) {
  FakeFlash flash;
  flash.erase_calls = 5;
  PhotoRing ring(flash.port(), 1);
  ring.load();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(ring.prepare(), FlashStep::pending);
  ASSERT_EQ(ring.prepare(), FlashStep::done);
}

TEST(PhotoRing, FlashFullOfRubbishIsAnEmptyRing) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    FakeFlash flash;
    for (std::size_t slot = 0; slot < 4; ++slot)
      for (auto& byte : flash.slot(slot)) byte = static_cast<std::uint8_t>(random());
    PhotoRing ring(flash.port(), 1);
    ring.load();
    ASSERT_EQ(ring.waiting_count(), 0);
    ASSERT_TRUE(add(ring, make_photo(100, 3)));
  }
}

TEST(PhotoRing, ABitThatTurnsInHeadOrMarkLosesNoPhoto) {
  for (std::size_t bit = 0; bit < 8 * slot_head_bytes; ++bit) {
    FakeFlash flash;
    PhotoRing ring(flash.port(), 5);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, 3)));
    flash.slot(0)[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    PhotoRing later(flash.port(), 1);
    later.load();
    ASSERT_EQ(later.waiting_count(), 1) << bit;
    ASSERT_EQ(later.oldest()->id, 5U) << bit;
    ASSERT_EQ(later.oldest()->sha256, ring.oldest()->sha256) << bit;
  }
}

// Found by the simulator: each failed try pushed out one more photo, and in the end the head
// that counts the lost ones.
TEST(PhotoRing, AFailedTryCostsNoFurtherPhoto) {
  for (const int failures : {0, 1, 2}) {
    FakeFlash flash;
    PhotoRing ring(flash.port(), 1);
    ring.load();
    for (std::uint32_t i = 1; i <= 3; ++i) ASSERT_TRUE(add(ring, make_photo(100, i)));
    flash.program_failures = failures;
    int attempts = 1;
    while (!add(ring, make_photo(100, 4))) ASSERT_LE(++attempts, 3);
    EXPECT_EQ(attempts, failures + 1);
    // A slot that has failed twice is out: then room is made.
    EXPECT_EQ(ring.lost_count(), failures < 2 ? 1U : 2U) << failures;
    EXPECT_EQ(ring.waiting_count(), failures < 2 ? 3U : 2U) << failures;
    PhotoRing later(flash.port(), 1);
    later.load();
    EXPECT_EQ(later.lost_count(), ring.lost_count());
  }
}

TEST(PhotoRing, AMarkWithAWrongBitStillForgets) {
  for (std::size_t bit = 0; bit < 128; ++bit) {
    FakeFlash flash;
    PhotoRing ring(flash.port(), 5);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, 3)));
    ring.forget(5, false);
    flash.slot(0)[112 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    PhotoRing later(flash.port(), 1);
    later.load();
    ASSERT_EQ(later.waiting_count(), 0) << bit;
  }
}

TEST(PhotoRing, AHeadWithTwoWrongBitsIsNoPhoto) {
  for (std::size_t byte = 0; byte < 68; ++byte) {
    FakeFlash flash;
    PhotoRing ring(flash.port(), 1);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, 3)));
    flash.slot(0)[byte] ^= 0x10;
    flash.slot(0)[(byte + 11) % 68] ^= 0x02;
    PhotoRing later(flash.port(), 1);
    later.load();
    ASSERT_EQ(later.waiting_count(), 0) << byte;
  }
}

// A slot has failed twice, so that of the oldest is taken: a reset during that must not forget the
// loss.
TEST(PhotoRing, ALossForWantOfSoundSlotsIsOnRecordBeforeItHappens) {
  FakeFlash flash;
  PhotoRing ring(flash.port(), 1);
  ring.load();
  for (std::uint32_t i = 1; i <= 3; ++i) ASSERT_TRUE(add(ring, make_photo(100, i)));
  for (std::uint8_t failure = 0; failure < slot_failures_max; ++failure) {
    EXPECT_EQ(ring.lost_count(), 0U);
    ASSERT_EQ(ring.prepare(), FlashStep::done);
    flash.program_failures = 1;
    ASSERT_FALSE(ring.write(make_photo(100, 4)));
  }
  ASSERT_EQ(ring.prepare(), FlashStep::done);
  EXPECT_EQ(ring.lost_count(), 1U);
  PhotoRing later(flash.port(), 1);
  later.load();
  EXPECT_EQ(later.waiting_count(), 2);
  EXPECT_EQ(later.lost_count(), 1U);
}

TEST(PhotoRing, ALossIsNotedOnceMoreWhereTheFirstNoteFails) {
  FakeFlash flash;
  {
    PhotoRing ring(flash.port(), 1);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, 1)));
    ASSERT_TRUE(add(ring, make_photo(100, 2)));
    flash.program_failures = 1;
    ring.forget(1, true);
  }
  PhotoRing ring(flash.port(), 1);
  ring.load();
  EXPECT_EQ(ring.waiting_count(), 1);
  EXPECT_EQ(ring.lost_count(), 1U);
}

TEST(PhotoRing, AHeadThatFailedAndIsThereAllTheSameIsNoSecondPhoto) {
  FakeFlash flash;
  flash.failures_write = true;
  PhotoRing ring(flash.port(), 1);
  ring.load();
  const Buffer photo = make_photo(100, 1);
  ASSERT_EQ(ring.prepare(), FlashStep::done);
  ASSERT_TRUE(ring.write(photo));
  flash.program_failures = 1;
  Photo meta;
  meta.sha256 = protocol::sha256(photo);
  ASSERT_FALSE(ring.commit(meta, Dialect::native));
  ASSERT_TRUE(add(ring, make_photo(100, 2)));
  EXPECT_EQ(ring.oldest()->id, 2U);
  PhotoRing later(flash.port(), 1);
  later.load();
  EXPECT_EQ(later.waiting_count(), 1);
  EXPECT_EQ(later.oldest()->sha256, protocol::sha256(make_photo(100, 2)));
}

TEST(PhotoRing, ALossIsOnRecordBeforeTheNextPhotoAndOnce) {
  FakeFlash flash;
  {
    PhotoRing ring(flash.port(), 1);
    ring.load();
    ASSERT_TRUE(add(ring, make_photo(100, 1)));
    ASSERT_TRUE(add(ring, make_photo(100, 2)));
    ring.forget(1, true);
    EXPECT_EQ(ring.lost_count(), 1U);
  }
  {
    PhotoRing ring(flash.port(), 1);
    ring.load();
    EXPECT_EQ(ring.lost_count(), 1U);
    ASSERT_TRUE(add(ring, make_photo(100, 3)));
    EXPECT_EQ(ring.lost_count(), 1U);
  }
  PhotoRing ring(flash.port(), 1);
  ring.load();
  EXPECT_EQ(ring.lost_count(), 1U);
}

TEST(PhotoRing, AnUnreadableSlotCostsAPhotoWhenItsRoomIsNeededAndOnRecord) {
  FakeFlash flash;
  {
    PhotoRing ring(flash.port(), 1);
    ring.load();
    for (std::uint32_t i = 1; i <= 3; ++i) ASSERT_TRUE(add(ring, make_photo(100, i)));
  }
  flash.unreadable = 3;
  PhotoRing ring(flash.port(), 1);
  ring.load();
  EXPECT_EQ(ring.waiting_count(), 3);
  ASSERT_EQ(ring.prepare(), FlashStep::done);
  EXPECT_EQ(ring.waiting_count(), 2);
  EXPECT_EQ(ring.lost_count(), 1U);
}

TEST(PhotoRing, AnUnreadableFlashIsNoPhotos) {
  FakeFlash flash;
  flash.read_fails = true;
  PhotoRing ring(flash.port(), 1);
  ring.load();
  EXPECT_EQ(ring.waiting_count(), 0);
  EXPECT_EQ(ring.prepare(), FlashStep::failed);
}

}  // namespace
}  // namespace meterlens::camera
