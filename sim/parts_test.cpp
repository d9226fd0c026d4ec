// The parts of the simulated world: does it behave as the real one does?
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <string>

#include "server/photo/jpeg_shape.h"
#include "sim/broker.h"
#include "sim/flash.h"
#include "sim/line.h"
#include "sim/photographer.h"

namespace meterlens::sim {
namespace {

TEST(Events, HappenInOrderOfTimeAndThenOfMaking) {
  Events events;
  std::string order;
  events.at(20, [&] { order += 'c'; });
  events.at(10, [&] {
    order += 'a';
    events.at(5, [&] { order += 'b'; });  // too late for 5: now
  });
  events.at(20, [&] { order += 'd'; });
  while (events.step(20)) {
  }
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(events.now_us(), 20);
}

TEST(Random, GapsHaveTheirMean) {
  Random random(1);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += random.gap(50);
  EXPECT_NEAR(sum / 100'000, 50, 1);
}

// ---- flash ----

class FlashTest : public testing::Test {
 protected:
  bool program(std::uint32_t offset, Buffer bytes) {
    return port_.program(port_.context, 1, offset, bytes.data(),
                         static_cast<std::uint32_t>(bytes.size()));
  }
  Buffer read(std::uint32_t offset, std::uint32_t bytes) {
    Buffer out(bytes);
    EXPECT_TRUE(port_.read(port_.context, 1, offset, out.data(), bytes));
    return out;
  }
  Flash flash_{3, 4096, Random(1)};
  MeterlensFlash port_ = flash_.port();
};

TEST_F(FlashTest, ProgramOnlyClearsBits) {
  EXPECT_EQ(read(100, 2), Buffer({0xFF, 0xFF}));
  ASSERT_TRUE(program(100, {0xF0, 0x0F}));
  ASSERT_TRUE(program(100, {0x3C, 0xFF}));
  EXPECT_EQ(read(99, 4), Buffer({0xFF, 0x30, 0x0F, 0xFF}));
}

TEST_F(FlashTest, APowerCutTearsTheWriteAndStopsTheOthers) {
  flash_.cut_after(2, 0.5);
  ASSERT_TRUE(program(0, {1, 2}));
  EXPECT_TRUE(flash_.has_power());
  program(2, {3, 4, 5, 6});
  EXPECT_FALSE(flash_.has_power());
  program(6, {7});
  EXPECT_EQ(read(0, 7), Buffer({1, 2, 3, 4, 0xFF, 0xFF, 0xFF}));
  flash_.restore_power();
  program(6, {7});
  EXPECT_EQ(read(6, 1), Buffer({7}));
}

TEST_F(FlashTest, AnErasureTakesItsTime) {
  ASSERT_TRUE(program(0, {0, 0}));
  EXPECT_EQ(port_.erase(port_.context, 1), 0);
  EXPECT_EQ(read(0, 1), Buffer({0}));
  while (port_.erase(port_.context, 1) == 0) {
  }
  EXPECT_EQ(read(0, 2), Buffer({0xFF, 0xFF}));
}

TEST_F(FlashTest, RotTurnsOneBit) {
  ASSERT_TRUE(program(0, Buffer(64, 0)));
  while (!flash_.rot()) {
  }
  int ones = 0;
  for (const auto byte : read(0, 64)) ones += std::popcount(byte);
  EXPECT_EQ(ones, 1);
}

TEST(Photographer, EachPhotoIsAWholeJpegOfItsSize) {
  Random random(1);
  Buffer before;
  for (const std::size_t bytes : {256UL, 5'000UL, 65'031UL, 65'033UL, 200'000UL}) {
    const Buffer photo = make_photo(bytes, random);
    EXPECT_EQ(photo.size(), bytes);
    EXPECT_TRUE(photo::look(photo)) << bytes;
    EXPECT_NE(photo, before);
    before = photo;
  }
}

// ---- line ----

struct LineStory {
  explicit LineStory(const Faults& given)
      : faults(given),
        line(events, faults, Random(3),
             {[this](std::span<std::uint8_t> out) { return pull(out); },
              [this](protocol::Bytes b) { got.insert(got.end(), b.begin(), b.end()); }}) {}
  std::size_t pull(std::span<std::uint8_t> out) {
    const std::size_t part = std::min(out.size(), sent.size() - taken);
    std::copy_n(sent.begin() + static_cast<std::ptrdiff_t>(taken), part, out.begin());
    taken += part;
    return part;
  }
  void run(std::size_t bytes) {
    sent.assign(bytes, 0x55);
    line.nudge();
    while (events.step(100'000'000)) last_us = events.now_us();
  }
  Faults faults;
  Events events;
  Buffer sent, got;
  std::size_t taken = 0;
  std::int64_t last_us = 0;
  Line line;
};

TEST(Line, CarriesEveryByteInItsTime) {
  LineStory story({});
  story.run(11'520);
  EXPECT_EQ(story.got, story.sent);
  EXPECT_NEAR(static_cast<double>(story.last_us), 1e6, 100);
}

TEST(Line, EachFaultShows) {
  LineStory flip({.flip_bytes = 100}), drop({.drop_bytes = 100}), insert({.insert_bytes = 100});
  for (LineStory* story : {&flip, &drop, &insert}) story->run(10'000);
  EXPECT_EQ(flip.got.size(), 10'000U);
  EXPECT_NE(flip.got, flip.sent);
  EXPECT_LT(drop.got.size(), 9'900U);
  EXPECT_GT(insert.got.size(), 10'100U);
  LineStory mute({});
  mute.line.mute(true);
  mute.run(1000);
  EXPECT_TRUE(mute.got.empty());
}

// ---- broker ----

class BrokerTest : public testing::Test {
 protected:
  struct Party {
    Broker::Client client = 0;
    std::vector<std::string> heard;  // topic=payload
  };
  BrokerTest() {
    join(device_);
    join(server_);
  }
  void join(Party& party) {
    party.client = broker_.add(50'000, {[] {}, [&party](std::string_view topic, protocol::Bytes p) {
                                          party.heard.push_back(std::string(topic) + '=' +
                                                                std::string(p.begin(), p.end()));
                                        }});
  }
  void connect(Party& party, const std::string& will_topic = {}, const std::string& id = {}) {
    broker_.connect(party.client, {id, 30, will_topic, "gone"});
    pass(1000);
  }
  void pass(std::int64_t ms) {
    const std::int64_t until_us = events_.now_us() + ms * 1000;
    while (events_.step(until_us)) {
    }
  }
  bool publish(const std::string& text, bool retain = false) {
    const protocol::Bytes bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
    return broker_.publish(device_.client, "a/m1/up", bytes, 1, retain);
  }
  using Heard = std::vector<std::string>;

  Events events_;
  Faults faults_;
  Broker broker_{events_, faults_, Random(1)};
  Party device_, server_;
};

TEST_F(BrokerTest, CarriesInOrderAndAcknowledges) {
  EXPECT_FALSE(publish("x"));
  connect(device_);
  connect(server_);
  broker_.subscribe(server_.client, "a/+/up");
  for (const char* text : {"1", "2", "3"}) EXPECT_TRUE(publish(text));
  EXPECT_EQ(broker_.unacknowledged(device_.client), 3U);
  pass(1000);
  EXPECT_EQ(broker_.unacknowledged(device_.client), 0U);
  EXPECT_EQ(server_.heard, Heard({"a/m1/up=1", "a/m1/up=2", "a/m1/up=3"}));
  EXPECT_TRUE(device_.heard.empty());
}

TEST_F(BrokerTest, RetainsUntilARestartForgets) {
  connect(device_);
  publish("kept", true);
  pass(1000);
  connect(server_);
  broker_.subscribe(server_.client, "a/+/up");
  pass(1000);
  EXPECT_EQ(server_.heard, Heard({"a/m1/up=kept"}));
  broker_.restart(5'000'000);
  pass(1000);
  EXPECT_EQ(broker_.state(server_.client), MqttState::down);
  connect(server_);
  EXPECT_EQ(broker_.state(server_.client), MqttState::down) << "it is away";
  pass(5000);
  connect(server_);
  broker_.subscribe(server_.client, "a/+/up");
  pass(1000);
  EXPECT_EQ(server_.heard.size(), 1U);
}

TEST_F(BrokerTest, ABrokenConnectionIsNoticedLateAndTheWillIsPublished) {
  connect(device_, "a/m1/status");
  connect(server_);
  broker_.subscribe(server_.client, "a/+/status");
  broker_.cut(device_.client, 1'000'000);
  publish("into the void");
  pass(44'000);
  EXPECT_TRUE(server_.heard.empty());
  pass(2000);
  EXPECT_EQ(server_.heard, Heard({"a/m1/status=gone"}));
  EXPECT_EQ(broker_.state(device_.client), MqttState::down);
  connect(device_, "a/m1/status");
  broker_.disconnect(device_.client);
  pass(60'000);
  EXPECT_EQ(server_.heard.size(), 1U) << "a goodbye is no will";
}

TEST_F(BrokerTest, LosesDoublesAndMixesWhereFaultsSaySo) {
  connect(device_);
  connect(server_);
  broker_.subscribe(server_.client, "a/+/up");
  faults_.lose_chance = 1;
  publish("lost");
  pass(1000);
  EXPECT_EQ(broker_.unacknowledged(device_.client), 0U) << "acknowledged and yet lost";
  EXPECT_TRUE(server_.heard.empty());
  faults_.lose_chance = 0;
  faults_.twice_chance = 1;
  publish("twice");
  pass(20'000);
  EXPECT_EQ(server_.heard.size(), 2U);
}

TEST_F(BrokerTest, TellsWhoComesAndGoes) {
  connect(server_);
  broker_.subscribe(server_.client, "$SYS/broker/log/#");
  const auto said = [&](const std::string& words) {
    return !server_.heard.empty() && server_.heard.back().find(words) != std::string::npos;
  };
  connect(device_, {}, "Pm1");
  EXPECT_TRUE(said("$SYS/broker/log/N=New client connected from")) << "and";
  EXPECT_TRUE(said(" as Pm1 (p2"));
  broker_.cut(device_.client, 1'000'000);
  pass(60'000);
  EXPECT_TRUE(said("Client Pm1 has exceeded timeout"));
  connect(device_, {}, "Pm1");
  broker_.vanish(device_.client);
  pass(1000);
  EXPECT_TRUE(said("Client Pm1 closed its connection."));
}

TEST(Topics, PlusStandsForOneLevel) {
  EXPECT_TRUE(topic_fits("meterlens/+/up", "meterlens/m1/up"));
  EXPECT_TRUE(topic_fits("a/b", "a/b"));
  EXPECT_FALSE(topic_fits("meterlens/+/up", "meterlens/m1/down"));
  EXPECT_FALSE(topic_fits("meterlens/+", "meterlens/m1/up"));
  EXPECT_FALSE(topic_fits("+/+/event", "a/event"));
  EXPECT_TRUE(topic_fits("$SYS/broker/log/#", "$SYS/broker/log/N"));
}

}  // namespace
}  // namespace meterlens::sim
