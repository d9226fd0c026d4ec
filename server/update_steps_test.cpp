// Remote updates through the pipeline's own thread: real decoder, sender, store and files.
#include <sodium.h>

#include <algorithm>
#include <filesystem>

#include "protocol/image.h"
#include "server/steps_fixture.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using protocol::Part;
using protocol::UpdateFailure;
using protocol::UpdateState;
using Buffer = std::vector<std::uint8_t>;

class UpdateStepsTest : public testing::OnSteps {
 protected:
  UpdateStepsTest() {
    const std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{4};
    crypto_sign_seed_keypair(key_.data(), secret_.data(), seed.data());
    settings_.images.keys = {key_};
    restart();
    say(protocol::Hello{1, 0, 0, "f"});
  }
  std::int64_t upload() {
    const Buffer image(2000, 0x42);
    const protocol::ImageHead head{Part::camera, "esp32cam", 7, 2000, protocol::sha256(image)};
    std::array<std::uint8_t, protocol::signed_bytes_max> text;
    const std::size_t count = protocol::signed_text(head, text);
    Buffer signature(protocol::signature_bytes), out(protocol::image_file_head_bytes);
    crypto_sign_detached(signature.data(), nullptr, text.data(), count, secret_.data());
    protocol::write_image_file_head(head, signature,
                                    std::span<std::uint8_t, 144>(out.data(), 144));
    out.insert(out.end(), image.begin(), image.end());
    return steps_->images.add(out, 1)->id;
  }
  // The types of what was sent to the device since the last call.
  std::vector<int> sent() {
    std::vector<int> types;
    for (const Buffer& frame : sent_) types.push_back(frame[1]);
    sent_.clear();
    return types;
  }

  protocol::PublicKey key_{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_{};
};

using Types = std::vector<int>;

TEST_F(UpdateStepsTest, AnUpdateIsStoredAtEachStateAndSurvivesARestart) {
  const std::int64_t image = upload();
  const auto update = steps_->update("m1", image);
  ASSERT_TRUE(update);
  turn();
  EXPECT_EQ(sent(), Types{0x28});
  const auto id = static_cast<std::uint32_t>(update->id);
  say(protocol::ImageState{Part::camera, id, UpdateState::receiving, {}, 5});
  const Buffer both{3}, second{2};
  say(protocol::ImageMissing{Part::camera, id, both});
  EXPECT_EQ(sent(), (Types{0x29, 0x29, 0x2A}));
  EXPECT_EQ(store_->update(update->id)->state, update::State::receiving);
  restart();
  say(protocol::Hello{1, 0, 0, "f"});
  EXPECT_EQ(sent(), Types{0x2A});
  say(protocol::ImageMissing{Part::camera, id, second});
  EXPECT_EQ(sent(), (Types{0x29, 0x2A}));
  say(protocol::ImageState{Part::camera, id, UpdateState::trying, {}, 5});
  restart();
  say(protocol::ImageState{Part::camera, 0, UpdateState::confirmed, {}, 7});
  EXPECT_EQ(store_->update(update->id)->state, update::State::confirmed);
  EXPECT_TRUE(std::ranges::any_of(changes_, [&](const Change& change) {
    return change.kind == Change::Kind::update && change.id == update->id;
  }));
  EXPECT_TRUE(store_->open_updates()->empty());
}

TEST_F(UpdateStepsTest, WhatCannotBeOrderedIsNamed) {
  const std::int64_t image = upload();
  EXPECT_EQ(steps_->update("nobody", image).error(), UpdateError::unknown_device);
  EXPECT_EQ(steps_->update("m1", image + 1).error(), UpdateError::unknown_image);
  ASSERT_TRUE(steps_->update("m1", image));
  EXPECT_EQ(steps_->update("m1", image).error(), UpdateError::update_open);
  steps_->message("P1/smart/event", [] {
    const std::string text = R"({"modem":{"fwVersion":"1"}})";
    return Buffer(text.begin(), text.end());
  }());
  turn();
  EXPECT_EQ(steps_->update("smart", image).error(), UpdateError::not_native);
}

TEST_F(UpdateStepsTest, ARefusalIsStoredWithItsReasonAndTheNextMayCome) {
  const std::int64_t image = upload();
  const auto update = steps_->update("m1", image);
  say(protocol::ImageState{Part::camera, static_cast<std::uint32_t>(update->id),
                           UpdateState::refused, UpdateFailure::older_version, 9});
  EXPECT_EQ(store_->update(update->id)->state, update::State::refused);
  EXPECT_EQ(store_->update(update->id)->reason, "older_version");
  EXPECT_TRUE(steps_->update("m1", image));
}

}  // namespace
}  // namespace meterlens::server
