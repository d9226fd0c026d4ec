#include "server/notify/watcher.h"

#include "server/clock.h"
#include "server/store/fixture.h"

namespace meterlens::notify {
namespace {

using store::AlarmKind;
using server::hour_ms;
using validate::Flag;
using validate::Verdict;

class WatcherTest : public store::test::Fixture {
 protected:
  std::unique_ptr<Watcher> watcher(const AlarmSettings& settings = {}) {
    Senses senses;
    senses.folders = folders_;
    senses.broker_connected = [this] { return broker_; };
    senses.sinks = [this] { return sinks_; };
    senses.changed = [this](std::int64_t alarm) { changed_.push_back(alarm); };
    return std::make_unique<Watcher>(settings, senses, *store_, metrics_);
  }
  std::int64_t add(std::uint32_t flags, Verdict verdict = Verdict::accepted) {
    validate::Reading reading = store::test::reading_of("m", 1, ++at_ms_);
    reading.flags = flags;
    reading.verdict = verdict;
    reading.reasons = {"continuous flow: a leak?"};
    return store_->add_reading(reading).value();
  }
  // "kind subject" of the open ones, newest first.
  std::vector<std::string> open() {
    std::vector<std::string> out;
    const auto alarms = store::AlarmBook(*store_).alarms({.open = true}).value();
    for (const auto& alarm : alarms)
      out.push_back(std::string(store::name(alarm.kind)) + " " + alarm.subject);
    return out;
  }

  metrics::Metrics metrics_;
  std::vector<std::string> folders_;
  std::vector<SinkStatus> sinks_;
  std::vector<std::int64_t> changed_;
  bool broker_ = true;
  std::int64_t at_ms_ = 0;
};

using Open = std::vector<std::string>;

TEST_F(WatcherTest, RaisesALeakOnceAndClearsIt) {
  auto one = watcher();
  one->look(1);
  add(bit(Flag::continuous_flow));
  one->look(2);
  add(bit(Flag::continuous_flow));
  one->look(3);
  EXPECT_EQ(open(), Open{"leak m"});
  EXPECT_EQ(changed_, std::vector<std::int64_t>{1});
  EXPECT_EQ(store::AlarmBook(*store_).alarm(1).value().reason, "continuous flow: a leak?");
  EXPECT_NE(metrics_.text().find("meterlens_alarms_open{kind=\"leak\"} 1"), std::string::npos);
  // A doubtful reading says nothing of the flow.
  add(0, Verdict::doubtful);
  one->look(4);
  EXPECT_EQ(open(), Open{"leak m"});
  add(0);
  one->look(5);
  EXPECT_EQ(open(), Open{});
  EXPECT_EQ(changed_, (std::vector<std::int64_t>{1, 1}));
}

TEST_F(WatcherTest, NeitherRepeatsNorLosesAnAlarmInARestart) {
  auto one = watcher();
  one->look(1);
  add(bit(Flag::stuck));
  one->look(2);
  one.reset();
  add(bit(Flag::stuck));
  one = watcher();
  one->look(3);
  EXPECT_EQ(open(), Open{"stuck m"});
  EXPECT_EQ(store::AlarmBook(*store_).alarms({}).value().size(), 1U);
  one.reset();
  add(0);
  one = watcher();
  one->look(4);
  EXPECT_EQ(open(), Open{});
}

TEST_F(WatcherTest, ClearsWhenTheReadingIsWithdrawn) {
  auto one = watcher();
  one->look(1);
  add(0);
  const auto id = add(bit(Flag::continuous_flow));
  one->look(2);
  EXPECT_EQ(open(), Open{"leak m"});
  auto reading = store_->reading(id).value();
  reading.verdict = Verdict::rejected;
  reading.review = validate::Review{};
  ASSERT_TRUE(store_->add_review(reading, 0));
  one->look(3);
  EXPECT_EQ(open(), Open{});
}

TEST_F(WatcherTest, CountsDoubtsWithAGapBetweenUpAndDown) {
  auto one = watcher({.doubtful_percent = 50, .doubtful_photos = 4});
  one->look(1);
  add(0, Verdict::doubtful);
  add(0, Verdict::rejected);
  add(0);
  one->look(2);
  EXPECT_EQ(open(), Open{});  // three photos say too little
  add(0);
  one->look(3);
  EXPECT_EQ(open(), Open{"doubtful m"});
  add(0);
  one->look(4);
  EXPECT_EQ(open(), Open{});
}

TEST_F(WatcherTest, MissesASilentDeviceUntilItIsHeard) {
  store::Device device;
  device.id = "d";
  device.first_seen_ms = device.last_seen_ms = 1;
  ASSERT_TRUE(store_->save_device(device));
  auto one = watcher({.silent_h = 2});
  one->look(2 * hour_ms);
  EXPECT_EQ(open(), Open{});
  one->look(2 * hour_ms + 2);
  EXPECT_EQ(open(), Open{"silent d"});
  device.last_seen_ms = 2 * hour_ms + 3;
  ASSERT_TRUE(store_->save_device(device));
  one->look(2 * hour_ms + 4);
  EXPECT_EQ(open(), Open{});
}

TEST_F(WatcherTest, LooksAtDisksBrokerAndSinks) {
  folders_ = {folder_.string(), "/no/such/folder"};
  broker_ = false;
  sinks_.push_back({.name = "email", .failing_since_ms = 1000, .last_error = "no answer"});
  AlarmSettings settings;
  settings.disk_free_mb = 1'000'000'000;  // more than any disk has
  auto one = watcher(settings);
  one->look(2000);
  EXPECT_EQ(open(), Open{"disk " + folder_.string()});
  one->look(2000 + 60'000);
  EXPECT_EQ(open(), (Open{"broker ", "disk " + folder_.string()}));
  one->look(1000 + 60 * 60'000);
  EXPECT_EQ(open(), (Open{"sink email", "broker ", "disk " + folder_.string()}));
  broker_ = true;
  sinks_[0].failing_since_ms = 0;
  one->look(1000 + 61 * 60'000);
  EXPECT_EQ(open(), Open{"disk " + folder_.string()});
  settings.disk_free_mb = 1;
  one = watcher(settings);
  one->look(1000 + 62 * 60'000);
  EXPECT_EQ(open(), Open{});
}

TEST_F(WatcherTest, TellsWhenTheSecondReaderIsNotAskedAnyMore) {
  using Kind = second::Stop::Kind;
  auto one = watcher();
  ASSERT_TRUE(store_->save_second_stop({Kind::quota_today, 100, "500 of 500 calls used"}));
  one->look(98);
  one->look(99);
  EXPECT_EQ(open(), Open{"quota baidu"});
  EXPECT_EQ(changed_.size(), 1U);
  EXPECT_EQ(store::AlarmBook(*store_).alarms({})->front().reason, "500 of 500 calls used");
  one->look(100);
  EXPECT_EQ(open(), Open{}) << "a new day";
  ASSERT_TRUE(store_->save_second_stop({Kind::quota, 0, "all calls are used"}));
  one->look(101);
  EXPECT_EQ(open(), Open{"quota baidu"});
  ASSERT_TRUE(store_->save_second_stop({}));
  one = watcher();
  one->look(102);
  EXPECT_EQ(open(), Open{}) << "resumed while the server was away";
}

TEST_F(WatcherTest, IsQuietWhenTurnedOff) {
  broker_ = false;
  auto one = watcher({.leak = false, .stuck = false, .doubtful_percent = 0, .silent_h = 0,
                      .disk_free_mb = 0, .broker_s = 0, .sink_m = 0});
  one->look(1);
  add(bit(Flag::continuous_flow) | bit(Flag::stuck), Verdict::accepted);
  one->look(100 * hour_ms);
  EXPECT_EQ(open(), Open{});
}

}  // namespace
}  // namespace meterlens::notify
