#include "server/notify/estimates.h"

#include "server/clock.h"
#include "server/notify/watcher.h"
#include "server/store/fixture.h"

namespace meterlens::notify {
namespace {

using validate::Verdict;
using server::day_ms;
using server::hour_ms;

using store::test::begin_ms;

class EstimatesTest : public store::test::Fixture {
 protected:
  EstimatesTest() { settings_.nightly = true; }
  std::int64_t add(std::int64_t at_ms, std::int64_t count, Verdict verdict = Verdict::accepted) {
    validate::Reading reading = store::test::reading_of("m", 0, at_ms);
    reading.digits = std::to_string(10'000'000 + count).substr(0);
    reading.digits[0] = '0';
    reading.value_count = count;
    reading.value = std::to_string(count / 1000) + "." + std::to_string(1000 + count % 1000)
                                                             .substr(1);
    reading.verdict = verdict;
    return store_->add_reading(reading).value();
  }
  void miss(std::int64_t due_ms) {
    const std::vector<store::Subject> one{{"m", ""}};
    int added = 0;
    ASSERT_TRUE(book().note({1, due_ms, due_ms - 60'000, due_ms + day_ms - 60'000}, one,
                            due_ms + 3 * hour_ms, added));
  }
  store::SlotBook book() { return store::SlotBook(*store_); }
  void look(std::int64_t now_ms) {
    if (!estimates_) estimates_ = std::make_unique<Estimates>(settings_, *store_, metrics_);
    ASSERT_TRUE(estimates_->look(now_ms));
  }
  std::vector<validate::Reading> estimated() {
    return store_->readings({.device = "m", .verdict = "estimated"}).value();
  }

  EstimateSettings settings_;
  metrics::Metrics metrics_;
  std::unique_ptr<Estimates> estimates_;
};

TEST_F(EstimatesTest, AGapBetweenTwoReadingsIsFilledOnceAndMarked) {
  add(begin_ms, 195'000);
  add(begin_ms + 2 * day_ms, 197'000);
  miss(begin_ms + day_ms);
  look(begin_ms + 3 * day_ms + 4 * hour_ms);
  ASSERT_EQ(estimated().size(), 1U);
  const validate::Reading one = estimated().front();
  EXPECT_EQ(one.at_ms, begin_ms + day_ms);
  EXPECT_EQ(one.value, "196.000");
  ASSERT_TRUE(one.review);
  EXPECT_TRUE(one.review->by_server);
  EXPECT_EQ(one.review->reason, "no reading came: no camera looks at it at that time");
  EXPECT_EQ(book().missing({}).value().front().estimate, one.id);
  EXPECT_EQ(metrics_.count(metrics::Count::readings_estimated), 1U);
  estimates_.reset();  // and again, after a restart and on the next night
  look(begin_ms + 3 * day_ms + 5 * hour_ms);
  look(begin_ms + 4 * day_ms + 4 * hour_ms);
  EXPECT_EQ(estimated().size(), 1U);
}

TEST_F(EstimatesTest, WaitsForThePhotoAndForAReadingBehindIt) {
  add(begin_ms, 195'000);
  miss(begin_ms + day_ms);
  look(begin_ms + 3 * day_ms + 4 * hour_ms);
  EXPECT_TRUE(estimated().empty());
  add(begin_ms + 2 * day_ms, 197'000);
  look(begin_ms + 3 * day_ms + 5 * hour_ms);
  EXPECT_TRUE(estimated().empty()) << "the night is over";
  look(begin_ms + 4 * day_ms + 4 * hour_ms);
  EXPECT_EQ(estimated().size(), 1U);
  settings_.wait_h = 24;
  miss(begin_ms + 5 * day_ms);
  add(begin_ms + 5 * day_ms + 25 * hour_ms, 200'000);
  look(begin_ms + 6 * day_ms - hour_ms);  // not a day yet
  EXPECT_EQ(estimated().size(), 1U);
}

TEST_F(EstimatesTest, GivesWayToTheActualReading) {
  add(begin_ms, 195'000);
  add(begin_ms + 2 * day_ms, 197'000);
  miss(begin_ms + day_ms);
  look(begin_ms + 3 * day_ms + 4 * hour_ms);
  const auto made = estimated().at(0).id;
  const std::vector<std::string> meters{"m"};
  // A doubtful one ends the gap, and is no better value yet.
  add(begin_ms + day_ms + hour_ms, 999'000, Verdict::doubtful);
  EXPECT_EQ(book().close(meters, 5).value(), 1);
  EXPECT_EQ(estimated().size(), 1U);
  const auto actual = add(begin_ms + day_ms + 2 * hour_ms, 195'700);
  EXPECT_EQ(book().close(meters, 6).value(), 0);
  EXPECT_TRUE(estimated().empty());
  const auto history = store_->reading_history(made).value();
  ASSERT_EQ(history.size(), 3U);  // made, why, and withdrawn
  EXPECT_EQ(history.back().verdict, Verdict::rejected);
  EXPECT_EQ(history.back().review->reason.substr(0, 18), "replaced: reading ");
  EXPECT_GT(actual, made);
  const auto billed = store_->billing({.meter = "m"}).value();
  EXPECT_EQ(billed.size(), 3U);
}

TEST_F(EstimatesTest, IsOffUnlessItIsWished) {
  settings_.nightly = false;
  add(begin_ms, 195'000);
  add(begin_ms + 2 * day_ms, 197'000);
  miss(begin_ms + day_ms);
  look(begin_ms + 9 * day_ms + 4 * hour_ms);
  EXPECT_TRUE(estimated().empty());
}

}  // namespace
}  // namespace meterlens::notify
