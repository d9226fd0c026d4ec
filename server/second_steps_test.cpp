// Photos that people send, and photos with other light, through the pipeline's own thread: real
// decoder, command queue, settings, store and files.
#include <algorithm>
#include <array>
#include <filesystem>

#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using command::LightTry;
using protocol::Part;

class SecondStepsTest : public testing::OnSteps {
 protected:
  SecondStepsTest() { settings_.light_tries_max = 2; }
  void SetUp() override {
    begin();
    // The lamp is off at first.
    ASSERT_TRUE(steps_->change_settings("m1", Part::camera, lamp(0)));
    confirm();
  }
  void begin() {
    restart();
    say(protocol::Hello{1, 0, 0, "f"});
  }
  void prepare_clock() override {
    steps_->clock = [this] { return now_ms_; };
  }
  void turn() override {
    now_ms_ += 1000;
    OnSteps::turn();
  }
  static std::vector<std::uint8_t> lamp(std::uint8_t on) { return {19, on, 0, 0, 0}; }

  std::uint32_t wished_revision() { return store_->settings("m1", Part::camera)->value().revision; }
  std::int32_t wished(const char* name) {
    protocol::SettingValues values(Part::camera);
    std::array<std::uint8_t, 8> refused;
    values.take(store_->settings("m1", Part::camera)->value().entries, refused);
    return values.get(name);
  }
  // The camera takes what is wished.
  void confirm(const std::vector<std::uint8_t>& refused = {}) {
    say(protocol::SettingsTaken{Part::camera, wished_revision(), refused});
    turn();
  }
  // A command whose photo could not be read for this reason.
  std::int64_t bad_photo(const std::string& fault) {
    const auto command = steps_->capture("m1");
    EXPECT_TRUE(command);
    fail(command->id);
    steps_->want_light("m1", {77, command->id, fault});
    turn();
    return command->id;
  }
  void fail(std::int64_t command) {
    turn();
    say(protocol::Report{static_cast<std::uint32_t>(command), protocol::CaptureState::failed,
                         protocol::CaptureFailure::sensor});
  }
  LightTry newest(std::int64_t first_command) {
    const auto tries = store_->light_tries(first_command);
    EXPECT_FALSE(tries->empty());
    return tries->empty() ? LightTry{} : tries->back();
  }

  std::int64_t now_ms_ = 1'796'000'000'000;
};

TEST_F(SecondStepsTest, a_dark_photo_is_taken_again_with_the_lamp_and_the_lamp_put_out_again) {
  const std::int64_t first = bad_photo("dark");
  EXPECT_EQ(newest(first).state, LightTry::State::setting);
  EXPECT_EQ(newest(first).light, "lamp at 100 %");
  EXPECT_EQ(newest(first).photo, 77);
  EXPECT_EQ(wished("light"), 1);
  turn();
  EXPECT_EQ(newest(first).command, 0) << "not before the camera has the light";
  confirm();
  const LightTry shooting = newest(first);
  EXPECT_EQ(shooting.state, LightTry::State::shooting);
  ASSERT_NE(shooting.command, 0);
  EXPECT_EQ(store_->command(shooting.command)->device, "m1");
  steps_->commands.stored("m1", shooting.command, 88, now_ms_);
  turn();
  EXPECT_EQ(newest(first).state, LightTry::State::undoing);
  EXPECT_EQ(wished("light"), 0);
  confirm();
  EXPECT_EQ(newest(first).state, LightTry::State::done);
  EXPECT_EQ(newest(first).note, "");
  EXPECT_TRUE(steps_->lights.empty());
}

TEST_F(SecondStepsTest, at_most_so_many_tries_each_with_another_light) {
  const std::int64_t first = bad_photo("dark");
  for (int number = 1; number <= 2; ++number) {
    confirm();
    const LightTry one = newest(first);
    EXPECT_EQ(one.number, number);
    steps_->commands.stored("m1", one.command, 88, now_ms_);
    turn();
    // Its reading comes while the light is being put back.
    steps_->want_light("m1", {88, one.command, "dark"});
    confirm();
    confirm();
  }
  const auto tries = store_->light_tries(first);
  ASSERT_EQ(tries->size(), 2U);
  EXPECT_NE((*tries)[0].light, (*tries)[1].light);
  EXPECT_EQ((*tries)[1].state, LightTry::State::done);
  EXPECT_EQ(wished("light"), 0);
  EXPECT_EQ(wished("exposure_bias"), 0);
}

TEST_F(SecondStepsTest, a_restart_at_any_moment_puts_the_light_back) {
  for (int moment = 0; moment < 3; ++moment) {
    const std::int64_t first = bad_photo("dark");
    if (moment > 0) confirm();
    if (moment > 1) {
      steps_->commands.stored("m1", newest(first).command, 88, now_ms_);
      turn();
    }
    begin();
    EXPECT_EQ(wished("light"), 0) << moment;
    EXPECT_EQ(newest(first).state, LightTry::State::undoing) << moment;
    confirm();
    turn();
    EXPECT_EQ(newest(first).state, LightTry::State::done) << moment;
    if (moment == 0) {
      EXPECT_EQ(newest(first).note, "the server was restarted meanwhile");
    }
    // The shot that was under way ends as any other.
    if (newest(first).command != 0 && moment == 1) fail(newest(first).command);
  }
}

TEST_F(SecondStepsTest, what_a_person_sets_meanwhile_stays) {
  const std::int64_t first = bad_photo("dark");
  confirm();
  const std::vector<std::uint8_t> half{20, 50, 0, 0, 0};
  ASSERT_TRUE(steps_->change_settings("m1", Part::camera, half));
  steps_->commands.stored("m1", newest(first).command, 88, now_ms_);
  turn();
  EXPECT_EQ(wished("light"), 0);
  EXPECT_EQ(wished("light_percent"), 50);
}

TEST_F(SecondStepsTest, ends_with_the_reason_when_nothing_comes_of_it) {
  const std::int64_t silent = bad_photo("dark");
  now_ms_ += 50'000;
  turn();
  now_ms_ += 50'000;
  turn();
  now_ms_ += 50'000;
  turn();
  EXPECT_EQ(newest(silent).note, "the camera has not taken the settings in time");
  EXPECT_EQ(wished("light"), 0);
  confirm();
  const std::int64_t lost = bad_photo("dark");
  confirm();
  fail(newest(lost).command);
  turn();
  EXPECT_EQ(newest(lost).note, "camera: sensor");
  confirm();
  const std::int64_t unable = bad_photo("dark");
  confirm({19});
  EXPECT_EQ(newest(unable).note, "the camera knows no such light");
}

TEST_F(SecondStepsTest, leaves_alone_what_light_does_not_mend_and_devices_that_have_none) {
  EXPECT_TRUE(store_->light_tries(bad_photo("mirrored"))->empty());
  const std::uint32_t before = wished_revision();
  steps_->want_light("unknown", {1, 2, "dark"});
  settings_.light_tries_max = 0;
  begin();
  EXPECT_TRUE(store_->light_tries(bad_photo("dark"))->empty());
  EXPECT_EQ(wished_revision(), before);
  const std::string smart = R"({"gpio":{"gpio1":0}})";
  steps_->message("SEEDPROD01/s1/event", {reinterpret_cast<const std::uint8_t*>(smart.data()),
                                          smart.size()});
  turn();
  ASSERT_NE(steps_->registry.find("s1"), nullptr);
  steps_->settings.light_tries_max = 2;
  steps_->want_light("s1", {1, 2, "dark"});
  EXPECT_TRUE(steps_->lights.empty());
}

TEST_F(SecondStepsTest, a_persons_photo_is_stored_whole_once_and_waits_to_be_read) {
  photo::Photo photo;
  photo.device = "phone:m1";
  photo.meter = "m1";
  photo.bytes = {0xff, 0xd8, 1, 2, 3, 0xff, 0xd9};
  photo.photo_bytes = 7;
  photo.sha256 = protocol::sha256(photo.bytes);
  const auto first = steps_->upload(photo);
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->is_new);
  EXPECT_EQ(first->photo.captured_at_ms, now_ms_) << "no time was told";
  EXPECT_EQ(fs::file_size(first->photo.path), 7U);
  const auto again = steps_->upload(photo);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->is_new);
  EXPECT_EQ(again->photo.id, first->photo.id);
  EXPECT_EQ(store_->unread_photos(10)->size(), 1U);
  steps_->committer.fail("the disk is full", now_ms_);
  photo.bytes.push_back(0);
  photo.sha256 = protocol::sha256(photo.bytes);
  EXPECT_EQ(steps_->upload(photo).error(), CommandError::store);
}

}  // namespace
}  // namespace meterlens::server
