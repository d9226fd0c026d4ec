// The second reader's queue beside the first one's: nobody waits for a provider that is away.
#include "server/second_queue.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "server/photo/files.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using second::Policy;

class SecondQueueTest : public ::testing::Test {
 protected:
  SecondQueueTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-second-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    store_ = *store::Store::open((root_ / "m.db").string());
    settings_.policy = Policy::baidu;
    settings_.keys = second::Keys{"key", "secret"};
    // Nobody listens there.
    settings_.baidu.base_url = "http://127.0.0.1:1";
    settings_.baidu.tries_max = 1;
    settings_.baidu.pause_ms_first = 1;
  }
  ~SecondQueueTest() override {
    store_.reset();
    fs::remove_all(root_);
  }
  photo::Photo add(const std::string& device, std::uint32_t number) {
    std::vector<photo::Photo> photos(1);
    photos[0].device = device;
    photos[0].photo_id = number;
    photos[0].bytes = {static_cast<std::uint8_t>(number)};
    photos[0].sha256 = protocol::sha256(photos[0].bytes);
    photos[0].received_at_ms = photos[0].captured_at_ms = 1'000'000 + number;
    photo::Files files({root_ / "images", root_ / "quarantine"});
    EXPECT_TRUE(files.write(photos).has_value());
    EXPECT_TRUE(store_->add_photos(photos).has_value());
    return photos[0];
  }
  static Look look_of(const std::string& meter) {
    Look look;
    look.views.resize(1);
    look.views[0].claim.meter = meter;
    look.views[0].claim.status = "read";
    look.views[0].claim.digits = "00123";
    look.views[0].claim.certain = 5;
    return look;
  }
  static std::string remark(const std::optional<Look>& look) {
    return look ? look->views[0].claim.remark : "taken";
  }
  static void never(Look) { ADD_FAILURE() << "given back twice"; }

  fs::path root_;
  std::unique_ptr<store::Store> store_;
  metrics::Metrics metrics_;
  SecondSettings settings_;
};

TEST_F(SecondQueueTest, asks_nobody_when_the_policy_is_local_or_there_are_no_keys) {
  settings_.policy = Policy::local;
  SecondQueue local(settings_, *store_, metrics_);
  const auto same = local.look_again(look_of("m1"), never);
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->views[0].claim.said.empty());
  settings_.policy = Policy::baidu;
  settings_.keys.reset();
  SecondQueue without(settings_, *store_, metrics_);
  const auto look = without.look_again(look_of("m1"), never);
  EXPECT_EQ(remark(look), "the second reader was not asked: it has no keys");
}

TEST_F(SecondQueueTest, a_meters_own_policy_goes_before_the_global_one) {
  validate::Meter meter;
  meter.id = "m1";
  ASSERT_TRUE(store_->add_meter(meter, {}));
  ASSERT_TRUE(store_->add_second_policy({"m1", Policy::local, "", "", 1}));
  settings_.keys.reset();
  SecondQueue queue(settings_, *store_, metrics_);
  EXPECT_EQ(remark(queue.look_again(look_of("m1"), never)), "");
  EXPECT_NE(remark(queue.look_again(look_of("m2"), never)), "");
  ASSERT_TRUE(store_->add_second_policy({"m1", std::nullopt, "", "", 2}));
  EXPECT_NE(remark(queue.look_again(look_of("m1"), never)), "");
}

TEST_F(SecondQueueTest, has_bounds_and_closes_at_once_without_giving_back) {
  settings_.photos_max = 2;
  settings_.threads = 0;  // nobody takes them
  SecondQueue queue(settings_, *store_, metrics_);
  EXPECT_FALSE(queue.look_again(look_of("m1"), never));
  EXPECT_FALSE(queue.look_again(look_of("m2"), never));
  EXPECT_EQ(remark(queue.look_again(look_of("m3"), never)),
            "the second reader was not asked: too many photos wait for it");
  queue.close();
  EXPECT_FALSE(queue.look_again(look_of("m4"), never)) << "it stays unread";
}

TEST_F(SecondQueueTest, others_are_read_while_one_photo_waits_and_its_result_comes_later) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<validate::Reading> readings;
  std::vector<std::pair<Look, std::function<void(Look)>>> held;
  add("slow", 1);
  add("slow", 2);
  for (std::uint32_t number = 3; number < 30; ++number) add("slow", number);
  add("fast", 100);
  ReadingQueue queue(
      {.threads = 1, .fetch_max = 4, .retry_ms = 5}, *store_,
      [](std::span<const std::byte>, const reader::Known&) {
        validate::Claim claim;
        claim.status = "read";
        claim.digits = "00123";
        claim.certain = 5;
        return claim;
      },
      metrics_,
      [&](const photo::Photo&, const store::Judged& judged) {
        const std::lock_guard lock(mutex);
        readings.insert(readings.end(), judged.readings.begin(), judged.readings.end());
        changed.notify_all();
      },
      [&](Look look, std::function<void(Look)> done) -> std::optional<Look> {
        if (look.photo.device != "slow") return look;
        const std::lock_guard lock(mutex);
        held.emplace_back(std::move(look), std::move(done));
        changed.notify_all();
        return std::nullopt;
      });
  std::unique_lock lock(mutex);
  const auto within = std::chrono::seconds(20);
  ASSERT_TRUE(changed.wait_for(lock, within, [&] { return readings.size() == 1; }));
  EXPECT_EQ(readings[0].device, "fast") << "behind 29 photos of a device that waits";
  ASSERT_EQ(held.size(), 1U) << "one at a time of a device";
  auto [look, done] = std::move(held.front());
  look.views[0].claim.remark = "looked again";
  lock.unlock();
  done(std::move(look));
  lock.lock();
  ASSERT_TRUE(changed.wait_for(lock, within, [&] { return held.size() == 2; }));
  ASSERT_EQ(readings.size(), 2U);
  EXPECT_EQ(readings[1].reasons.front(), "looked again");
  EXPECT_EQ(held[1].first.photo.photo_id, 2U) << "the next one of that device";
}

TEST_F(SecondQueueTest, a_provider_that_is_away_leaves_the_local_result_and_the_reason) {
  const auto photo = add("m1", 1);
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Look> back;
  SecondQueue queue(settings_, *store_, metrics_);
  Look look = look_of("m1");
  look.photo = photo;
  ASSERT_FALSE(queue.look_again(std::move(look), [&](Look again) {
    const std::lock_guard lock(mutex);
    back = std::move(again);
    changed.notify_all();
  }));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(20), [&] { return back.has_value(); }));
  // The photo is one byte: that it is no picture is found out before anybody is asked.
  const validate::Claim& claim = back->views[0].claim;
  EXPECT_EQ(claim.digits, "00123");
  ASSERT_EQ(claim.said.size(), 2U);
  EXPECT_EQ(claim.said[1].status, "not asked");
  EXPECT_TRUE(claim.said[0].believed);
  EXPECT_EQ(metrics_.count(metrics::Count::second_calls), 0U);
}

}  // namespace
}  // namespace meterlens::server
