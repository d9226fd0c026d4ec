// Commands whose photos wait in the camera, and those that come late.
#include "server/command/queue_story.h"

namespace meterlens::command {
namespace {

using metrics::Count;
using protocol::CaptureState;
using protocol::Dialect;

TEST_F(QueueTest, a_refused_photo_waits_in_its_camera_and_holds_up_no_other_command) {
  online();
  order(1);
  order(2);
  look();
  report(1, CaptureState::shooting);
  queue_.offered("m", 1, 7, now_);
  queue_.refused("m", 1, "the server refused the photo: storage_full", false, now_);
  look();
  EXPECT_EQ(state(1), State::transferring);
  EXPECT_EQ(last_[1].reason, "the server refused the photo: storage_full");
  EXPECT_EQ(sent_, (Ids{1, 2}));
  EXPECT_TRUE(queue_.knows("m", 1));
  EXPECT_FALSE(queue_.knows("other", 1));
  queue_.stored("m", 2, 98, now_);
  for (int hour = 0; hour < 30; ++hour) {
    pass(3'600'000);
    queue_.offered("m", 1, 7, now_);
    queue_.refused("m", 1, "the server refused the photo: storage_full", false, now_);
  }
  EXPECT_EQ(state(1), State::transferring);
  EXPECT_EQ(metrics_.count(Count::commands_failed), 0u);
  queue_.offered("m", 1, 7, now_);
  queue_.progress("m", 1, 30, 30, now_);
  look();
  EXPECT_EQ(last_[1].reason, "");
  queue_.stored("m", 1, 99, now_);
  queue_.read(1, 5, now_);
  look();
  EXPECT_EQ(state(1), State::read);
  EXPECT_EQ(last_[1].photo, 99);
}

TEST_F(QueueTest, a_photo_that_is_refused_for_good_ends_its_command) {
  online();
  order(1);
  look();
  queue_.offered("m", 1, 7, now_);
  queue_.refused("m", 1, "the server refused the photo: too_large", true, now_);
  look();
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, "the server refused the photo: too_large");
  EXPECT_FALSE(queue_.knows("m", 1));
}

TEST_F(QueueTest, a_photo_that_stops_after_its_offer_is_waited_for_and_given_up_after_a_day) {
  online();
  order(1);
  look();
  queue_.offered("m", 1, 7, now_);
  queue_.progress("m", 1, 3, 30, now_);
  pass(601'000);
  EXPECT_EQ(state(1), State::transferring);
  EXPECT_EQ(last_[1].reason, "the photo stopped at packet 3 of 30; the camera keeps it");
  order(2);
  look();
  EXPECT_EQ(sent_, (Ids{1, 2}));
  constexpr std::int64_t day_ms = 86'400'000;
  now_ += day_ms;
  queue_.clock_moved(day_ms);
  look();
  EXPECT_EQ(state(1), State::transferring) << "it was the clock that moved";
  now_ += day_ms;
  look();
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, "nothing was heard of the photo for 24 h");
  EXPECT_EQ(metrics_.count(Count::commands_failed), 1u);
}

TEST_F(QueueTest, a_later_photo_says_that_an_earlier_one_is_lost) {
  online();
  for (const std::int64_t id : {1, 2, 3}) {
    order(id);
    look();
    queue_.offered("m", id, static_cast<std::uint32_t>(10 + id), now_);
    if (id < 3) queue_.refused("m", id, "busy", false, now_);
    look();
    EXPECT_EQ(state(id), id < 3 ? State::transferring : State::sent);
    for (std::int64_t before = 1; before < id; ++before)
      EXPECT_EQ(last_[before].reason, "the camera no longer has the photo") << before;
  }
  queue_.offered("m", 3, 13, now_);
  look();
  EXPECT_EQ(state(3), State::sent);
  queue_.offered("m", 0, 14, now_);
  look();
  EXPECT_EQ(state(3), State::failed);
}

TEST_F(QueueTest, a_camera_keeps_so_many_photos_and_a_device_s_end_ends_all) {
  online();
  QueueLimits limits;
  for (std::int64_t id = 1; id <= static_cast<std::int64_t>(limits.device_kept_max) + 1; ++id) {
    order(id);
    look();
    queue_.offered("m", id, 100, now_);
    queue_.refused("m", id, "busy", false, now_);
  }
  look();
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(state(2), State::transferring);
  queue_.end_all("m", "the device was removed", now_);
  look();
  for (const auto& [id, command] : last_) EXPECT_EQ(command.state, State::failed) << id;
}

TEST_F(QueueTest, a_photo_for_a_waiting_command_counts_while_another_one_is_under_way) {
  online();
  order(1);
  order(2);
  order(3);
  look();
  report(1, CaptureState::received);
  // Both were ordered before a restart that the server forgot.
  queue_.stored("m", 2, 98, now_);
  queue_.offered("m", 3, 8, now_);
  queue_.progress("m", 3, 1, 2, now_);
  look();
  EXPECT_EQ(state(1), State::received);
  EXPECT_EQ(state(2), State::stored);
  EXPECT_EQ(state(3), State::transferring);
  queue_.stored("m", 3, 99, now_);
  queue_.stored("m", 1, 97, now_);
  pass(5'000);
  EXPECT_EQ(state(3), State::stored);
  EXPECT_EQ(sent_, Ids{1});
}

TEST_F(QueueTest, a_kept_photo_that_is_bad_fails_its_command) {
  online();
  order(1);
  look();
  queue_.offered("m", 1, 7, now_);
  queue_.refused("m", 1, "busy", false, now_);
  queue_.shot_failed("m", 1, 9, "not a JPEG", now_);
  look();
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].photo, 9);
}

TEST_F(QueueTest, a_command_that_failed_is_mended_by_its_photo) {
  online();
  order(1);
  look();
  report(1, CaptureState::received);
  pass(61'000);
  ASSERT_EQ(state(1), State::failed);
  Command done = last_[1];
  done.state = State::stored;
  done.reason.clear();
  done.photo = 99;
  queue_.mend(done, now_);
  look();
  EXPECT_EQ(state(1), State::stored);
  EXPECT_TRUE(queue_.knows("m", 1));
  queue_.read(1, 5, now_);
  look();
  EXPECT_EQ(state(1), State::read);
}

TEST_F(QueueTest, a_photo_under_way_at_a_restart_is_asked_for_once_and_then_waited_for) {
  Command command;
  command.id = 5;
  command.device = "m";
  command.state = State::transferring;
  command.created_ms = command.updated_ms = now_;
  queue_.take_up(command, Dialect::native, now_);
  pass(60'000);
  EXPECT_EQ(sent_, (Ids{5, 5}));
  EXPECT_EQ(state(5), State::transferring);
  command.id = 6;
  command.created_ms = command.updated_ms = now_ - 3'600'000;
  queue_.take_up(command, Dialect::native, now_);
  pass(1'000);
  EXPECT_EQ(sent_, (Ids{5, 5}));
  EXPECT_EQ(state(6), State::transferring);
  queue_.stored("m", 6, 9, now_);
  look();
  EXPECT_EQ(state(6), State::stored);
}

}  // namespace
}  // namespace meterlens::command
