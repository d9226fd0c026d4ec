// Readings and messages by month in PostgreSQL: made ahead, found across months, dropped whole.
#include <gtest/gtest.h>

#include <array>

#include "server/store/fixture.h"
#include "server/store/fleet.h"
#include "server/store/partitions_schema.h"

namespace meterlens::store {
namespace {

using test::reading_of;

constexpr std::int64_t day_ms = 86'400'000;

class Partitions : public test::Fixture {
 protected:
  Partitions() : Fixture(test::Kind::postgresql) {}
  std::string value(const std::string& sql) const { return test::run_on_server(path(), sql); }
  std::int64_t add(const std::string& meter, std::int64_t at_ms,
                   validate::Verdict verdict = validate::Verdict::accepted) {
    auto reading = reading_of(meter, 0, at_ms);
    reading.verdict = verdict;
    const auto id = store_->add_reading(reading);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or(0);
  }
  // A month of that begin, before there are rows of it.
  void make_month(const std::string& table, std::int64_t from_ms, std::int64_t to_ms) {
    value("CREATE TABLE " + table + "_" + std::to_string(from_ms) + " PARTITION OF " + table +
          " FOR VALUES FROM (" + std::to_string(from_ms) + ") TO (" + std::to_string(to_ms) + ")");
  }
  std::string months(const std::string& table) const {
    return value("SELECT count(*) FROM pg_inherits WHERE inhparent = CAST('" + table +
                 "' AS regclass)");
  }
};

TEST_F(Partitions, AreMadeAheadAndTakeWhatComes) {
  for (const std::string table : {"reading", "message"}) {
    EXPECT_EQ(months(table), "4") << "the rest, this month and two more";
    EXPECT_EQ(value("SELECT count(*) FROM pg_class WHERE relname = '" + table + "_' ||"
                    " to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AND relnamespace ="
                    " CAST(quote_ident(current_schema()) AS regnamespace)"), "1");
  }
  const auto now_ms = std::stoll(value("SELECT CAST(extract(epoch FROM now()) * 1000 AS BIGINT)"));
  const std::int64_t now = add("m1", now_ms), old = add("m1", 5);
  const std::int64_t later = add("m1", now_ms + 400 * day_ms);
  EXPECT_EQ(value("SELECT count(*) FROM reading_other"), "2");
  const auto all = store_->readings({.meter = "m1"});
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].id, later);
  EXPECT_EQ((*all)[1].id, now);
  EXPECT_EQ((*all)[2].id, old);
  EXPECT_EQ(store_->reading(now)->at_ms, now_ms);
  EXPECT_EQ(store_->newest_accepted("m1")->value().id, later);
  store_.reset();
  store_ = open();
  EXPECT_EQ(months("reading"), "4");
}

TEST_F(Partitions, OldMonthsGoWholeButForWhatStaysForEver) {
  make_month("reading", 0, 30 * day_ms);
  make_month("reading", 30 * day_ms, 60 * day_ms);
  const std::int64_t old = add("m1", 5 * day_ms), doubtful = add("m1", 6 * day_ms,
                                                                 validate::Verdict::doubtful);
  const std::int64_t newest = add("m1", 7 * day_ms), other = add("m2", 8 * day_ms);
  const std::int64_t later = add("m2", 40 * day_ms);
  auto reviewed = *store_->reading(old);
  reviewed.review = validate::Review{.reviewer = "ann", .reason = "", .at_ms = 9};
  ASSERT_TRUE(store_->add_review(reviewed, 0));

  const auto nothing = store_->remove_aged({.readings_before_ms = 1});
  ASSERT_TRUE(nothing) << nothing.error().message;
  EXPECT_EQ(nothing->readings, 0);
  EXPECT_EQ(months("reading"), "6");

  const auto aged = store_->remove_aged({.readings_before_ms = 31 * day_ms});
  ASSERT_TRUE(aged) << aged.error().message;
  EXPECT_EQ(aged->readings, 3);
  EXPECT_EQ(months("reading"), "5");
  EXPECT_FALSE(store_->reading(old));
  EXPECT_FALSE(store_->reading(doubtful));
  EXPECT_FALSE(store_->reading(other));
  EXPECT_TRUE(store_->reading(newest)) << "the newest accepted one of a meter";
  EXPECT_TRUE(store_->reading(later));
  EXPECT_EQ(value("SELECT count(*) FROM review"), "0");
  EXPECT_EQ(store_->remove_aged({.readings_before_ms = 31 * day_ms})->readings, 0);
}

TEST_F(Partitions, OldMonthsGoOneEachTime) {
  make_month("reading", 0, 30 * day_ms);
  make_month("reading", 30 * day_ms, 60 * day_ms);
  for (const int day : {1, 2, 31, 90}) add("m1", day * day_ms);
  const Aging aging{.readings_before_ms = 61 * day_ms};
  Aged aged = *store_->remove_aged(aging);
  EXPECT_EQ(aged.readings, 2);
  EXPECT_TRUE(aged.more) << "another month is left";
  EXPECT_EQ(months("reading"), "5");
  aged = *store_->remove_aged(aged.next);
  EXPECT_EQ(aged.readings, 1);
  EXPECT_EQ(months("reading"), "4");
  while (aged.more) aged = *store_->remove_aged(aged.next);
  EXPECT_EQ(value("SELECT count(*) FROM reading"), "1");
}

TEST_F(Partitions, MessagesOfOldMonthsGo) {
  make_month("message", 0, 30 * day_ms);
  Fleet rows(*store_);
  std::array<fleet::Message, 3> messages;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    messages[i].device = "m1";
    messages[i].at_ms = static_cast<std::int64_t>(i) * 20 * day_ms;
  }
  ASSERT_TRUE(rows.add_messages(messages));
  ASSERT_TRUE(store_->remove_aged({.messages_before_ms = 30 * day_ms}));
  EXPECT_EQ(months("message"), "4");
  const auto left = rows.messages("m1", 0, 10);
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().at_ms, 40 * day_ms);
}

// A store of before, with rows, becomes one of months.
TEST_F(Partitions, AnOlderTableBecomesOnePart) {
  const std::int64_t kept = add("m1", 5);
  value("CREATE TABLE plain (LIKE reading INCLUDING ALL)");
  value("INSERT INTO plain SELECT * FROM reading");
  value("ALTER TABLE plain ALTER COLUMN id DROP DEFAULT");
  value("DROP TABLE reading");
  value("ALTER TABLE plain RENAME TO reading");
  value("ALTER TABLE reading DROP CONSTRAINT plain_pkey, ADD CONSTRAINT reading_pkey"
        " PRIMARY KEY (id), ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY");
  value("SELECT setval(pg_get_serial_sequence('reading', 'id'), 7)");
  value("DROP TABLE message");
  value("CREATE TABLE message (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, device TEXT"
        " NOT NULL, direction TEXT NOT NULL, at_ms BIGINT NOT NULL, topic TEXT NOT NULL,"
        " payload_bytes BIGINT NOT NULL, is_text BIGINT NOT NULL, payload TEXT NOT NULL)");
  value("CREATE INDEX message_device ON message (device, id)");
  store_.reset();
  for (const std::string_view statement : partitions_migration()) value(std::string(statement));
  store_ = open();
  ASSERT_TRUE(store_);
  EXPECT_EQ(value("SELECT count(*) FROM reading_before"), "1");
  EXPECT_TRUE(store_->reading(kept));
  EXPECT_EQ(add("m1", 6), 8) << "ids go on where they were";
  EXPECT_EQ(value("SELECT count(*) FROM reading_before"), "2");
  EXPECT_EQ(value("SELECT count(*) FROM pg_indexes WHERE tablename = 'message' AND schemaname ="
                  " current_schema()"), "2");
}

}  // namespace
}  // namespace meterlens::store
