#include "server/fleet/profile.h"

#include <gtest/gtest.h>

#include "protocol/bytes.h"

namespace meterlens::fleet {
namespace {

using command::WishedSettings;
using protocol::Part;

std::vector<std::uint8_t> entries(Part part,
                                  const std::vector<std::pair<const char*, int>>& values) {
  std::vector<std::uint8_t> out(values.size() * protocol::setting_bytes);
  protocol::ByteWriter writer(out);
  for (const auto& [name, value] : values) {
    writer.u8(protocol::settings_of(part)[*protocol::find_setting(part, name)].key);
    writer.u32(static_cast<std::uint32_t>(value));
  }
  return out;
}

class ProfileTest : public testing::Test {
 protected:
  ProfileTest() {
    profile_.camera = entries(Part::camera, {{"frame_size", 4}, {"exposure_bias", -1}});
    wished_ = {"m1", Part::camera, 3, 3, profile_.camera, {}};
  }
  Standing look() { return standing(profile_, push_, wished_, std::nullopt); }

  Profile profile_;
  std::optional<Push> push_ = Push{1, "m1", PushState::pushed, "", 0};
  std::optional<WishedSettings> wished_;
};

TEST_F(ProfileTest, ConfirmedWhenTheDeviceHasIt) {
  EXPECT_EQ(look().arrival, Arrival::confirmed);
  wished_->confirmed = 2;
  EXPECT_EQ(look().arrival, Arrival::waiting);
  push_->state = PushState::pending;
  EXPECT_EQ(look().arrival, Arrival::waiting);
  push_->state = PushState::failed;
  EXPECT_EQ(look().arrival, Arrival::failed);
  push_.reset();
  EXPECT_EQ(look().arrival, Arrival::missing);
}

TEST_F(ProfileTest, DriftNamesTheSettings) {
  wished_->entries = entries(Part::camera, {{"exposure_bias", -1}, {"frame_size", 5}});
  EXPECT_EQ(look().arrival, Arrival::drifted);
  EXPECT_EQ(look().settings, std::vector<std::string>{"frame_size"});
  wished_.reset();
  EXPECT_EQ(look().arrival, Arrival::drifted);
  EXPECT_EQ(look().settings.size(), 2U);
}

TEST_F(ProfileTest, RefusalIsSeenAndWeighsLessThanDrift) {
  wished_->refused = {profile_.camera[0]};
  EXPECT_EQ(look().arrival, Arrival::refused);
  EXPECT_EQ(look().settings, std::vector<std::string>{"frame_size"});
  profile_.dtu = entries(Part::dtu, {{"window", 3}});
  EXPECT_EQ(look().arrival, Arrival::drifted);
}

TEST_F(ProfileTest, WhatIsWishedAlreadyNeedsNoPush) {
  EXPECT_TRUE(is_wished(profile_.camera, &*wished_));
  EXPECT_FALSE(is_wished(profile_.camera, nullptr));
  EXPECT_TRUE(is_wished({}, nullptr));
  EXPECT_FALSE(is_wished(entries(Part::camera, {{"frame_size", 3}}), &*wished_));
}

}  // namespace
}  // namespace meterlens::fleet
