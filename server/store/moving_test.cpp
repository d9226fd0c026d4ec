// Moving house between the engines: whole, broken off, refused.
#include "server/store/moving.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using test::photo_of;
using test::reading_of;

// Where a broken-off move ends, as the process would.
struct Killed {};

class Moving : public test::OnBoth {
 protected:
  void SetUp() override {
    OnBoth::SetUp();
    other_schema_ = "other_" + folder_.filename().string().substr(11) + std::to_string(getpid());
    test::run_on_server(test::server_url(), "CREATE SCHEMA \"" + other_schema_ + '"');
  }
  void TearDown() override {
    test::run_on_server(test::quiet_url(), "DROP SCHEMA \"" + other_schema_ + "\" CASCADE");
    OnBoth::TearDown();
  }
  // Of the engine that the source is not.
  std::string target() const {
    if (kind_ == test::Kind::postgresql) return (folder_ / "target.db").string();
    return test::server_url() + "&options=-csearch_path%3D%22" + other_schema_ + "%22";
  }
  Result<Moved> move(int batch_rows = 7, int batches_max = 1'000'000) {
    store_.reset();
    MoveOptions options;
    options.open.busy_timeout_ms = 2000;
    options.batch_rows = batch_rows;
    options.say = [batches_max, count = 0](const std::string&, std::int64_t) mutable {
      if (++count > batches_max) throw Killed();
    };
    return move_rows(path(), target(), options);
  }
  std::unique_ptr<Store> moved() const {
    auto opened = Store::open(target());
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? std::move(*opened) : nullptr;
  }
  void fill(int count) {
    Device device;
    device.id = "m1";
    device.remark = "a\tb\\c\nd\r'\xc3\xa4\\N\b\f\v:x";
    ASSERT_TRUE(store_->save_device(device));
    for (const char* name : {"a'b", "\\N", "Z", "ä:c", "-"}) {
      device.id = name;
      ASSERT_TRUE(store_->save_device(device));
    }
    for (int i = 1; i <= count; ++i) {
      photo::Photo photo = photo_of("m1", static_cast<std::uint32_t>(i));
      ASSERT_TRUE(store_->add_photos({&photo, 1}));
      auto reading = reading_of("m1", photo.id, i);
      reading.confidence = i == 1 ? 1e-7 : 1.0 / i;
      reading.ms = i * 1e15;
      ASSERT_TRUE(store_->add_reading(reading));
    }
  }
  std::string source_value(const std::string& sql) const {
    if (kind_ == test::Kind::postgresql) return test::run_on_server(path(), sql);
    sqlite3* db = nullptr;
    sqlite3_open(path().c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
    return "";
  }

  std::string other_schema_;
};

TEST_P(Moving, AllIsThereWithItsIds) {
  fill(40);
  StoredFile last;
  last.id = 40;
  ASSERT_TRUE(store_->forget_files({&last, 1}));
  const auto readings = store_->readings({});
  const auto result = move();
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->continued);
  for (const MovedTable& table : result->tables) {
    if (table.name == "device") { EXPECT_EQ(table.rows, 6); }
    if (table.name == "reading") { EXPECT_EQ(table.rows, 40); }
    EXPECT_EQ(table.sha256.size(), 64U);
  }
  const auto there = moved();
  ASSERT_TRUE(there);
  EXPECT_EQ(there->device("m1")->remark, "a\tb\\c\nd\r'\xc3\xa4\\N\b\f\v:x");
  EXPECT_EQ(there->devices()->size(), 6U);
  const auto moved_readings = there->readings({});
  ASSERT_EQ(moved_readings->size(), readings->size());
  for (std::size_t i = 0; i < readings->size(); ++i) {
    EXPECT_EQ((*moved_readings)[i].id, (*readings)[i].id);
    EXPECT_EQ((*moved_readings)[i].confidence, (*readings)[i].confidence);
    EXPECT_EQ((*moved_readings)[i].ms, (*readings)[i].ms);
  }
  photo::Photo next = photo_of("m1", 999);
  ASSERT_TRUE(there->add_photos({&next, 1}));
  EXPECT_GT(next.id, 40) << "an id that was used is used again";
}

TEST_P(Moving, OneThatWasBrokenOffGoesOn) {
  fill(60);
  EXPECT_THROW((void)move(5, 30), Killed);
  const auto early = Store::open(target());
  ASSERT_FALSE(early) << "half a store was opened";
  EXPECT_NE(early.error().message.find("half filled"), std::string::npos) << early.error().message;
  const auto result = move(5);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->continued);
  EXPECT_GT(result->rows_before, 0);
  EXPECT_EQ(moved()->readings({})->size(), 60U);
}

TEST_P(Moving, ATargetWithRowsOrOfAnotherSourceIsRefused) {
  fill(3);
  {
    const auto there = moved();
    Device device;
    device.id = "someone";
    ASSERT_TRUE(there->save_device(device));
  }
  const auto full = move();
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::conflict);
  EXPECT_NE(full.error().message.find("the table device"), std::string::npos);
  EXPECT_EQ(moved()->devices()->size(), 1U) << "the refused target was touched";
}

TEST_P(Moving, ASourceThatChangedMeanwhileIsFound) {
  fill(60);
  EXPECT_THROW((void)move(5, 30), Killed);
  source_value("UPDATE device SET remark = 'changed' WHERE id = 'm1'");
  const auto result = move(5);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("the table device differs"), std::string::npos)
      << result.error().message;
  EXPECT_FALSE(Store::open(target())) << "a store that differs was opened";
}

TEST_P(Moving, NobodyWritesToTheSourceMeanwhile) {
  fill(10);
  store_.reset();
  MoveOptions options;
  options.batch_rows = 5;
  bool tried = false;
  options.say = [&](const std::string&, std::int64_t) {
    if (std::exchange(tried, true)) return;
    const auto beside = Store::open(path(), {.busy_timeout_ms = 50, .migrate = false});
    if (!beside) return;
    const auto written = (*beside)->mark_all_offline();
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::locked) << written.error().message;
  };
  ASSERT_TRUE(move_rows(path(), target(), options));
  EXPECT_TRUE(tried);
}

TEST(MovingPlaces, BothOfOneEngineAreRefused) {
  const auto result = move_rows("a.db", "b.db", {});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("backup"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(On, Moving, test::both, test::named);

}  // namespace
}  // namespace meterlens::store
