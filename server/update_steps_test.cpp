// Remote updates through the pipeline's own thread: real decoder, sender, store and files.
#include <gtest/gtest.h>
#include <sodium.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>

#include "protocol/image.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using protocol::Part;
using protocol::UpdateFailure;
using protocol::UpdateState;
using Buffer = std::vector<std::uint8_t>;

class UpdateStepsTest : public ::testing::Test {
 protected:
  UpdateStepsTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-update-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    settings_.embedded.reset();
    settings_.folders = {root_ / "public/images", root_ / "quarantine"};
    settings_.images.folder = root_ / "updates";
    const std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{4};
    crypto_sign_seed_keypair(key_.data(), secret_.data(), seed.data());
    settings_.images.keys = {key_};
    restart();
    say(protocol::Hello{1, 0, 0, "f"});
  }
  ~UpdateStepsTest() override {
    steps_.reset();
    store_.reset();
    fs::remove_all(root_);
  }
  void restart() {
    steps_.reset();
    store_.reset();
    store_ = *store::Store::open((root_ / "m.db").string());
    steps_ = std::make_unique<Pipeline::Steps>(
        settings_, *store_, metrics_, [this](const Change& change) { changes_.push_back(change); });
    steps_->publish = [this](std::string topic, std::vector<std::uint8_t> payload, int) {
      if (topic == "meterlens/m1/down") sent_.push_back(std::move(payload));
    };
    ASSERT_TRUE(steps_->prepare().has_value());
    steps_->connection(true);
    turn();
  }
  void turn() {
    std::vector<ingest::Packet> packets;
    std::vector<ingest::Task> tasks;
    steps_->inbox.take(packets, tasks, std::chrono::milliseconds(0));
    for (auto& packet : steps_->decoded) packets.push_back(std::move(packet));
    steps_->decoded.clear();
    steps_->turn(packets, tasks);
  }
  void say(const protocol::Message& message) {
    Buffer frame(protocol::frame_bytes_max);
    frame.resize(protocol::encode_message(message, frame));
    steps_->message("meterlens/m1/up", frame);
    turn();
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

  fs::path root_;
  Settings settings_;
  protocol::PublicKey key_{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_{};
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Pipeline::Steps> steps_;
  std::vector<Change> changes_;
  std::vector<Buffer> sent_;
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
