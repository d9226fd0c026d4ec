#include "server/reading_queue.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <vector>

#include "server/ingest/inbox.h"
#include "server/photo/files.h"
#include "server/store/fleet.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;

class ReadingQueueTest : public ::testing::Test {
 protected:
  ReadingQueueTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-reading-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    store_ = *store::Store::open((root_ / "m.db").string());
  }
  ~ReadingQueueTest() override {
    store_.reset();
    fs::remove_all(root_);
  }
  // Stores a photo whose bytes are its number, or these.
  photo::Photo add(const std::string& device, std::uint32_t number,
                   std::vector<std::uint8_t> bytes = {}) {
    std::vector<photo::Photo> photos(1);
    photos[0].device = device;
    photos[0].photo_id = number;
    photos[0].bytes = std::move(bytes);
    if (photos[0].bytes.empty()) photos[0].bytes = {static_cast<std::uint8_t>(number)};
    photos[0].photo_bytes = static_cast<std::int64_t>(photos[0].bytes.size());
    photos[0].sha256 = protocol::sha256(photos[0].bytes);
    photos[0].received_at_ms = photos[0].captured_at_ms = 1'000'000 + number;
    photo::Files files({root_ / "images", root_ / "quarantine"});
    EXPECT_TRUE(files.write(photos).has_value());
    EXPECT_TRUE(store_->add_photos(photos).has_value());
    return photos[0];
  }
  // With the meter of its own name.
  void save_device(const std::string& id) {
    store::Device device;
    device.id = id;
    ASSERT_TRUE(store_->save_device(device));
  }
  std::unique_ptr<ReadingQueue> open(int threads) {
    return std::make_unique<ReadingQueue>(
        ReadingLimits{.threads = threads, .fetch_max = 3, .retry_ms = 5}, *store_,
        [this](std::span<const std::byte> bytes, const reader::Known& known) {
          {
            const std::lock_guard lock(mutex_);
            known_.push_back(known);
          }
          if (while_reading_) while_reading_();
          validate::Claim claim;
          claim.status = "read";
          claim.digits = "0012" + std::to_string(std::to_integer<int>(bytes[0]) % 10);
          claim.certain = 5;
          claim.confidence = 0.99;
          claim.window = {{{10, 20}, {200, 21}, {199, 60}, {9, 59}}};
          return claim;
        },
        metrics_,
        [this](const photo::Photo& photo, const store::Judged& judged) {
          const std::lock_guard lock(mutex_);
          photos_.push_back(photo.id);
          readings_.insert(readings_.end(), judged.readings.begin(), judged.readings.end());
          changed_ids_.insert(changed_ids_.end(), judged.changed.begin(), judged.changed.end());
          changed_.notify_all();
        });
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return readings_.size() >= count; });
  }

  fs::path root_;
  std::unique_ptr<store::Store> store_;
  metrics::Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::int64_t> photos_;
  std::vector<validate::Reading> readings_;
  std::vector<std::int64_t> changed_ids_;  // older readings with another verdict
  std::vector<reader::Known> known_;  // what each reading was told
  std::function<void()> while_reading_;
};

TEST_F(ReadingQueueTest, without_threads_the_caller_reads) {
  const auto queue = open(0);
  EXPECT_FALSE(queue->read_next());
  std::vector<std::int64_t> ids;
  for (std::uint32_t number = 1; number <= 5; ++number) ids.push_back(add("m1", number).id);
  EXPECT_FALSE(queue->read_next()) << "not told of them";
  queue->wake();
  while (queue->read_next()) {
  }
  EXPECT_EQ(photos_, ids);
  EXPECT_EQ(queue->backlog(), 0u);
}

TEST_F(ReadingQueueTest, the_light_of_a_photo_is_kept_with_it_and_told_with_its_command) {
  std::ifstream in("tests/golden/smartdtu/capture_8k.jpg", std::ios::binary);
  const std::vector<std::uint8_t> jpeg{std::istreambuf_iterator<char>(in), {}};
  command::Command command;
  command.device = "m1";
  command.photo = add("m1", 1, jpeg).id;
  EXPECT_FALSE(store_->photo(command.photo)->brightness);
  const auto command_id = store_->add_command(command);
  ASSERT_TRUE(command_id);
  const photo::Photo no_jpeg = add("m1", 2);
  auto queue = open(0);
  while (queue->read_next()) {
  }
  const auto seen = store_->photo(command.photo)->brightness;
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->light, protocol::Light::good);
  EXPECT_NEAR(seen->mean, 100.66, 1) << "as decoders see it";
  EXPECT_EQ(store_->command(*command_id)->brightness->mean, seen->mean);
  EXPECT_EQ(store_->photo(no_jpeg.id)->brightness->light, protocol::Light::unknown);
  EXPECT_EQ(store_->photo(no_jpeg.id)->brightness->mean, 0);

  // The wishes for the camera count.
  const auto key = protocol::settings_of(protocol::Part::camera)[*protocol::find_setting(
      protocol::Part::camera, "dark_level")].key;
  ASSERT_TRUE(store_->save_settings({"m1", protocol::Part::camera, 1, 0, {key, 110, 0, 0, 0}, {}}));
  const photo::Photo dark = add("m1", 3, jpeg);
  queue->wake();
  while (queue->read_next()) {
  }
  EXPECT_EQ(store_->photo(dark.id)->brightness->light, protocol::Light::dark);
  EXPECT_EQ(store_->newest_photo("m1")->value().brightness->light, protocol::Light::dark);
}

TEST_F(ReadingQueueTest, a_backlog_from_before_is_read_oldest_first) {
  std::vector<std::int64_t> ids;
  for (std::uint32_t number = 1; number <= 8; ++number) ids.push_back(add("m1", number).id);
  const auto queue = open(1);
  ASSERT_TRUE(wait_for(8));
  EXPECT_EQ(photos_, ids);
  EXPECT_TRUE(store_->unread_photos(10)->empty());
}

TEST_F(ReadingQueueTest, new_photos_are_read_when_woken_each_once) {
  const auto queue = open(2);
  for (std::uint32_t number = 1; number <= 30; ++number) {
    add(number % 2 == 0 ? "m1" : "m2", number);
    queue->wake();
  }
  ASSERT_TRUE(wait_for(30));
  std::sort(photos_.begin(), photos_.end());
  EXPECT_EQ(std::unique(photos_.begin(), photos_.end()), photos_.end());
}

TEST_F(ReadingQueueTest, photos_of_one_device_stay_in_order_with_many_threads) {
  for (std::uint32_t number = 1; number <= 9; ++number) add("m1", number);
  const auto queue = open(4);
  ASSERT_TRUE(wait_for(9));
  EXPECT_TRUE(std::is_sorted(photos_.begin(), photos_.end()));
}

TEST_F(ReadingQueueTest, a_file_that_is_gone_or_changed_is_unreadable_and_stops_nothing) {
  fs::remove(add("m1", 1).path);
  std::ofstream(add("m1", 2).path) << "other bytes";
  add("m1", 3);
  const auto queue = open(1);
  ASSERT_TRUE(wait_for(3));
  EXPECT_EQ(readings_[0].status, "unreadable");
  EXPECT_EQ(readings_[1].status, "unreadable");
  EXPECT_EQ(readings_[2].status, "read");
}

TEST_F(ReadingQueueTest, the_next_photo_of_a_meter_is_read_with_what_the_last_accepted_says) {
  add("m1", 1);
  {
    const auto queue = open(1);
    ASSERT_TRUE(wait_for(1));
  }
  add("m1", 4);
  add("m2", 5);
  const auto queue = open(1);  // a restart keeps it
  ASSERT_TRUE(wait_for(3));
  EXPECT_FALSE(known_[0].window || known_[0].earlier);
  ASSERT_TRUE(known_[1].window && known_[1].earlier);
  EXPECT_EQ((*known_[1].window)[2].y, 60);
  EXPECT_EQ(known_[1].wheels, 5);
  EXPECT_EQ(known_[1].red, -1);
  EXPECT_EQ(known_[1].earlier->digits, "00121");
  EXPECT_EQ(known_[1].earlier->certain, 5);
  EXPECT_NEAR(known_[1].earlier->hours, 3 / 3'600'000.0, 1e-12);
  EXPECT_FALSE(known_[2].window) << "another meter's";
}

TEST_F(ReadingQueueTest, a_photo_of_two_meters_is_read_once_for_each_at_its_region) {
  save_device("m1");
  validate::Meter second;
  second.id = "gas";
  ASSERT_TRUE(store_->add_meter(second, {}));
  const validate::Region region{{{5, 5}, {50, 5}, {50, 20}, {5, 20}}};
  validate::Watch watch;
  watch.device = "m1";
  watch.meter = "gas";
  watch.region = region;
  ASSERT_TRUE(store_->add_watch(watch, {}));
  const auto photo = add("m1", 1);
  const auto queue = open(1);
  ASSERT_TRUE(wait_for(2));
  EXPECT_EQ(readings_[0].meter, "m1");
  EXPECT_EQ(readings_[1].meter, "gas");
  EXPECT_EQ(readings_[1].photo, photo.id);
  EXPECT_FALSE(known_[0].window);
  ASSERT_TRUE(known_[1].window);
  EXPECT_EQ((*known_[1].window)[2].x, 50);
  EXPECT_TRUE(known_[1].is_drawn);
  EXPECT_EQ(photos_.size(), 1U);
  EXPECT_TRUE(store_->unread_photos(10)->empty());
}

TEST_F(ReadingQueueTest, a_photo_of_a_device_that_watches_nothing_then_is_refused_unread) {
  save_device("m1");
  auto watch = store_->watches("m1", "", 0, 1)->front();
  watch.to_ms = 5;
  ASSERT_TRUE(store_->change_watch(watch, {}));
  add("m1", 1);
  const auto queue = open(1);
  ASSERT_TRUE(wait_for(1));
  EXPECT_EQ(readings_[0].verdict, validate::Verdict::rejected);
  EXPECT_EQ(readings_[0].flags, validate::bit(validate::Flag::no_meter));
  EXPECT_TRUE(known_.empty()) << "no reader's time is spent on it";
}

TEST_F(ReadingQueueTest, photos_that_are_deleted_with_their_device_get_no_readings) {
  save_device("m1");
  add("m1", 1);
  add("m1", 2);
  while_reading_ = [&] { ASSERT_TRUE(store::Fleet(*store_).remove_device("m1", true)); };
  const auto queue = open(0);
  queue->wake();
  while (queue->read_next()) {
  }
  EXPECT_EQ(known_.size(), 1U) << "the other one was gone before";
  EXPECT_EQ(queue->backlog(), 0u);
  EXPECT_TRUE(store_->readings({})->empty());
  EXPECT_TRUE(store_->watches("m1", "", 0, 10)->empty());
}

TEST_F(ReadingQueueTest, later_readings_withdraw_a_false_one_and_everybody_is_told) {
  // The photo's number is the last digit: 9 is false, 1 to 3 are less.
  for (const std::uint32_t number : {9U, 11U, 12U, 13U}) add("m1", number);
  const auto queue = open(1);
  ASSERT_TRUE(wait_for(4));
  EXPECT_EQ(store_->reading(readings_[0].id)->verdict, validate::Verdict::doubtful);
  EXPECT_EQ(store_->reading(readings_[1].id)->verdict, validate::Verdict::accepted);
  EXPECT_EQ(store_->newest_accepted("m1").value()->digits, "00123");
  EXPECT_EQ(changed_ids_, (std::vector<std::int64_t>{readings_[0].id, readings_[1].id}));
  const auto history = store_->reading_history(readings_[0].id);
  ASSERT_EQ(history->size(), 2U);
  EXPECT_EQ((*history)[0].verdict, validate::Verdict::accepted);
  EXPECT_TRUE((*history)[1].review->by_server);
  EXPECT_NE((*history)[1].review->reason.find("withdrawn"), std::string::npos);
}

TEST(KnownOf, an_older_photo_has_the_layout_but_no_earlier_reading) {
  validate::Reading accepted;
  accepted.photo = 3;
  accepted.digits = "00195419";
  accepted.certain = 7;
  accepted.red = 3;
  accepted.at_ms = 7'200'000;
  validate::Meter meter;
  meter.rate_max = 20;
  EXPECT_EQ(known_of(meter, accepted, 10'800'000).earlier->hours, 1);
  EXPECT_EQ(known_of(meter, accepted, 10'800'000).earlier->most_per_hour, 20);
  const reader::Known older = known_of(meter, accepted, 7'000'000);
  EXPECT_FALSE(older.earlier);
  EXPECT_EQ(older.wheels, 8);
  EXPECT_EQ(older.red, 3);
}

TEST(KnownOf, a_value_without_a_photo_says_nothing_of_the_layout) {
  validate::Reading accepted;
  accepted.digits = "195419";
  accepted.red = 3;
  accepted.certain = 6;
  const reader::Known known = known_of({}, accepted, 1);
  EXPECT_FALSE(known.window);
  EXPECT_EQ(known.wheels, 0);
  EXPECT_EQ(known.red, -1);
  EXPECT_EQ(known.earlier->digits, "195419");
}

TEST(KnownOf, only_a_person_can_say_that_there_are_no_decimals) {
  validate::Reading accepted;
  accepted.digits = "0195419";
  accepted.certain = 7;
  accepted.photo = 4;
  validate::Meter meter;
  EXPECT_EQ(known_of(meter, accepted, 1).red, -1);
  meter.decimals = 0;
  EXPECT_EQ(known_of(meter, accepted, 1).red, 0);
  EXPECT_EQ(known_of(meter, accepted, 1).wheels, 7);
}

TEST(Inbox, is_bounded_and_gives_everything_at_once) {
  ingest::Inbox inbox(3, 1 << 20);
  std::vector<ingest::Packet> packets(2), out;
  std::vector<ingest::Task> tasks;
  EXPECT_EQ(inbox.push(packets, std::chrono::milliseconds(0)), 0u);
  packets.resize(2);
  EXPECT_EQ(inbox.push(packets, std::chrono::milliseconds(0)), 0u) << "one row above the limit";
  packets.resize(5);
  EXPECT_EQ(inbox.push(packets, std::chrono::milliseconds(0)), 5u);
  EXPECT_TRUE(inbox.post([] {}));
  EXPECT_TRUE(inbox.take(out, tasks, std::chrono::milliseconds(0)));
  EXPECT_EQ(out.size(), 4u);
  EXPECT_EQ(tasks.size(), 1u);
  inbox.close();
  EXPECT_FALSE(inbox.post([] {}));
  EXPECT_FALSE(inbox.take(out, tasks, std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace meterlens::server
