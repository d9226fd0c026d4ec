// A worker's and a server's turns in a fleet, without RabbitMQ: what the queues bring is given to
// the steps by hand.
#include <gtest/gtest.h>

#include <algorithm>

#include "server/errand.h"
#include "server/ingest/recording.h"
#include "server/photo/objects.h"
#include "server/remote.h"
#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

using metrics::Count;
using testing::hour;
using testing::minute;
using testing::start;

const std::string smart = "D1X20SEED0000001P";

// ---- a worker ----

class WorkerTest : public testing::OnSteps {
 protected:
  WorkerTest() {
    settings_.role = Role::worker;
    begin();
  }
  // Another worker, or the same one after its end, has queue 0.
  void begin() {
    restart();
    ASSERT_TRUE(steps_->adopt({0, {}}));
  }
  void prepare_clock() override {
    steps_->clock = [this] { return now_ms_; };
  }
  void hear(std::string_view topic, std::string_view payload, int queue = 0) {
    steps_->message_of_queue(
        topic, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
        {++number_, queue, false, session_});
    turn();
  }
  void hear(std::span<const ingest::testing::Recorded> events) {
    for (const auto& event : events) hear(event.topic, event.payload);
  }
  void wait(std::int64_t ms) {
    for (const std::int64_t end = now_ms_ + ms; now_ms_ < end; now_ms_ += 1'000) turn();
  }
  bool is_known(const std::string& device) { return steps_->registry.find(device) != nullptr; }
  std::vector<photo::Photo> photos() { return *store_->photos({.device = smart}); }
  static Errand due(const std::string& device, std::int64_t at_ms) {
    Errand errand;
    errand.kind = Errand::Kind::due;
    errand.device = device;
    errand.number = at_ms;
    return errand;
  }

  std::int64_t now_ms_ = start;
  std::uint64_t number_ = 0;
  std::uint32_t session_ = 1;
  const std::string online_ = R"({"online":true})";
  const std::vector<ingest::testing::Recorded> events_ =
      ingest::testing::read_events("capture_8k.jsonl");
};

TEST_F(WorkerTest, NothingComesOfAQueueThatWasGivenUp) {
  hear("meterlens/m1/status", online_);
  EXPECT_TRUE(is_known("m1"));
  steps_->drop(0);
  EXPECT_FALSE(is_known("m1"));
  hear("meterlens/m1/status", online_);
  EXPECT_FALSE(is_known("m1")) << "the next worker gets this message too";
  hear(events_);
  EXPECT_TRUE(photos().empty());
  ASSERT_TRUE(steps_->adopt({0, {}}));
  EXPECT_TRUE(is_known("m1"));
}

// Wherever the connection ends, also in the middle of a text.
TEST_F(WorkerTest, PiecesThatComeAgainWithANewConnectionAreThereOnce) {
  const auto events = ingest::testing::read_events("split_any1024.jsonl");
  for (std::size_t cut = 1; cut < events.size(); ++cut) {
    const std::string device = "d" + std::to_string(cut);
    const std::string topic = "P1/" + device + "/event";
    for (std::size_t i = 0; i < cut; ++i) hear(topic, events[i].payload);
    ++session_;
    for (const auto& event : events) hear(topic, event.payload);
    wait(60'000);
    const auto rows = *store_->photos({.device = device});
    ASSERT_EQ(rows.size(), 1U) << cut;
    EXPECT_EQ(rows[0].state, photo::PhotoState::stored) << cut << ": " << rows[0].reason;
  }
}

TEST_F(WorkerTest, TheRestOfAStoredPhotoIsNoPhoto) {
  hear(events_);
  ASSERT_EQ(photos().size(), 1U);
  begin();
  hear(std::span(events_).last(events_.size() / 2));
  wait(60'000);
  EXPECT_EQ(photos().size(), 1U);
  EXPECT_EQ(metrics_.count(Count::photos_doubled), 1U);
}

TEST_F(WorkerTest, WhatIsKnownOfManyDevicesIsSavedBeforeTheirQueueGoes) {
  constexpr int many = 1'500;  // more than are saved in each turn
  for (int i = 0; i < many; ++i) {
    const std::string topic = "meterlens/m" + std::to_string(i) + "/status";
    steps_->message_of_queue(topic, {reinterpret_cast<const std::uint8_t*>(online_.data()),
                                     online_.size()}, {++number_, 0, false, session_});
  }
  turn();
  steps_->arrived_settled = number_;
  steps_->drop(0);
  EXPECT_EQ(store_->devices({0, {}})->size(), static_cast<std::size_t>(many));
  EXPECT_EQ(steps_->arrived_settled, number_);
  EXPECT_TRUE(steps_->registry.entries().empty());
}

TEST_F(WorkerTest, APhotoThatIsReadAfterItsQueueWentFinishesItsCommand) {
  hear("meterlens/m1/status", online_);
  command::Command command;
  command.device = "m1";
  command.state = command::State::stored;
  command.photo = 5;
  command.id = *store_->add_command(command);
  steps_->drop(0);
  validate::Reading made;
  made.id = 9;
  made.device = "m1";
  photo::Photo photo;
  photo.command = command.id;
  steps_->tell(photo, {{made}, {}});
  turn();
  const auto row = *store_->command(command.id);
  EXPECT_EQ(row.state, command::State::read);
  EXPECT_EQ(row.reading, 9);
}

TEST_F(WorkerTest, ADeviceOfAnothersQueueIsDropped) {
  store::Device row;
  row.id = "m7";
  row.product = "meterlens";
  row.queue = 3;
  ASSERT_TRUE(store_->save_device(row));
  ASSERT_TRUE(steps_->adopt({-1, "m7"}));
  EXPECT_TRUE(is_known("m7"));
  wait(2'000);
  EXPECT_FALSE(is_known("m7"));
}

TEST_F(WorkerTest, WhatIsDueIsOrderedOnceWhoeverAsks) {
  hear("meterlens/m1/status", online_);
  now_ms_ += 1'000;
  const std::int64_t due_ms = now_ms_;
  now_ms_ += 1'000;
  turn();
  EXPECT_EQ(steps_->obey(due("m1", due_ms), false).error, -1);
  // By a server that leads now, and does not know what the one before has ordered.
  EXPECT_EQ(steps_->obey(due("m1", due_ms), false).error, -1);
  EXPECT_EQ(steps_->obey(due("m1", due_ms), true).error, -1);
  EXPECT_EQ(store_->open_commands()->size(), 1U);
  EXPECT_EQ(steps_->obey(due("m1", due_ms + 500), false).error, -1)
      << "ordered after that moment, too";
  EXPECT_EQ(steps_->obey(due("m1", now_ms_ + 500), false).error, -1);
  EXPECT_EQ(store_->open_commands()->size(), 2U);
}

TEST_F(WorkerTest, WhatIsDueOfManyIsOrderedTogether) {
  constexpr int many = 150;
  std::vector<schedule::Due> dues;
  for (int i = 0; i < many; ++i) {
    dues.push_back({0, "m" + std::to_string(i), now_ms_, i == 1});
    hear("meterlens/" + dues.back().device + "/status", online_);
  }
  steps_->registry.set_queue(*steps_->registry.find("m2"), 3);
  dues.push_back({0, "nobody", now_ms_, false});
  dues.push_back({0, "m0", now_ms_, false});  // another schedule's
  now_ms_ += 1'000;
  turn();
  int writes = 0;
  before_write_ = [&] { ++writes; };
  const auto ordered = decode_ordered(steps_->order_dues(errand_of(dues), 0));
  before_write_ = {};
  EXPECT_EQ(writes, 1) << "one transaction for all";
  std::vector<Ordered> wanted(dues.size(), Ordered::yes);
  wanted[1] = Ordered::no;  // missed: a command says so
  wanted[2] = wanted[many] = Ordered::elsewhere;
  EXPECT_EQ(ordered, wanted);
  EXPECT_EQ(store_->open_commands()->size(), static_cast<std::size_t>(many) - 2);
  ASSERT_EQ(store_->commands("m1", INT64_MAX, 9)->size(), 1U);
  EXPECT_EQ(store_->commands("m1", INT64_MAX, 9)->front().state, command::State::expired);
  EXPECT_TRUE(store_->commands("m2", INT64_MAX, 9)->empty());
  // Asked again, by this server or another one, nothing is ordered twice.
  wanted[1] = Ordered::yes;
  EXPECT_EQ(decode_ordered(steps_->order_dues(errand_of(dues), 0)), wanted);
  EXPECT_EQ(store_->open_commands()->size(), static_cast<std::size_t>(many) - 2);
}

// What an object store of ours would keep.
class FakeObjects : public photo::Objects {
 public:
  const std::string& root() const override { return root_; }
  std::expected<std::vector<std::string>, photo::FileError> put(
      std::span<const photo::Object> objects) override {
    for (const auto& one : objects) there.push_back(one.path);
    return std::vector<std::string>();
  }
  std::expected<std::vector<std::uint8_t>, photo::FileError> get(const std::string&,
                                                                 std::size_t) override {
    return std::vector<std::uint8_t>();
  }
  std::expected<std::uint64_t, photo::FileError> size(const std::string&) override { return 0; }
  std::expected<void, photo::FileError> remove(const std::string& path) override {
    std::erase(there, path);
    return {};
  }
  std::vector<std::string> there;

 private:
  std::string root_ = "s3://bucket/photos";
};

TEST_F(WorkerTest, ADeletedDevicesObjectsGoWithIt) {
  const auto objects = std::make_shared<FakeObjects>();
  settings_.folders.objects = objects;
  begin();
  hear(events_);
  ASSERT_EQ(objects->there.size(), 1U);
  EXPECT_TRUE(steps_->fleet.obey(fleet::Remove{smart, true}));
  EXPECT_TRUE(objects->there.empty());
}

// ---- a server ----

class ServerTest : public testing::OnSteps {
 protected:
  ServerTest() {
    settings_.role = Role::server;
    settings_.scheduled_max = 2;
    restart();
    std::vector<std::string> devices;
    for (int i = 0; i < count; ++i) devices.push_back("m" + std::to_string(i));
    testing::add_nightly(*store_, devices, start);
  }
  void prepare_clock() override {
    steps_->clock = [this] { return now_ms_; };
    steps_->single = std::make_unique<store::Single>(*store_, "lead");
  }
  void turns_until(std::int64_t end_ms) {
    for (; now_ms_ <= end_ms; now_ms_ += 500) turn();
  }

  static constexpr int count = 30;
  std::int64_t now_ms_ = start + 2 * hour - 15'000;
};

// Schedules are looked for every 2 s, and these take 15 turns: 7.5 s.
TEST_F(ServerTest, AMomentOfManyDevicesIsNotBegunAgain) {
  turns_until(start + 2 * hour + 30'000);
  // No worker is there in this test: each device is counted once all the same.
  EXPECT_EQ(metrics_.count(Count::captures_missed), static_cast<std::uint64_t>(count));
  EXPECT_EQ(store_->schedule(1)->done_ms, start + 2 * hour);
}

TEST_F(ServerTest, WhatIsDueWaitsForRabbitmq) {
  ingest::QueueLinkSettings away;
  away.nodes = {{"127.0.0.1", 1, "guest", "/"}};  // nobody listens
  away.is_worker = false;
  ingest::QueueLinkEvents events;
  events.pause = [] {};
  events.connection = [](bool) {};
  steps_->queues = std::make_unique<ingest::QueueLink>(away, events);
  steps_->remote = std::make_unique<Remote>(*steps_->queues, *store_);
  turns_until(start + 2 * hour + 30'000);
  EXPECT_EQ(metrics_.count(Count::captures_missed), 0U);
  EXPECT_EQ(store_->schedule(1)->done_ms, start);
}

}  // namespace
}  // namespace meterlens::server
