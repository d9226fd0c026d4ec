#include "server/notify/runner.h"

#include "server/store/fixture.h"

namespace meterlens::notify {
namespace {

using store::Stream;
using validate::Verdict;

// Keeps what it was told, and answers as it is told to.
struct Ear {
  std::vector<std::int64_t> heard;  // rows of readings, negative: of reviews, + 1000: of alarms
  std::vector<std::size_t> batches;
  Sent answer;
  std::int64_t poison = 0;  // this row is refused
  bool readings = true;
  int batch = 10;
  Sent kept;
};

class EarSink : public Sink {
 public:
  explicit EarSink(Ear& ear) : ear_(ear) {}
  bool wants(Stream stream) const override { return stream == Stream::alarm || ear_.readings; }
  int batch_max() const override { return ear_.batch; }
  Sent send(std::span<const store::News> news) override {
    ear_.batches.push_back(news.size());
    if (!ear_.answer.good()) return ear_.answer;
    for (const auto& one : news) {
      if (ear_.poison != 0 && one.row == ear_.poison) return refused("the answer is 400");
    }
    for (const auto& one : news) {
      const bool is_alarm = one.stream == Stream::alarm;
      ear_.heard.push_back(is_alarm ? one.row + 1000
                                    : one.stream == Stream::review ? -one.row : one.row);
    }
    return {};
  }
  Sent keep_up(std::int64_t) override { return ear_.kept; }
  Sent test() override { return ear_.answer; }

 private:
  Ear& ear_;
};

class RunnerTest : public store::test::Fixture {
 protected:
  std::unique_ptr<Runner> runner(const RunnerLimits& limits = {}) {
    return std::make_unique<Runner>("ear", std::make_unique<EarSink>(ear_), limits, *store_,
                                    metrics_);
  }
  void add(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(store_->add_reading(store::test::reading_of("m", 0, ++at_ms_)));
  }
  static int turns(Runner& runner, std::int64_t now_ms) {
    int count = 1;
    while (runner.turn(now_ms)) ++count;
    return count;
  }

  metrics::Metrics metrics_;
  Ear ear_;
  std::int64_t at_ms_ = 0;
};

using Rows = std::vector<std::int64_t>;

TEST_F(RunnerTest, TellsWhatComesAndNotThePast) {
  add(2);
  auto one = runner();
  EXPECT_EQ(turns(*one, 1000), 1);
  EXPECT_EQ(ear_.heard, Rows{});
  add(25);
  EXPECT_EQ(turns(*one, 2000), 3);
  EXPECT_EQ(ear_.heard.size(), 25U);
  EXPECT_EQ(ear_.batches, (std::vector<std::size_t>{10, 10, 5}));
  EXPECT_EQ(one->status().delivered, 25U);
  EXPECT_EQ(one->status().backlog, 0);
  EXPECT_EQ(one->status().last_ok_ms, 2000);
}

TEST_F(RunnerTest, GoesOnAfterARestartWhereItWas) {
  auto one = runner();
  turns(*one, 1);
  add(3);
  turns(*one, 2);
  one.reset();
  add(2);
  one = runner();
  turns(*one, 3);
  EXPECT_EQ(ear_.heard, (Rows{1, 2, 3, 4, 5}));
}

TEST_F(RunnerTest, TellsAlarmsFirstAndReviewsAfterTheirReadings) {
  auto one = runner();
  turns(*one, 1);
  add(12);
  auto reading = store_->reading(12).value();
  reading.verdict = Verdict::doubtful;
  reading.review = validate::Review{.by_server = true};
  ASSERT_TRUE(store_->add_review(reading, 0));
  ASSERT_TRUE(store::AlarmBook(*store_).raise(store::AlarmKind::disk, "/", "full", 5));
  turns(*one, 2);
  EXPECT_EQ(ear_.heard, (Rows{1001, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, -1}));
}

TEST_F(RunnerTest, PausesLongerEachTimeAndLosesNothing) {
  auto one = runner({.retry_ms_first = 100, .retry_ms_max = 300});
  turns(*one, 0);
  add(1);
  ear_.answer = later("no answer from h");
  EXPECT_FALSE(one->turn(1000));
  EXPECT_EQ(one->status().next_try_ms, 1100);
  EXPECT_FALSE(one->turn(1099));
  EXPECT_EQ(ear_.batches.size(), 1U);
  EXPECT_FALSE(one->turn(1100));
  EXPECT_EQ(one->status().next_try_ms, 1300);
  EXPECT_FALSE(one->turn(1300));
  EXPECT_EQ(one->status().next_try_ms, 1600);
  EXPECT_EQ(one->status().failing_since_ms, 1000);
  EXPECT_EQ(one->status().last_error, "no answer from h");
  EXPECT_EQ(one->status().backlog, 1);
  // A clock that is set back does not stop it.
  ear_.answer = {};
  EXPECT_FALSE(one->turn(500));
  EXPECT_EQ(ear_.heard, Rows{1});
  EXPECT_EQ(one->status().failing_since_ms, 0);
  EXPECT_EQ(one->status().failures, 3U);
}

TEST_F(RunnerTest, LeavesOutOnlyWhatIsRefused) {
  auto one = runner({.retry_ms_first = 1, .retry_ms_max = 1, .refusals_max = 2});
  turns(*one, 0);
  add(5);
  ear_.poison = 3;
  for (std::int64_t now_ms = 10; now_ms < 100 && ear_.heard.size() < 4; now_ms += 10)
    turns(*one, now_ms);
  EXPECT_EQ(ear_.heard, (Rows{1, 2, 4, 5}));
  EXPECT_EQ(one->status().refused, 1U);
  EXPECT_EQ(one->status().failing_since_ms, 0);
}

TEST_F(RunnerTest, DropsTheOldestOfTooMany) {
  auto one = runner({.retry_ms_first = 1, .backlog_max = 4});
  turns(*one, 0);
  add(10);
  turns(*one, 5);
  EXPECT_EQ(ear_.heard, (Rows{7, 8, 9, 10}));
  EXPECT_EQ(one->status().dropped, 6U);
}

TEST_F(RunnerTest, IsFailingWhileItCannotKeepUp) {
  auto one = runner({.retry_ms_first = 1, .retry_ms_max = 1});
  ear_.kept = later("no broker");
  EXPECT_FALSE(one->turn(5));
  EXPECT_EQ(one->status().failing_since_ms, 5);
  ear_.kept = {};
  EXPECT_FALSE(one->turn(10));
  EXPECT_EQ(one->status().failing_since_ms, 0);
  EXPECT_EQ(one->status().last_error, "no broker");
}

TEST_F(RunnerTest, TellsOnlyWhatIsWanted) {
  ear_.readings = false;
  auto one = runner();
  turns(*one, 1);
  add(2);
  ASSERT_TRUE(store::AlarmBook(*store_).raise(store::AlarmKind::disk, "/", "full", 5));
  turns(*one, 2);
  EXPECT_EQ(ear_.heard, Rows{1001});
  EXPECT_EQ(one->status().backlog, 0);
}

TEST_F(RunnerTest, RunsByItselfAndEndsAtOnce) {
  auto one = runner({.turn_ms = 1});
  turns(*one, 1);
  add(3);
  one->start();
  for (int i = 0; i < 2000 && one->status().delivered < 3; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  one->stop();
  EXPECT_EQ(ear_.heard, (Rows{1, 2, 3}));
}

}  // namespace
}  // namespace meterlens::notify
