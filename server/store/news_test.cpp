#include "server/store/news.h"

#include "server/store/alarms.h"
#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using validate::Reading;
using validate::Verdict;

class News : public test::Fixture {
 protected:
  std::int64_t add(Verdict verdict, std::int64_t at_ms, const std::string& value = "195.419") {
    Reading reading = test::reading_of("m", 0, at_ms);
    reading.verdict = verdict;
    reading.value = value;
    return store_->add_reading(reading).value();
  }
  void review(std::int64_t id, Verdict verdict, const std::string& value, bool by_server) {
    Reading reading = store_->reading(id).value();
    const std::int64_t version = reading.review ? reading.review->id : 0;
    reading.verdict = verdict;
    reading.value = value;
    reading.review = validate::Review{.by_server = by_server, .reason = "why", .at_ms = 77};
    ASSERT_TRUE(store_->add_review(reading, version));
  }
  // "kind id value<before" of a stream after what `sink` was told.
  std::vector<std::string> told(Stream stream, std::int64_t after = 0) {
    NewsBook book(*store_);
    const Marks ends = book.ends().value();
    const std::int64_t end = stream == Stream::reading  ? ends.reading
                             : stream == Stream::review ? ends.review
                                                        : ends.alarm;
    std::vector<std::string> out;
    while (after < end) {
      const Page page = book.page(stream, after, end, 2).value();
      EXPECT_GT(page.up_to, after);
      after = page.up_to;
      for (const auto& news : page.news) {
        const bool is_alarm = stream == Stream::alarm;
        out.push_back(std::string(name(news.kind)) + " " +
                      (is_alarm ? news.alarm.subject + " " + news.reason
                                : std::to_string(news.reading.id) + " " + news.reading.value +
                                      (news.value_before.empty() ? "" : "<" + news.value_before)));
      }
    }
    return out;
  }
};

using Told = std::vector<std::string>;

TEST_F(News, TellOnlyReadingsThatCount) {
  add(Verdict::accepted, 1);
  add(Verdict::doubtful, 2);
  add(Verdict::rejected, 3);
  add(Verdict::manual, 4, "7");
  add(Verdict::estimated, 5);
  add(Verdict::accepted, 6, "8");
  EXPECT_EQ(told(Stream::reading),
            (Told{"reading.accepted 1 195.419", "reading.accepted 4 7", "reading.accepted 6 8"}));
  EXPECT_EQ(told(Stream::reading, 4), (Told{"reading.accepted 6 8"}));
  EXPECT_EQ(told(Stream::review), Told{});
}

TEST_F(News, TellWhatReviewsChange) {
  const auto first = add(Verdict::accepted, 1, "1");
  const auto second = add(Verdict::doubtful, 2, "2");
  review(first, Verdict::doubtful, "1", true);   // withdrawn
  review(second, Verdict::rejected, "2", false);  // never counted
  review(second, Verdict::manual, "3", false);    // counts now
  review(second, Verdict::manual, "3", false);    // says the same
  review(second, Verdict::manual, "4", false);    // corrected
  review(first, Verdict::accepted, "1", true);    // back
  EXPECT_EQ(told(Stream::review),
            (Told{"reading.withdrawn 1 1<1", "reading.accepted 2 3", "reading.corrected 2 4<3",
                  "reading.accepted 1 1"}));
  // The first judgement stays what it was.
  EXPECT_EQ(told(Stream::reading), (Told{"reading.accepted 1 1"}));
}

TEST_F(News, KeepWhatASinkWasToldThroughARestart) {
  add(Verdict::accepted, 1);
  {
    NewsBook book(*store_);
    const Marks fresh = book.marks("new").value();
    EXPECT_EQ(fresh.reading, 1);
    add(Verdict::accepted, 2);
    ASSERT_TRUE(book.advance("new", Stream::alarm, 9));
    ASSERT_TRUE(book.put_item("new", {"m", 4, 5, "6"}));
    ASSERT_TRUE(book.put_item("new", {"m", 5, 6, "7"}));
    ASSERT_TRUE(book.put_item("other", {"m", 1, 1, "1"}));
  }
  store_.reset();
  store_ = open();
  NewsBook book(*store_);
  const Marks kept = book.marks("new").value();
  EXPECT_EQ(kept.reading, 1);
  EXPECT_EQ(kept.alarm, 9);
  EXPECT_EQ(book.marks("later").value().reading, 2);
  const auto items = book.items("new").value();
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].reading, 5);
  EXPECT_EQ(items[0].value, "7");
  ASSERT_TRUE(book.remove_item("new", "m"));
  EXPECT_TRUE(book.items("new").value().empty());
  EXPECT_EQ(book.items("other").value().size(), 1U);
}

TEST_F(News, NameMetersAndSilentDevices) {
  add(Verdict::doubtful, 1);
  NewsBook book(*store_);
  EXPECT_EQ(book.touched({}, book.ends().value()).value(), std::vector<std::string>{"m"});
  EXPECT_TRUE(book.touched(book.ends().value(), book.ends().value()).value().empty());
  Device device;
  device.id = "d";
  device.first_seen_ms = device.last_seen_ms = 100;
  ASSERT_TRUE(store_->save_device(device));
  EXPECT_TRUE(book.silent_devices(100).value().empty());
  EXPECT_EQ(book.silent_devices(101).value(), std::vector<std::string>{"d"});
  device.online = true;
  ASSERT_TRUE(store_->save_device(device));
  EXPECT_TRUE(book.silent_devices(101).value().empty());
}

TEST_F(News, CountDoubtsOfPhotosOnly) {
  NewsBook book(*store_);
  for (int i = 1; i <= 5; ++i) {
    Reading reading = test::reading_of("m", i, i);
    if (i > 3) reading.verdict = Verdict::doubtful;
    ASSERT_TRUE(store_->add_reading(reading));
  }
  add(Verdict::manual, 9);
  EXPECT_EQ(book.doubts("m", 10).value().photos, 5);
  EXPECT_EQ(book.doubts("m", 10).value().doubtful, 2);
  EXPECT_EQ(book.doubts("m", 3).value().photos, 3);
  EXPECT_EQ(book.doubts("m", 3).value().doubtful, 2);
}

TEST_F(News, TellAlarmsOnceFromRaisedToCleared) {
  AlarmBook book(*store_);
  const auto leak = book.raise(AlarmKind::leak, "m", "flow", 10).value();
  ASSERT_TRUE(leak);
  EXPECT_FALSE(book.raise(AlarmKind::leak, "m", "flow again", 11).value());
  EXPECT_TRUE(book.raise(AlarmKind::stuck, "m", "still", 12).value());
  EXPECT_EQ(book.open_counts().value().at(AlarmKind::leak), 1);
  EXPECT_EQ(book.acknowledge(leak->id, "Ann", 13).value().acknowledged_by, "Ann");
  EXPECT_EQ(book.acknowledge(leak->id, "Bob", 14).value().acknowledged_by, "Ann");
  EXPECT_EQ(book.acknowledge(99, "Bob", 14).error().code, ErrorCode::not_found);
  const auto cleared = book.clear(AlarmKind::leak, "m", "paused", 15).value();
  ASSERT_TRUE(cleared);
  EXPECT_EQ(cleared->cleared_ms, 15);
  EXPECT_EQ(cleared->acknowledged_ms, 13);
  EXPECT_FALSE(book.clear(AlarmKind::leak, "m", "paused", 16).value());
  const auto again = book.raise(AlarmKind::leak, "m", "flow", 17).value();
  ASSERT_TRUE(again);
  EXPECT_NE(again->id, leak->id);
  EXPECT_EQ(told(Stream::alarm), (Told{"alarm.raised m flow", "alarm.raised m still",
                                       "alarm.acknowledged m Ann", "alarm.cleared m paused",
                                       "alarm.raised m flow"}));
  EXPECT_EQ(book.alarms({.open = true}).value().size(), 2U);
  EXPECT_EQ(book.alarms({.kind = AlarmKind::leak}).value().size(), 2U);
  EXPECT_EQ(book.alarms({.kind = AlarmKind::leak, .before_id = again->id}).value().size(), 1U);
  EXPECT_EQ(book.alarms({.subject = "other"}).value().size(), 0U);
}

TEST_F(News, GiveBillingInOrderPageByPage) {
  const auto put = [&](const std::string& meter, std::int64_t at_ms, Verdict verdict) {
    Reading reading = test::reading_of(meter, 0, at_ms);
    reading.verdict = verdict;
    ASSERT_TRUE(store_->add_reading(reading));
  };
  put("b", 5, Verdict::accepted);
  put("a", 9, Verdict::estimated);
  put("a", 3, Verdict::manual);
  put("a", 4, Verdict::doubtful);
  put("b", 5, Verdict::accepted);
  const auto list = [&](BillingFilter filter) {
    std::string out;
    const auto page = store_->billing(filter).value();
    for (const Reading& reading : page)
      out += reading.meter + std::to_string(reading.at_ms) + " ";
    return out;
  };
  EXPECT_EQ(list({}), "a3 a9 b5 b5 ");
  EXPECT_EQ(list({.all = true}), "a3 a4 a9 b5 b5 ");
  EXPECT_EQ(list({.meter = "b"}), "b5 b5 ");
  EXPECT_EQ(list({.from_ms = 5, .to_ms = 9}), "b5 b5 ");
  EXPECT_EQ(list({.after_meter = "a", .after_ms = 9, .after_id = 2}), "b5 b5 ");
  EXPECT_EQ(list({.after_meter = "b", .after_ms = 5, .after_id = 1, .count_max = 1}), "b5 ");
  EXPECT_EQ(list({.after_meter = "b", .after_ms = 5, .after_id = 5}), "");
}

TEST_F(News, TakeManyMetersOrNone) {
  validate::Meter one, two;
  one.id = "x";
  two.id = "y";
  ASSERT_TRUE(store_->add_meters(std::vector{one, two}, {"Ann", "import", 1}));
  EXPECT_EQ(store_->meter_edits("y", 9).value()[0].author.name, "Ann");
  validate::Meter three;
  three.id = "z";
  EXPECT_EQ(store_->add_meters(std::vector{three, two}, {}).error().code, ErrorCode::conflict);
  EXPECT_FALSE(store_->meter("z"));
}

}  // namespace
}  // namespace meterlens::store
