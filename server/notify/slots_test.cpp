#include "server/notify/slots.h"

#include "server/clock.h"
#include "server/notify/watcher.h"
#include "server/store/fixture.h"

namespace meterlens::notify {
namespace {

using store::AlarmKind;
using server::day_ms;
using server::hour_ms;
using Names = std::vector<std::string>;

using store::test::begin_ms;

constexpr std::int64_t minute_ms = 60'000;

class SlotsTest : public store::test::Fixture {
 protected:
  void SetUp() override {
    Fixture::SetUp();
    add_meter("m");
    schedule_.name = "mornings";
    schedule_.cron = "0 6 * * *";
    schedule_.done_ms = begin_ms;
    schedule_.meters = {"m"};
  }
  void add_meter(const std::string& name) {
    validate::Meter meter;
    meter.id = name;
    ASSERT_TRUE(store_->add_meter(meter, {}));
  }
  void start() {
    watcher_.reset();
    Senses senses;
    watcher_ = std::make_unique<Watcher>(settings_, senses, *store_, metrics_);
  }
  void put() { ASSERT_TRUE(store_->add_schedule(schedule_)); }
  std::int64_t add(std::int64_t at_ms, const std::string& meter = "m") {
    return store_->add_reading(store::test::reading_of(meter, 0, at_ms)).value();
  }
  std::size_t missing() {
    return store::SlotBook(*store_).missing({.open = true, .count_max = 9999})->size();
  }
  Names open() {
    Names out;
    const auto alarms = watcher_->book().alarms({.open = true, .count_max = 9999}).value();
    for (const auto& alarm : alarms)
      out.push_back(std::string(store::name(alarm.kind)) + " " + alarm.subject);
    return out;
  }

  AlarmSettings settings_;
  metrics::Metrics metrics_;
  schedule::Schedule schedule_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(SlotsTest, IsJudgedAfterSpreadCatchingUpAndGrace) {
  put();
  start();
  // 6:00 and ten minutes, an hour and an hour.
  const std::int64_t over_ms = begin_ms + 8 * hour_ms + 10 * minute_ms;
  watcher_->look(over_ms - 1);
  EXPECT_EQ(missing(), 0U);
  watcher_->look(over_ms);
  EXPECT_EQ(missing(), 1U);
  EXPECT_EQ(metrics_.count(metrics::Count::slots_missing), 1U);
  watcher_->look(over_ms + hour_ms);
  EXPECT_EQ(missing(), 1U);
  EXPECT_TRUE(open().empty());  // two in a row are wanted
}

TEST_F(SlotsTest, AReadingInTimeLeavesNothing) {
  put();
  start();
  add(begin_ms + 6 * hour_ms - 30'000);  // a camera whose clock is behind
  watcher_->look(begin_ms + 9 * hour_ms);
  EXPECT_EQ(missing(), 0U);
}

TEST_F(SlotsTest, SeveralInARowAreAlarmedUntilAReadingComes) {
  put();
  start();
  watcher_->look(begin_ms);
  watcher_->look(begin_ms + day_ms + 9 * hour_ms);
  EXPECT_EQ(missing(), 2U);
  EXPECT_EQ(open(), Names{"missing m"});
  // The late photo of the first day: the second day's is still missing, one is no alarm.
  add(begin_ms + 7 * hour_ms);
  watcher_->look(begin_ms + day_ms + 10 * hour_ms);
  EXPECT_EQ(missing(), 1U);
  EXPECT_EQ(metrics_.count(metrics::Count::slots_late), 1U);
  EXPECT_EQ(open(), Names{"missing m"});  // it has not been heard since
  add(begin_ms + day_ms + 7 * hour_ms);
  watcher_->look(begin_ms + day_ms + 11 * hour_ms);
  EXPECT_EQ(missing(), 0U);
  EXPECT_TRUE(open().empty());
}

TEST_F(SlotsTest, ARestartBetweenPagesRepeatsAndLosesNothing) {
  schedule_.meters.clear();
  schedule_.meter_group = "";
  std::vector<validate::Meter> meters(2500);
  for (std::size_t i = 0; i < meters.size(); ++i) {
    meters[i].id = "m" + std::to_string(10'000 + i);
    schedule_.meters.push_back(meters[i].id);
  }
  ASSERT_TRUE(store_->add_meters(meters, {}));
  put();
  settings_.missing_slots = 1;
  {
    Slots first(*store_, metrics_);
    const auto page = first.next(begin_ms + 9 * hour_ms);
    ASSERT_TRUE(page && *page);
    EXPECT_EQ((*page)->size(), 1000U);
    // Ends before the alarms of that page are there.
  }
  start();
  watcher_->look(begin_ms + 9 * hour_ms);
  EXPECT_EQ(missing(), 2500U);
  EXPECT_EQ(open().size(), 2500U);
  EXPECT_EQ(metrics_.count(metrics::Count::slots_missing), 2500U);
  start();
  watcher_->look(begin_ms + 10 * hour_ms);
  EXPECT_EQ(metrics_.count(metrics::Count::slots_missing), 2500U);
}

TEST_F(SlotsTest, AChangedScheduleJudgesWhatComesAndAPausedOneNothing) {
  put();
  start();
  watcher_->look(begin_ms + hour_ms);
  auto one = store_->schedule(1).value();
  one.done_ms = begin_ms + 7 * hour_ms;
  ASSERT_TRUE(store_->save_schedule(one));
  watcher_->look(begin_ms + 9 * hour_ms);
  EXPECT_EQ(missing(), 0U);
  one = store_->schedule(1).value();
  one.enabled = false;
  ASSERT_TRUE(store_->save_schedule(one));
  watcher_->look(begin_ms + 3 * day_ms);
  EXPECT_EQ(missing(), 0U);
}

TEST_F(SlotsTest, AServerThatWasAwayLooksBackAWeek) {
  put();
  start();
  for (int i = 0; i < 3; ++i) watcher_->look(begin_ms + 40 * day_ms);
  EXPECT_EQ(missing(), static_cast<std::size_t>(slot_days_max));
}

}  // namespace
}  // namespace meterlens::notify
