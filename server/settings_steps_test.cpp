// Settings in the pipeline's own thread: what is wished of a device's parts, and what they have.
#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

using protocol::Part;

class SettingsStepsTest : public testing::OnSteps {
 protected:
  SettingsStepsTest() { restart(); }

  void say_status(const std::string& text) {
    steps_->message("meterlens/m1/status",
                    {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    turn();
  }
  // The settings sent to the device's parts since the last call.
  std::vector<std::uint32_t> sent_revisions() {
    std::vector<std::uint32_t> out;
    for (const auto& sent : sent_) {
      const auto message = protocol::decode_message(sent);
      if (!message) continue;
      if (const auto* m = std::get_if<protocol::Settings>(&*message)) out.push_back(m->revision);
    }
    sent_.clear();
    return out;
  }
};

TEST_F(SettingsStepsTest, SettingsAreSentUntilTheyAreTakenThroughARestart) {
  const std::vector<std::uint8_t> entries = {1, 5, 0, 0, 0};
  EXPECT_EQ(steps_->change_settings("m1", Part::camera, entries).error(),
            CommandError::unknown_device);
  say(protocol::Hello{1, 0, 0, "c"});
  ASSERT_TRUE(steps_->change_settings("m1", Part::camera, entries));
  turn();
  EXPECT_EQ(sent_revisions(), (std::vector<std::uint32_t>{1}));
  restart();
  say(protocol::Hello{1, 0, 0, "c"});
  EXPECT_EQ(sent_revisions(), (std::vector<std::uint32_t>{1}));
  say(protocol::SettingsTaken{Part::camera, 1, {}});
  EXPECT_EQ((*store_->settings("m1", Part::camera))->confirmed, 1U);
  restart();
  say(protocol::Hello{1, 0, 0, "c"});
  EXPECT_TRUE(sent_revisions().empty());
  // A camera that was exchanged for another says so, and gets them.
  say(protocol::Health{});
  EXPECT_EQ(sent_revisions(), (std::vector<std::uint32_t>{1}));
}

// A DTU keeps what it had, and says that it has taken an old revision without doing so.
TEST_F(SettingsStepsTest, WhatIsWishedOfADtuGoesAboveWhatItHas) {
  const std::vector<std::uint8_t> entries = {1, 5, 0, 0, 0};
  const auto status = [&](std::uint32_t revision) {
    say_status(R"({"online":true,"settings_revision":)" + std::to_string(revision) + "}");
  };
  const auto wish = [&] {
    EXPECT_TRUE(steps_->change_settings("m1", Part::dtu, entries));
    turn();
    return sent_revisions();
  };
  status(7);
  EXPECT_EQ(wish(), (std::vector<std::uint32_t>{8}));
  say(protocol::SettingsTaken{Part::dtu, 8, {}});
  ASSERT_TRUE(steps_->fleet.obey(fleet::Remove{"m1", false}));
  say_status(R"({"online":true})");
  EXPECT_EQ(wish(), (std::vector<std::uint32_t>{9}));
  // An older store was put back, and says that this is confirmed.
  say(protocol::SettingsTaken{Part::dtu, 9, {}});
  restart();
  status(20);
  EXPECT_EQ(sent_revisions(), (std::vector<std::uint32_t>{21}));
  EXPECT_EQ((*store_->settings("m1", Part::dtu))->revision, 21U);
  // A DTU that was exchanged has none.
  say(protocol::SettingsTaken{Part::dtu, 21, {}});
  status(0);
  EXPECT_EQ(sent_revisions(), (std::vector<std::uint32_t>{21}));
}

}  // namespace
}  // namespace meterlens::server
