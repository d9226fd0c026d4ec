#include "server/command/queue_story.h"

namespace meterlens::command {
namespace {

using metrics::Count;
using protocol::CaptureFailure;
using protocol::CaptureState;
using protocol::Dialect;

TEST_F(QueueTest, a_native_command_lives_to_be_read) {
  online();
  order(1);
  look();
  EXPECT_EQ(sent_, Ids{1});
  EXPECT_EQ(state(1), State::sent);
  report(1, CaptureState::received);
  EXPECT_EQ(state(1), State::received);
  report(1, CaptureState::shooting);
  EXPECT_EQ(state(1), State::shooting);
  queue_.progress("m", 1, 1, 30, now_);
  look();
  EXPECT_EQ(state(1), State::transferring);
  EXPECT_EQ(last_[1].packets_total, 30);
  queue_.stored("m", 1, 99, now_);
  look();
  EXPECT_EQ(state(1), State::stored);
  EXPECT_EQ(last_[1].photo, 99);
  EXPECT_EQ(last_[1].packets_received, 30);
  queue_.read(1, 7, now_);
  look();
  EXPECT_EQ(state(1), State::read);
  EXPECT_EQ(last_[1].reading, 7);
  EXPECT_EQ(metrics_.count(Count::commands_finished), 1u);
}

TEST_F(QueueTest, without_an_answer_it_is_sent_once_more_and_then_failed) {
  online();
  order(1);
  pass(14'000);
  EXPECT_EQ(sent_, Ids{1});
  pass(2000);
  EXPECT_EQ(sent_, (Ids{1, 1}));
  pass(16'000);
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, "no answer from the device, asked twice");
  EXPECT_EQ(metrics_.count(Count::commands_failed), 1u);
}

TEST_F(QueueTest, one_at_a_time) {
  online();
  order(1);
  order(2);
  look();
  report(1, CaptureState::received);
  pass(5000);
  EXPECT_EQ(sent_, Ids{1});
  queue_.stored("m", 1, 99, now_);
  look();
  EXPECT_EQ(sent_, (Ids{1, 2}));
}

TEST_F(QueueTest, the_row_is_bounded) {
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  for (std::int64_t id = 1; id <= 8; ++id) {
    EXPECT_FALSE(queue_.is_full("m"));
    order(id);
  }
  EXPECT_TRUE(queue_.is_full("m"));
  EXPECT_FALSE(queue_.is_full("other"));
}

TEST_F(QueueTest, an_offline_device_gets_it_when_it_returns) {
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  order(1);
  pass(300'000);
  EXPECT_TRUE(sent_.empty());
  online();
  look();
  EXPECT_EQ(sent_, Ids{1});
}

TEST_F(QueueTest, or_it_expires) {
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  order(1);
  pass(601'000);
  EXPECT_EQ(state(1), State::expired);
  EXPECT_FALSE(last_[1].reason.empty());
  EXPECT_EQ(metrics_.count(Count::commands_expired), 1u);
  online();
  pass(5000);
  EXPECT_TRUE(sent_.empty());
}

TEST_F(QueueTest, a_clock_that_is_set_back_keeps_no_command_waiting) {
  online();
  order(1);
  order(2);
  look();
  constexpr std::int64_t day_ms = 86'400'000;
  now_ -= day_ms;
  queue_.clock_moved(-day_ms);
  pass(16'000);
  EXPECT_EQ(sent_, (Ids{1, 1}));
  pass(16'000);
  EXPECT_EQ(state(1), State::failed);
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  pass(601'000);
  EXPECT_EQ(state(2), State::expired);
}

TEST_F(QueueTest, a_device_that_leaves_before_it_answers_is_asked_again) {
  online();
  order(1);
  look();
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  pass(60'000);
  EXPECT_EQ(state(1), State::queued);
  online();
  look();
  EXPECT_EQ(sent_, (Ids{1, 1}));
}

TEST_F(QueueTest, unknown_presence_is_tried) {
  queue_.set_link("m", Dialect::smartdtu, Link::unknown, now_);
  order(1);
  look();
  EXPECT_EQ(sent_, Ids{1});
}

TEST_F(QueueTest, the_camera_s_failure_is_the_reason) {
  online();
  order(1);
  look();
  report(1, CaptureState::failed, CaptureFailure::sensor);
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, std::string("camera: ") + protocol::name(CaptureFailure::sensor));
}

TEST_F(QueueTest, reports_of_other_commands_change_nothing) {
  online();
  order(1);
  look();
  report(2, CaptureState::failed, CaptureFailure::busy);
  report(0, CaptureState::shooting);
  EXPECT_EQ(state(1), State::sent);
  report(1, CaptureState::shooting);
  report(1, CaptureState::received);  // late
  EXPECT_EQ(state(1), State::shooting);
}

TEST_F(QueueTest, a_busy_camera_is_asked_again_a_few_times) {
  online();
  order(1);
  look();
  for (int i = 0; i < 5; ++i) {
    report(1, CaptureState::failed, CaptureFailure::busy);
    EXPECT_EQ(state(1), State::queued) << i;
    pass(5'000);
    EXPECT_EQ(state(1), State::queued) << i;
    pass(6'000);
    EXPECT_EQ(state(1), State::sent) << i;
  }
  report(1, CaptureState::failed, CaptureFailure::busy);
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, "camera: busy");
}

TEST_F(QueueTest, stalled_steps_fail_with_their_words) {
  online();
  order(1);
  look();
  report(1, CaptureState::received);
  pass(61'000);
  EXPECT_EQ(last_[1].reason, "the camera sent no photo in time");
  order(2);
  look();
  queue_.progress("m", 2, 3, 30, now_);
  pass(599'000);
  EXPECT_EQ(state(2), State::transferring);
  pass(2000);
  EXPECT_EQ(last_[2].reason, "the photo stopped at packet 3 of 30");
}

TEST_F(QueueTest, a_bad_smartdtu_photo_is_taken_again_twice) {
  online(Dialect::smartdtu);
  order(1);
  look();
  for (int shot = 1; shot <= 3; ++shot) {
    EXPECT_EQ(sent_.size(), static_cast<std::size_t>(shot));
    queue_.progress("m", 0, 5, 0, now_);
    queue_.shot_failed("m", 1, 40 + shot, "truncated JPEG", now_);
    look();
    pass(1000);
    EXPECT_EQ(sent_.size(), static_cast<std::size_t>(shot)) << "too soon: the DTU drops it";
    pass(2000);
  }
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].reason, "truncated JPEG");
  EXPECT_EQ(last_[1].photo, 43);
  pass(60'000);
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_F(QueueTest, a_smartdtu_s_pieces_keep_its_command_alive) {
  online(Dialect::smartdtu);
  order(1);
  look();
  for (int piece = 1; piece <= 60; ++piece) {
    pass(2000);
    queue_.progress("m", 0, piece, 0, now_);
  }
  EXPECT_EQ(state(1), State::transferring);
  EXPECT_EQ(sent_, Ids{1});
  queue_.stored("m", 1, 5, now_);
  look();
  EXPECT_EQ(last_[1].packets_total, 60);
}

TEST_F(QueueTest, a_bad_native_photo_fails_the_command) {
  online();
  order(1);
  look();
  queue_.shot_failed("m", 1, 9, "not a JPEG", now_);
  look();
  EXPECT_EQ(state(1), State::failed);
  EXPECT_EQ(last_[1].photo, 9);
}

TEST_F(QueueTest, progress_is_told_twice_a_second_at_most) {
  online();
  order(1);
  look();
  queue_.progress("m", 1, 1, 100, now_);
  std::size_t told = queue_.take().changed.size();
  for (int packet = 2; packet < 100; ++packet) {
    queue_.progress("m", 1, packet, 100, now_ + packet);
    told += queue_.take().changed.size();
  }
  EXPECT_EQ(told, 1u);
  queue_.progress("m", 1, 100, 100, now_ + 100);
  EXPECT_EQ(queue_.take().changed.size(), 1u);
}

TEST_F(QueueTest, without_a_broker_nothing_is_sent_or_missed) {
  online();
  order(1);
  look();
  queue_.set_connected(false, now_);
  order(2);
  pass(120'000);
  EXPECT_EQ(state(1), State::sent);
  EXPECT_EQ(sent_, Ids{1});
  queue_.set_connected(true, now_);
  pass(16'000);
  EXPECT_EQ(sent_, (Ids{1, 1}));
}

TEST_F(QueueTest, commands_are_taken_up_again_after_a_restart) {
  Command command;
  command.device = "m";
  command.created_ms = now_;
  for (const State before : {State::queued, State::sent, State::shooting, State::transferring}) {
    Queue queue(QueueLimits{}, metrics_);
    queue.set_connected(true, now_);
    command.id = 5;
    command.state = before;
    queue.take_up(command, Dialect::native, now_);
    queue.tick(now_);
    ASSERT_EQ(queue.take().sends.size(), 1u) << name(before);
    EXPECT_EQ(queue.active("m"), 5);
  }
  // A SmartDTU may be sending right now: it gets time before it is asked again.
  command.state = State::transferring;
  queue_.take_up(command, Dialect::smartdtu, now_);
  look();
  EXPECT_TRUE(sent_.empty());
  pass(16'000);
  EXPECT_EQ(sent_, Ids{5});
  command.id = 6;
  command.state = State::stored;
  queue_.take_up(command, Dialect::native, now_);
  queue_.read(6, 3, now_);
  look();
  EXPECT_EQ(state(6), State::read);
  command.id = 8;
  command.state = State::failed;
  queue_.take_up(command, Dialect::native, now_);
  EXPECT_FALSE(queue_.knows("m", 8));
}

TEST_F(QueueTest, a_photo_that_comes_for_a_waiting_command_serves_it) {
  queue_.set_link("m", Dialect::native, Link::offline, now_);
  order(1);
  queue_.progress("m", 1, 4, 4, now_);
  queue_.stored("m", 1, 5, now_);
  look();
  EXPECT_EQ(state(1), State::stored);
  online();
  pass(5000);
  EXPECT_TRUE(sent_.empty());
}

}  // namespace
}  // namespace meterlens::command
