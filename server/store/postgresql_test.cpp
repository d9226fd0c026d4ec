// Faults of PostgreSQL, made for real: locks, rights, lost connections and answers.
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>

#include "server/store/driver.h"
#include "server/store/fixture.h"
#include "server/store/plans.h"
#include "server/store/test_proxy.h"

namespace meterlens::store {
namespace {

using test::photo_of;
using test::reading_of;
using test::run_on_server;

class Postgresql : public test::OnBoth {
 protected:
  // Through a proxy, or another role, or what else the URL may say.
  std::unique_ptr<Store> open_by(const std::string& url, int patience_ms = 5000) {
    Options options{.busy_timeout_ms = patience_ms, .commit_patience_ms = patience_ms};
    options.say = [this](const std::string& words) {
      const std::lock_guard lock(mutex_);
      said_ += words + "\n";
    };
    auto opened = Store::open(url, options);
    if (!opened) error_ = opened.error();
    return opened ? std::move(*opened) : nullptr;
  }
  std::string said() {
    const std::lock_guard lock(mutex_);
    return said_;
  }
  std::string run(const std::string& sql) const { return run_on_server(path(), sql); }

  std::mutex mutex_;
  std::string said_;
  Error error_;
};

// A session that stays open while a test goes on.
class Other {
 public:
  explicit Other(const std::string& url) : connection_(PQconnectdb(url.c_str())) {}
  ~Other() { PQfinish(connection_); }
  void run(const char* sql) { PQclear(PQexec(connection_, sql)); }

 private:
  PGconn* connection_;
};

TEST_P(Postgresql, IsGivenATextOnceAndThenItsName) {
  soci::session sql(postgresql_with_plans(), path());
  const auto plans = [&] {
    int count = 0;
    sql << "SELECT CAST(count(*) AS INT) FROM pg_prepared_statements", soci::into(count);
    return count;
  };
  const auto ask = [&](int value) {
    int twice = 0;
    sql << "SELECT 2 * CAST(:value AS INT)", soci::use(value), soci::into(twice);
    return twice;
  };
  EXPECT_EQ(ask(1), 2);
  EXPECT_EQ(plans(), 0) << "a text that comes once is no plan";
  EXPECT_EQ(ask(2), 4);
  EXPECT_EQ(ask(3), 6);
  EXPECT_EQ(plans(), 2) << "that one, and this one's own";
  // What is made up each time has a bound.
  for (int i = 0; i < 300; ++i) {
    int value = 0;
    for (int times = 0; times < 2; ++times)
      sql << "SELECT " + std::to_string(1000 + i), soci::into(value);
    EXPECT_EQ(value, 1000 + i);
  }
  EXPECT_EQ(plans(), 256);
  EXPECT_EQ(ask(4), 8);
  EXPECT_THROW(sql << "SELECT no_such_column FROM photo", soci::soci_error);
  EXPECT_EQ(ask(5), 10);
}

TEST_P(Postgresql, PlansOutliveWhatChangesTheTables) {
  const auto write_and_read = [&](std::uint32_t number) {
    photo::Photo photo = photo_of("m1", number);
    ASSERT_TRUE(store_->add_photos({&photo, 1}));
    ASSERT_TRUE(store_->add_reading(reading_of("m1", photo.id, static_cast<int>(number))));
    for (int i = 0; i < 12; ++i) {  // of each connection that reads
      const auto photos = store_->photos({.device = "m1"});
      ASSERT_TRUE(photos);
      EXPECT_EQ(photos->size(), number);
      ASSERT_TRUE(store_->readings({.photo = photo.id}));
    }
  };
  for (std::uint32_t number = 1; number <= 8; ++number) write_and_read(number);
  run("ALTER TABLE photo ADD COLUMN later BIGINT NOT NULL DEFAULT 7");
  run("ALTER TABLE reading ADD COLUMN later TEXT NOT NULL DEFAULT ''");
  run("CREATE TABLE reading_far PARTITION OF reading FOR VALUES FROM (99999999999990) TO"
      " (99999999999999)");
  run("DROP INDEX IF EXISTS photo_device");
  for (std::uint32_t number = 9; number <= 11; ++number) write_and_read(number);
}

// A plan that is kept knows neither the meter nor how many rows are asked for.
TEST_P(Postgresql, PhotosOfAMeterAreFoundWithoutAWalkOverAll) {
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(store_->add_reading(reading_of("m1", i == 0 ? photo.id : 0, i)));
  run("INSERT INTO photo (device, photo_id, image_file, bytes, sha256, state, reason,"
      " captured_at_ms, received_at_ms, command, path, reading) SELECT 'm' || n, n, '', 1,"
      " CAST(n AS TEXT), 'stored', '', n, n, 0, '', 1 FROM generate_series(2, 20000) n");
  run("ANALYZE");
  const auto rows_read = [&] {
    return std::stoll(run("SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read FROM"
                          " pg_stat_user_tables WHERE relname = 'photo' AND"
                          " schemaname = current_schema()"));
  };
  const long long before = rows_read();
  constexpr int asked = 60;
  for (int i = 0; i < asked; ++i) {
    const auto photos = store_->photos({.meter = "m1", .count_max = 51});
    ASSERT_TRUE(photos);
    ASSERT_EQ(photos->size(), 1U);
  }
  // The server counts what a connection has read when that ends; each question reads a row.
  store_.reset();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (rows_read() - before < asked && std::chrono::steady_clock::now() < end) {
  }
  EXPECT_GE(rows_read() - before, asked);
  EXPECT_LT(rows_read() - before, 10 * asked);
}

TEST_P(Postgresql, LockedByAnotherProgramWhileWriting) {
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  const auto impatient = open_by(path(), 50);
  ASSERT_TRUE(impatient);
  Other other(path());
  other.run("BEGIN");
  other.run("SELECT pg_advisory_xact_lock(1296389185, hashtext(current_schema()))");
  photo::Photo second = photo_of("m1", 2);
  const auto added = impatient->add_photos({&second, 1});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, ErrorCode::locked) << added.error().message;
  EXPECT_TRUE(impatient->photo(photo.id)) << "reading goes on beside a writer";
  other.run("ROLLBACK");
  EXPECT_TRUE(impatient->add_photos({&second, 1})) << "and writing after it";
}

TEST_P(Postgresql, TwoProgramsWriteInTurns) {
  const auto second = open_by(path());
  ASSERT_TRUE(second);
  const auto write_all = [](Store& store, const std::string& device) {
    for (std::uint32_t i = 1; i <= 50; ++i) {
      photo::Photo photo = photo_of(device, i);
      EXPECT_TRUE(store.add_photos({&photo, 1}));
      EXPECT_TRUE(store.add_reading(reading_of(device, photo.id, i)));
    }
  };
  std::thread beside([&] { write_all(*second, "m2"); });
  write_all(*store_, "m1");
  beside.join();
  EXPECT_EQ(store_->readings({.count_max = 1000})->size(), 100U);
  EXPECT_TRUE(store_->unread_photos(10)->empty());
}

TEST_P(Postgresql, ANewerSchemaIsRefusedAndLeftAlone) {
  run("INSERT INTO schema_version VALUES (99, 0)");
  EXPECT_FALSE(open_by(path()));
  EXPECT_EQ(error_.code, ErrorCode::newer_schema) << error_.message;
  run("DELETE FROM schema_version WHERE version = 99");
  EXPECT_TRUE(open_by(path()));
}

TEST_P(Postgresql, ThePasswordIsAskedForAndNeverSaid) {
  run("DROP ROLE IF EXISTS locked");
  run("CREATE ROLE locked LOGIN PASSWORD 'se''cret\\'");
  std::string url = path();
  url.replace(url.find("meterlens@"), 10, "locked@");
  Options options{.busy_timeout_ms = 2000, .password = "wrong"};
  const auto wrong = Store::open(url, options);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::cannot_open) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("authentication failed"), std::string::npos);
  options.password = "se'cret\\";
  const auto no_rights = Store::open(url, options);
  ASSERT_FALSE(no_rights);
  EXPECT_EQ(no_rights.error().code, ErrorCode::read_only) << no_rights.error().message;
  EXPECT_EQ(no_rights.error().message.find("se'cret"), std::string::npos);
  run("GRANT ALL ON SCHEMA \"" + schema_ + "\" TO locked");
  run("GRANT ALL ON ALL TABLES IN SCHEMA \"" + schema_ + "\" TO locked");
  EXPECT_TRUE(Store::open(url, options));
  run("DROP OWNED BY locked");
  run("DROP ROLE locked");
}

TEST_P(Postgresql, AUrlThatIsNotRightIsSaidWithoutItsSecrets) {
  for (const std::string url : {"postgresql://m:se%cret@db/x", "postgresql://m:secret@db/x",
                                "postgresql://m@db/x?password=secret", "postgres://[secret"}) {
    EXPECT_FALSE(open_by(url));
    EXPECT_EQ(error_.code, ErrorCode::cannot_open);
    EXPECT_EQ(error_.message.find("cret"), std::string::npos) << error_.message;
  }
}

TEST_P(Postgresql, AServerThatIsNotThereIsSaid) {
  EXPECT_FALSE(open_by("postgresql://m@/x?host=" + folder_.string(), 50));
  EXPECT_EQ(error_.code, ErrorCode::unreachable) << error_.message;
}

TEST_P(Postgresql, ConnectionsThatEndAreMadeAnew) {
  const auto store = open_by(path() + "&application_name=" + schema_);
  ASSERT_TRUE(store);
  photo::Photo photo = photo_of("m1", 1);
  ASSERT_TRUE(store->add_photos({&photo, 1}));
  const std::string end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
                          " application_name = '" + schema_ + "'";
  EXPECT_EQ(run(end), "5");
  EXPECT_TRUE(store->photo(photo.id));
  EXPECT_TRUE(store->add_reading(reading_of("m1", photo.id, 1)));
  EXPECT_EQ(store->readings({})->size(), 1U);
  EXPECT_NE(said().find("cannot be reached"), std::string::npos) << said();
  EXPECT_NE(said().find("is back"), std::string::npos) << said();
}

TEST_P(Postgresql, WhatDiedAtItsCommitIsDoneOnce) {
  run("CREATE SEQUENCE deaths; CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$"
      " BEGIN IF nextval('deaths') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
      " RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER dying AFTER INSERT ON reading DEFERRABLE"
      " INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()");
  ASSERT_TRUE(store_->add_reading(reading_of("m1", 0, 1)));
  EXPECT_EQ(run("SELECT last_value FROM deaths"), "2") << "it died, and was done again";
  EXPECT_EQ(store_->readings({})->size(), 1U);
}

TEST_P(Postgresql, WhatWasStoredAndNotAnsweredIsNotDoneTwice) {
  test::Proxy proxy(folder_, server_folder());
  const auto store = open_by(proxied());
  ASSERT_TRUE(store) << error_.message;
  proxy.swallow_commits(1);
  const auto id = store->add_reading(reading_of("m1", 0, 1));
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_TRUE(proxy.has_swallowed());
  EXPECT_EQ(store_->readings({})->size(), 1U);
  EXPECT_EQ(store_->readings({})->front().id, *id);
}

TEST_P(Postgresql, AConnectionThatIsLostAgainIsAskedAgain) {
  test::Proxy proxy(folder_, server_folder());
  const auto store = open_by(proxied());
  ASSERT_TRUE(store) << error_.message;
  proxy.swallow_commits(2);  // the second one is the question's own
  const auto id = store->add_reading(reading_of("m1", 0, 1));
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(store_->readings({})->size(), 1U) << "not done again";
}

TEST_P(Postgresql, WhatMayBeStoredIsSaidAndNotDoneAgain) {
  test::Proxy proxy(folder_, server_folder());
  const auto store = open_by(proxied(), 200);
  ASSERT_TRUE(store) << error_.message;
  proxy.swallow_commit_and_refuse();
  const auto added = store->add_reading(reading_of("m1", 0, 1));
  ASSERT_FALSE(added);
  EXPECT_TRUE(added.error().may_be_done);
  EXPECT_EQ(added.error().code, ErrorCode::unreachable) << added.error().message;
  EXPECT_EQ(store_->readings({})->size(), 1U);
  const auto later = store->add_reading(reading_of("m1", 0, 2));
  ASSERT_FALSE(later);
  EXPECT_FALSE(later.error().may_be_done) << "it was not begun";
  proxy.refuse(false);
  ASSERT_TRUE(store->add_reading(reading_of("m1", 0, 3)));
  EXPECT_EQ(store_->readings({})->size(), 2U);
}

TEST_P(Postgresql, ALostServerIsWaitedForOnceAndThenSaid) {
  test::Proxy proxy(folder_, server_folder());
  const auto store = open_by(proxied(), 200);
  ASSERT_TRUE(store) << error_.message;
  proxy.refuse(true);
  const auto read = store->readings({});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::unreachable) << read.error().message;
  const auto written = store->add_reading(reading_of("m1", 0, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::unreachable) << written.error().message;
  proxy.refuse(false);
  ASSERT_TRUE(store->add_reading(reading_of("m1", 0, 1)));
  EXPECT_EQ(store->readings({})->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(On, Postgresql, testing::Values(test::Kind::postgresql), test::named);

TEST(ExplainSqlstate, TellsWhatToDo) {
  EXPECT_EQ(explain_sqlstate("53100", "w", "db", 1).code, ErrorCode::disk_full);
  EXPECT_EQ(explain_sqlstate("40P01", "w", "db", 1).code, ErrorCode::locked);
  EXPECT_EQ(explain_sqlstate("25006", "w", "db", 1).code, ErrorCode::read_only);
  EXPECT_EQ(explain_sqlstate("53300", "w", "db", 1).code, ErrorCode::unreachable);
  EXPECT_EQ(explain_sqlstate("42P01", "w", "db", 1).message, "database db: w");
}

}  // namespace
}  // namespace meterlens::store
