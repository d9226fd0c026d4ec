// Schedules in the pipeline's own thread: real store, registry and command queue, virtual time.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using metrics::Count;

using testing::hour;
using testing::minute;
using testing::start;

constexpr std::int64_t day = 24 * hour;

class ScheduledTest : public ::testing::Test {
 protected:
  ScheduledTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-scheduled-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    settings_.embedded.reset();
    settings_.folders = {root_ / "public/images", root_ / "quarantine"};
    open();
    testing::add_nightly(*store_, {"a", "b"}, start);
  }
  ~ScheduledTest() override {
    steps_.reset();
    store_.reset();
    fs::remove_all(root_);
  }

  void open() {
    steps_.reset();
    store_.reset();
    store_ = *store::Store::open((root_ / "m.db").string());
    steps_ = std::make_unique<Pipeline::Steps>(settings_, *store_, metrics_, [](const Change&) {});
    steps_->clock = [this] { return now_ms_; };
    steps_->publish = [this](std::string, std::vector<std::uint8_t>, int) { ++sent_; };
    ASSERT_TRUE(steps_->prepare().has_value());
  }
  void turn_at(std::int64_t now_ms) {
    now_ms_ = now_ms;
    std::vector<ingest::Packet> packets;
    std::vector<ingest::Task> tasks;
    steps_->inbox.take(packets, tasks, std::chrono::milliseconds(0));
    steps_->turn(packets, tasks);
  }
  // A device that was not there before comes in.
  void see(const std::string& device) {
    ingest::Packet packet;
    packet.device = device;
    packet.product = "meterlens";
    packet.received_at_ms = now_ms_;
    packet.content = ingest::Presence{true, "", ""};
    ASSERT_NE(steps_->registry.see(packet), nullptr);
  }
  std::uint64_t scheduled() { return metrics_.count(Count::captures_scheduled); }
  std::uint64_t missed() { return metrics_.count(Count::captures_missed); }

  fs::path root_;
  Settings settings_;
  metrics::Metrics metrics_;
  std::int64_t now_ms_ = start;
  int sent_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Pipeline::Steps> steps_;
};

TEST_F(ScheduledTest, OrdersACommandForEachDevice) {
  open();
  turn_at(start + 2 * hour - 1000);
  EXPECT_EQ(scheduled(), 0U);
  turn_at(start + 2 * hour + 1000);
  EXPECT_EQ(scheduled(), 2U);
  EXPECT_EQ(store_->open_commands()->size(), 2U);
  turn_at(start + 3 * hour);
  EXPECT_EQ(scheduled(), 2U);
  EXPECT_EQ(store_->schedule(1)->done_ms, start + 2 * hour);
}

TEST_F(ScheduledTest, ARestartOrdersNothingTwiceEvenIfItsBookWasNotWritten) {
  open();
  turn_at(start + 2 * hour + 1000);
  const std::pair<std::int64_t, std::int64_t> before[] = {{1, start}};
  ASSERT_TRUE(store_->save_schedules_done(before));
  open();
  turn_at(start + 2 * hour + 5000);
  EXPECT_EQ(store_->open_commands()->size(), 2U);
}

TEST_F(ScheduledTest, ADownServerCatchesUpInTimeAndElseMarksWhatItMissed) {
  now_ms_ = start + 2 * hour + 30 * minute;
  open();
  turn_at(now_ms_ + 1000);
  EXPECT_EQ(scheduled(), 2U);
  now_ms_ = start + day + 12 * hour;
  open();
  turn_at(now_ms_ + 1000);
  EXPECT_EQ(missed(), 2U);
  const auto command = store_->command(3);
  ASSERT_TRUE(command);
  EXPECT_EQ(command->state, command::State::expired);
  EXPECT_NE(command->reason.find("missed"), std::string::npos);
}

TEST_F(ScheduledTest, AChangedScheduleIsObeyedAtOnce) {
  open();
  turn_at(start + hour);
  auto schedule = *store_->schedule(1);
  schedule.cron = "30 1 * * *";
  schedule.devices = {"b", "nobody"};
  ASSERT_TRUE(store_->save_schedule(schedule));
  steps_->load_schedules();
  turn_at(start + hour + 31 * minute);
  EXPECT_EQ(scheduled(), 1U);
  EXPECT_EQ(missed(), 1U);  // a device that is not known yet
  turn_at(start + 2 * hour + minute);
  EXPECT_EQ(scheduled(), 1U);
}

TEST_F(ScheduledTest, ALongOrderingMissesNobodyAndANewDeviceDoesNotBeginItAgain) {
  auto schedule = *store_->schedule(1);
  schedule.catch_up_s = 0;
  ASSERT_TRUE(store_->save_schedule(schedule));
  settings_.scheduled_max = 1;
  open();
  turn_at(start + 2 * hour - 1000);
  turn_at(start + 2 * hour + 1000);
  ASSERT_EQ(scheduled(), 1U);
  see("c");
  for (int i = 0; i < 5; ++i) turn_at(now_ms_ + 50'000);
  EXPECT_EQ(missed(), 0U);
  for (const char* device : {"a", "b"})
    EXPECT_EQ(store_->commands(device, INT64_MAX, 9)->size(), 1U) << device;
}

TEST_F(ScheduledTest, AMetersPhotoIsTakenByWhicheverCameraLooksAtItThen) {
  ASSERT_TRUE(store_->delete_schedule(1, 1));
  for (const char* id : {"cold", "hot"}) {
    validate::Meter meter;
    meter.id = id;
    ASSERT_TRUE(store_->add_meter(meter, {}));
  }
  const auto watch = [&](const char* device, const char* meter, std::int64_t from_ms,
                         std::int64_t to_ms) {
    validate::Watch one;
    one.device = device;
    one.meter = meter;
    one.from_ms = from_ms;
    one.to_ms = to_ms;
    ASSERT_TRUE(store_->add_watch(one, {}));
  };
  // Two meters in one photo of a; b takes over at noon, nobody after the second day.
  watch("a", "cold", start, start + 12 * hour);
  watch("a", "hot", start, start + 12 * hour);
  watch("b", "cold", start + 12 * hour, start + 2 * day);
  schedule::Schedule schedule;
  schedule.name = "meters";
  schedule.cron = "0 2 * * *";
  schedule.spread_s = 0;
  schedule.done_ms = start;
  schedule.meters = {"cold", "hot"};
  ASSERT_TRUE(store_->add_schedule(schedule));
  open();
  turn_at(start + hour);
  turn_at(start + 2 * hour + 1000);
  ASSERT_EQ(scheduled(), 1U);
  EXPECT_EQ(store_->open_commands()->front().device, "a");
  // Nobody says that the watches have changed: their dates do.
  for (std::int64_t at = start + 3 * hour; at <= start + day + 3 * hour; at += hour) turn_at(at);
  ASSERT_EQ(scheduled(), 2U);
  EXPECT_EQ(store_->commands("b", INT64_MAX, 9)->size(), 1U);
  for (std::int64_t at = start + day + 4 * hour; at <= start + 3 * day; at += hour) turn_at(at);
  EXPECT_EQ(scheduled(), 2U);
}

TEST_F(ScheduledTest, AMeterThatIsLookedAtByANewDeviceIsTakenUp) {
  ASSERT_TRUE(store_->delete_schedule(1, 1));
  schedule::Schedule schedule;
  schedule.name = "meters";
  schedule.cron = "0 2 * * *";
  schedule.spread_s = 0;
  schedule.done_ms = start;
  schedule.meters = {"c"};
  ASSERT_TRUE(store_->add_schedule(schedule));
  open();
  turn_at(start + hour);
  see("c");
  for (int i = 0; i < 3; ++i) turn_at(now_ms_ + 10'000);
  turn_at(start + 2 * hour + 1000);
  EXPECT_EQ(scheduled(), 1U);
}

}  // namespace
}  // namespace meterlens::server
