// Copies of the database and retention, on both engines.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <thread>

#include "server/store/access.h"
#include "server/store/fixture.h"
#include "server/store/fleet.h"

namespace meterlens::store {
namespace {

using test::photo_of;
using test::reading_of;

class Copies : public test::OnBoth {
 protected:
  std::string copy() const { return (folder_ / "copy.db").string(); }
  std::int64_t add_photo(std::uint32_t number) {
    photo::Photo photo = photo_of("m1", number);
    EXPECT_TRUE(store_->add_photos({&photo, 1}));
    return photo.id;
  }
};

TEST_P(Copies, ACopyHasAllThatTheDatabaseHas) {
  Device device;
  device.id = "m1";
  device.remark = "a\tb\\c\nd\r'\xc3\xa4\\N";
  ASSERT_TRUE(store_->save_device(device));
  auto reading = reading_of("m1", add_photo(3), 5);
  reading.confidence = 0.1 + 0.2;
  reading.reasons = {"one", "two"};
  const auto id = store_->add_reading(reading);
  ASSERT_TRUE(id);
  reading = *store_->reading(*id);
  reading.review = validate::Review{.reviewer = "ann", .reason = "", .at_ms = 9};
  ASSERT_TRUE(store_->add_review(reading, 0));
  ASSERT_TRUE(store_->copy_to(copy()));

  const auto copied = Store::open(copy());
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_EQ((*copied)->device("m1")->remark, device.remark);
  const auto there = (*copied)->reading(*id);
  ASSERT_TRUE(there);
  EXPECT_EQ(there->confidence, 0.1 + 0.2);
  EXPECT_EQ(there->reasons, reading.reasons);
  EXPECT_EQ(there->window, reading.window);
  EXPECT_EQ(there->wheels, reading.wheels);
  EXPECT_EQ(there->review->reviewer, "ann");
  EXPECT_EQ((*copied)->meter_edits("m1", 5)->size(), store_->meter_edits("m1", 5)->size());
  EXPECT_EQ((*copied)->stored_files(StoredFile::Kind::photo, 0, 5)->front().sha256,
            photo_of("m1", 3).sha256);
}

TEST_P(Copies, IdsAreNotUsedAgainInTheCopy) {
  command::Command command;
  command.device = "m1";
  ASSERT_TRUE(store_->add_command(command));
  const auto last = add_photo(1);
  StoredFile file;
  file.id = last;
  ASSERT_TRUE(store_->forget_files({&file, 1}));
  ASSERT_TRUE(store_->copy_to(copy()));
  const auto copied = Store::open(copy());
  photo::Photo next = photo_of("m1", 2);
  ASSERT_TRUE((*copied)->add_photos({&next, 1}));
  EXPECT_GT(next.id, last);
}

TEST_P(Copies, ACopyIsOfOneMomentWhileOthersWrite) {
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (std::uint32_t i = 1; !done; ++i) {
      std::vector<photo::Photo> pair{photo_of("m1", 2 * i), photo_of("m1", 2 * i + 1)};
      EXPECT_TRUE(store_->add_photos(pair));
    }
  });
  while (store_->photos({.count_max = 40})->size() < 40) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) {
    const auto made = store_->copy_to(copy());
    EXPECT_TRUE(made) << made.error().message;
    const auto copied = Store::open(copy());
    const auto photos = (*copied)->photos({.count_max = 1'000'000});
    EXPECT_GE(photos->size(), 40U);
    EXPECT_EQ(photos->size() % 2, 0U) << "half a pair is in the copy";
  }
  done = true;
  writer.join();
}

TEST_P(Copies, ACopyFillsAnEmptyServerAndNoOther) {
  if (kind_ == test::Kind::sqlite) return;  // there a copy is the database
  const auto id = store_->add_reading(reading_of("m1", add_photo(1), 5));
  ASSERT_TRUE(store_->copy_to(copy()));
  const auto full = store_->fill_from(copy());
  ASSERT_FALSE(full);
  EXPECT_NE(full.error().message.find("already"), std::string::npos) << full.error().message;
  store_.reset();
  test::run_on_server(test::quiet_url(), "DROP SCHEMA \"" + schema_ + "\" CASCADE; CREATE SCHEMA"
                      " \"" + schema_ + '"');
  store_ = open();
  const auto filled = store_->fill_from(copy());
  ASSERT_TRUE(filled) << filled.error().message;
  EXPECT_EQ(store_->reading(*id)->value, "195.419");
  const auto next = store_->add_reading(reading_of("m1", 0, 6));
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_GT(*next, *id);
}

TEST_P(Copies, WithoutMigratingAnOtherSchemaIsRefused) {
  EXPECT_TRUE(Store::open(path(), {.migrate = false}));
  const std::string older = "DELETE FROM schema_version WHERE version > 2";
  if (kind_ == test::Kind::sqlite) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, older.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  } else {
    test::run_on_server(path(), older);
  }
  const auto opened = Store::open(path(), {.migrate = false});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::older_schema) << opened.error().message;
}

TEST_P(Copies, WhatIsOldGoesAndEvidenceStaysAsLongAsItsReading) {
  const auto unread = add_photo(1);
  const auto evidence = add_photo(2);
  const auto doubted = add_photo(3);
  const auto young = add_photo(5000);
  auto reading = reading_of("m1", evidence, 10);
  const auto first = *store_->add_reading(reading);
  reading.photo = doubted;
  reading.verdict = validate::Verdict::doubtful;
  ASSERT_TRUE(store_->add_reading(reading));
  reading = reading_of("m1", young, 2000);
  const auto newest = *store_->add_reading(reading);

  Aging aging{.photos_before_ms = 3000, .count_max = 2};
  Aged aged;
  std::vector<std::string> paths;
  do {
    aged = *store_->remove_aged(aging);
    aging = aged.next;
    paths.insert(paths.end(), aged.paths.begin(), aged.paths.end());
  } while (aged.more);
  EXPECT_EQ(paths, std::vector<std::string>{photo_of("m1", 3).path});
  EXPECT_TRUE(store_->photo(unread));
  EXPECT_TRUE(store_->photo(evidence));
  EXPECT_FALSE(store_->photo(doubted));

  aged = *store_->remove_aged({.photos_before_ms = 3000, .readings_before_ms = 9000});
  EXPECT_EQ(aged.readings, 2);
  EXPECT_FALSE(store_->reading(first));
  EXPECT_TRUE(store_->reading(newest)) << "the next one is judged by it";
  EXPECT_EQ(aged.paths, std::vector<std::string>{photo_of("m1", 2).path});
  EXPECT_FALSE(store_->photo(evidence));
}

TEST_P(Copies, OldMessagesAndEntriesOfTheAuditGoAFewAtATime) {
  Fleet rows(*store_);
  Access access(*store_);
  for (std::int64_t at_ms = 1; at_ms <= 5; ++at_ms) {
    const std::vector<fleet::Message> one{
        {0, "m1", fleet::Direction::down, at_ms, "t", 1, false, "00"}};
    ASSERT_TRUE(rows.add_messages(one));
    door::Entry entry;
    entry.at_ms = at_ms;
    ASSERT_TRUE(access.add_entry(entry));
  }
  Aging aging{.messages_before_ms = 5, .audit_before_ms = 4, .count_max = 3};
  Aged aged = *store_->remove_aged(aging);
  EXPECT_EQ(aged.messages, 3);
  EXPECT_EQ(aged.entries, 3);
  EXPECT_TRUE(aged.more);
  aged = *store_->remove_aged(aged.next);
  EXPECT_EQ(aged.messages, 1);
  EXPECT_EQ(aged.entries, 0);
  EXPECT_FALSE(aged.more);
  ASSERT_EQ(rows.messages("m1", 0, 10)->size(), 1U);
  EXPECT_EQ(rows.messages("m1", 0, 10)->front().at_ms, 5);
  EXPECT_EQ(access.entries(0, 10)->size(), 2U);
  EXPECT_EQ(store_->remove_aged({})->messages, 0) << "nothing is too old unless told";
}

TEST_P(Copies, OneOfTwoEditsWithTheSameVersionIsRefused) {
  Fleet rows(*store_);
  EXPECT_EQ(rows.edits("/a").value(), 0);
  EXPECT_EQ(rows.count_edit("/a", 0).value(), 1);
  EXPECT_EQ(rows.count_edit("/a", 0).error().code, ErrorCode::conflict);
  EXPECT_EQ(rows.count_edit("/a", {}).value(), 2);
  EXPECT_EQ(rows.edits("/a").value(), 2);
  EXPECT_EQ(rows.edits("/b").value(), 0);
  std::atomic<int> done = 0;
  std::vector<std::thread> windows;
  for (int i = 0; i < 4; ++i)
    windows.emplace_back([&] { done += rows.count_edit("/a", 2).has_value() ? 1 : 0; });
  for (auto& window : windows) window.join();
  EXPECT_EQ(done, 1);
}

INSTANTIATE_TEST_SUITE_P(On, Copies, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
