// The second reader's tables, photos that people send, other light, the life of commands.
#include <gtest/gtest.h>

#include "server/store/fixture.h"

namespace meterlens::store {
namespace {

using second::MeterPolicy;
using second::Policy;
using second::Stop;

class SecondStoreTest : public test::Fixture {
 protected:
  void reopen() {
    store_.reset();
    store_ = open();
  }
  void add_meter(const std::string& id) {
    validate::Meter meter;
    meter.id = id;
    ASSERT_TRUE(store_->add_meter(meter, {}));
  }
};

TEST_F(SecondStoreTest, every_wish_for_a_meter_is_kept_and_the_newest_counts) {
  add_meter("m1");
  EXPECT_TRUE(store_->second_policies("m1", 10)->empty());
  ASSERT_TRUE(store_->add_second_policy({"m1", Policy::baidu, "Ann", "dark cellar", 5}));
  ASSERT_TRUE(store_->add_second_policy({"m1", std::nullopt, "", "", 6}));
  reopen();
  const auto edits = store_->second_policies("m1", 10);
  ASSERT_EQ(edits->size(), 2U);
  EXPECT_FALSE((*edits)[0].policy);
  EXPECT_EQ((*edits)[1].policy, Policy::baidu);
  EXPECT_EQ((*edits)[1].author, "Ann");
  const auto none = store_->add_second_policy({"m9", Policy::baidu, "", "", 5});
  EXPECT_EQ(none.error().code, ErrorCode::not_found);
}

TEST_F(SecondStoreTest, calls_and_cost_are_added_up_by_day_and_meter) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store_->add_second_use({20'000, "m1", 2, 1, 5000}));
  ASSERT_TRUE(store_->add_second_use({20'000, "m2", 1, 1, 5000}));
  ASSERT_TRUE(store_->add_second_use({20'001, "m1", 1, 0, 0}));
  reopen();
  EXPECT_EQ(store_->second_billed(20'000).value(), 4);
  EXPECT_EQ(store_->second_billed(20'002).value(), 0);
  const auto all = store_->second_uses("", 0, 30'000, 100);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ(all->front().day, 20'001);
  const auto one = store_->second_uses("m1", 20'000, 20'000, 100);
  ASSERT_EQ(one->size(), 1U);
  EXPECT_EQ(one->front().calls, 6);
  EXPECT_EQ(one->front().cost_micro, 15'000);
}

TEST_F(SecondStoreTest, a_stop_survives_a_restart_until_it_is_lifted) {
  EXPECT_EQ(store_->second_stop()->kind, Stop::Kind::none);
  ASSERT_TRUE(store_->save_second_stop({Stop::Kind::quota_today, 77, "used up"}));
  ASSERT_TRUE(store_->save_second_stop({Stop::Kind::quota, 0, "all used up"}));
  reopen();
  EXPECT_EQ(store_->second_stop()->kind, Stop::Kind::quota);
  EXPECT_EQ(store_->second_stop()->reason, "all used up");
  ASSERT_TRUE(store_->save_second_stop({}));
  EXPECT_EQ(store_->second_stop()->kind, Stop::Kind::none);
}

TEST_F(SecondStoreTest, what_each_reader_said_is_kept_beside_the_reading) {
  validate::Reading reading;
  reading.meter = reading.device = "m1";
  reading.status = "read";
  reading.digits = "00195419";
  reading.said.resize(2);
  reading.said[0] = {"local", "doubtful", "00195419", 5, 3, 0.6, {}, false, "dark"};
  reading.said[1] = {"baidu", "read", "00195419", 8, 3, 0.97, {"00195.419", "m3"}, true, "place"};
  const auto id = store_->add_reading(reading);
  ASSERT_TRUE(id);
  reopen();
  const auto said = store_->said(*id);
  ASSERT_EQ(said->size(), 2U);
  EXPECT_EQ((*said)[0].note, "dark");
  EXPECT_EQ((*said)[1].words, (std::vector<std::string>{"00195.419", "m3"}));
  EXPECT_TRUE((*said)[1].believed);
  EXPECT_DOUBLE_EQ((*said)[1].confidence, 0.97);
  EXPECT_TRUE(store_->said(*id + 1)->empty());
}

TEST_F(SecondStoreTest, a_persons_photo_is_in_once_for_each_meter) {
  photo::Photo photo;
  photo.device = "phone:m1";
  photo.meter = "m1";
  photo.bytes = {1, 2, 3};
  photo.sha256 = protocol::sha256(photo.bytes);
  photo.path = "a.jpg";
  ASSERT_TRUE(store_->add_photos({&photo, 1}));
  photo::Photo other = photo;
  other.device = "phone:m2";
  other.meter = "m2";
  ASSERT_TRUE(store_->add_photos({&other, 1}));
  EXPECT_NE(photo.id, other.id);
  EXPECT_EQ(store_->find_upload("m1", photo.sha256).value()->id, photo.id);
  EXPECT_EQ(store_->find_upload("m2", photo.sha256).value()->id, other.id);
  EXPECT_FALSE(store_->find_upload("m3", photo.sha256).value());
  EXPECT_EQ(store_->photos({.meter = "m1"})->size(), 1U);
  EXPECT_EQ(store_->photos({})->size(), 2U);
  EXPECT_EQ(store_->unread_photos(10)->front().meter, "m1");
}

TEST_F(SecondStoreTest, tries_with_other_light_are_found_by_slot_and_by_their_command) {
  command::LightTry one;
  one.device = "m1";
  one.first_command = 7;
  one.number = 1;
  one.fault = "dark";
  one.light = "lamp at 100 %";
  one.entries = {19, 1, 0, 0, 0};
  one.undo = {19, 0, 0, 0, 0xff};
  one.id = store_->add_light_try(one).value();
  one.command = 8;
  one.state = command::LightTry::State::undoing;
  one.note = "camera: sensor";
  ASSERT_TRUE(store_->save_light_try(one));
  reopen();
  const auto open = store_->open_light_tries();
  ASSERT_EQ(open->size(), 1U);
  EXPECT_EQ(open->front().undo, one.undo);
  EXPECT_EQ(open->front().entries, one.entries);
  EXPECT_EQ(open->front().state, command::LightTry::State::undoing);
  EXPECT_EQ(store_->light_try_of(8).value()->first_command, 7);
  EXPECT_FALSE(store_->light_try_of(7).value());
  EXPECT_FALSE(store_->light_try_of(0).value());
  one.state = command::LightTry::State::done;
  ASSERT_TRUE(store_->save_light_try(one));
  EXPECT_TRUE(store_->open_light_tries()->empty());
  EXPECT_EQ(store_->light_tries(7)->front().note, "camera: sensor");
}

TEST_F(SecondStoreTest, a_commands_life_has_each_state_once) {
  using command::State;
  command::Command command;
  command.device = "m1";
  command.created_ms = command.updated_ms = 1;
  command.id = store_->add_command(command).value();
  const std::pair<State, const char*> states[] = {
      {State::sent, ""}, {State::transferring, ""}, {State::transferring, ""},
      {State::queued, "busy"}, {State::sent, "busy"}, {State::failed, "no answer"}};
  for (const auto& [state, reason] : states) {
    command.state = state;
    command.reason = reason;
    ++command.packets_received;
    ++command.updated_ms;
    ASSERT_TRUE(store_->save_command(command));
  }
  reopen();
  const auto life = store_->command_life(command.id);
  ASSERT_EQ(life->size(), 6U);
  EXPECT_EQ(life->front().state, State::queued);
  EXPECT_EQ((*life)[2].at_ms, 3);
  EXPECT_EQ((*life)[3].reason, "busy");
  EXPECT_EQ(life->back().state, State::failed);
}

TEST_F(SecondStoreTest, commands_are_listed_newest_first_in_pages) {
  for (int i = 0; i < 5; ++i) {
    command::Command command;
    command.device = i % 2 == 0 ? "m1" : "m2";
    ASSERT_TRUE(store_->add_command(command));
  }
  const auto first = store_->commands("", INT64_MAX, 2);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_EQ(first->front().id, 5);
  const auto rest = store_->commands("", first->back().id, 10);
  EXPECT_EQ(rest->size(), 3U);
  EXPECT_EQ(store_->commands("m2", INT64_MAX, 10)->size(), 2U);
}

}  // namespace
}  // namespace meterlens::store
