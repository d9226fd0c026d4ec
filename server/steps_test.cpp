// The pipeline's own thread as a story: real decoder, state machines, store and files in a folder
// of the test's own; no broker, no threads, and the wire is a list.
#include "server/steps.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "protocol/base64.h"
#include "server/ingest/recording.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using ingest::testing::read_golden;
using metrics::Count;
using protocol::Message;

class StepsTest : public ::testing::Test {
 protected:
  struct Sent {
    std::string topic;
    std::vector<std::uint8_t> payload;
  };

  StepsTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-steps-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    settings_.embedded.reset();
    settings_.folders = {root_ / "public/images", root_ / "quarantine"};
    settings_.commands.pause_ms = 0;
    settings_.committer.retry_ms_first = 0;
    restart();
  }
  ~StepsTest() override {
    steps_.reset();
    store_.reset();
    fs::permissions(root_, fs::perms::owner_all);
    fs::remove_all(root_);
  }

  void restart() {
    steps_.reset();
    store_.reset();
    store_ = *store::Store::open((root_ / "m.db").string(), {.busy_timeout_ms = 10});
    steps_ = std::make_unique<Pipeline::Steps>(
        settings_, *store_, metrics_, [this](const Change& change) { changes_.push_back(change); });
    steps_->publish = [this](std::string topic, std::vector<std::uint8_t> payload, int) {
      sent_.push_back({std::move(topic), std::move(payload)});
    };
    ASSERT_TRUE(steps_->prepare().has_value());
    steps_->connection(true);
    turn();
  }
  // One turn of the pipeline's thread with all that was said.
  void turn() {
    std::vector<ingest::Packet> packets;
    std::vector<ingest::Task> tasks;
    steps_->pause();
    steps_->inbox.take(packets, tasks, std::chrono::milliseconds(0));
    steps_->turn(packets, tasks);
  }
  void say(std::string_view topic, std::string_view payload) {
    steps_->message(topic, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
    turn();
  }
  void say(const Message& message, std::string_view device = "m1") {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    const std::size_t size = protocol::encode_message(message, frame);
    steps_->message("meterlens/" + std::string(device) + "/up", {frame.data(), size});
    turn();
  }
  void send_photo(std::uint32_t id, const std::string& photo, std::uint32_t command = 0) {
    const protocol::Bytes bytes(reinterpret_cast<const std::uint8_t*>(photo.data()), photo.size());
    say(protocol::Offer{id, static_cast<std::uint32_t>(photo.size()), command, 0,
                        protocol::sha256(bytes)});
    for (std::size_t i = 0; i < protocol::packet_count(photo.size()); ++i)
      say(protocol::Packet{id, static_cast<std::uint16_t>(i),
                           bytes.subspan(i * 1024, protocol::packet_bytes(photo.size(), i))});
    say(protocol::Sent{id});
  }
  void play_recording(const std::string& file) {
    for (const auto& event : ingest::testing::read_events(file)) say(event.topic, event.payload);
  }
  // The last message that went to a native device.
  template <class T>
  std::optional<T> last() {
    if (sent_.empty()) return std::nullopt;
    const auto message = protocol::decode_message(sent_.back().payload);
    const T* found = message ? std::get_if<T>(&*message) : nullptr;
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  static std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<photo::Photo> photos(const std::string& device) {
    return *store_->photos({.device = device});
  }

  fs::path root_;
  Settings settings_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Pipeline::Steps> steps_;
  std::vector<Sent> sent_;
  std::vector<Change> changes_;
  const std::string photo_ = read_golden("capture_8k.jpg");
};

TEST_F(StepsTest, TheHealthOfACameraIsKept) {
  protocol::Health health;
  health.light = protocol::Light::dark;
  health.mean = 9;
  say(health);
  const auto device = store_->device("m1");
  ASSERT_TRUE(device);
  const auto json = nlohmann::json::parse(device->health_json);
  EXPECT_EQ(json["light"], "dark");
  EXPECT_EQ(json["mean"], 9);
  EXPECT_EQ(json["reset_cause"], "unknown");
}

TEST_F(StepsTest, a_native_capture_from_command_to_stored_file) {
  say("meterlens/m1/status", R"({"online":true,"firmware":"1.2"})");
  ASSERT_TRUE(store_->device("m1").has_value());
  EXPECT_TRUE(store_->device("m1")->online);
  EXPECT_EQ(store_->device("m1")->firmware, "1.2");

  const auto command = steps_->capture("m1");
  ASSERT_TRUE(command.has_value());
  turn();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].topic, "meterlens/m1/down");
  const auto id = static_cast<std::uint32_t>(command->id);
  EXPECT_EQ(last<protocol::Capture>()->command_id, id);
  say(protocol::Report{id, protocol::CaptureState::received, {}});
  EXPECT_EQ(store_->command(command->id)->state, command::State::received);

  send_photo(7, photo_, id);
  EXPECT_EQ(last<protocol::Stored>()->photo_id, 7u);
  const auto stored = photos("m1");
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(content(stored[0].path), photo_);
  EXPECT_TRUE(stored[0].path.starts_with((root_ / "public/images/m1").string()));
  EXPECT_EQ(stored[0].command, command->id);
  EXPECT_EQ(store_->command(command->id)->state, command::State::stored);
  EXPECT_EQ(store_->command(command->id)->photo, stored[0].id);

  send_photo(7, photo_, id);  // sent again: nothing new
  EXPECT_EQ(photos("m1").size(), 1u);
  restart();
  send_photo(7, photo_, id);
  EXPECT_EQ(photos("m1").size(), 1u);
  EXPECT_EQ(last<protocol::Stored>()->photo_id, 7u);
}

TEST_F(StepsTest, half_a_jpeg_is_kept_in_quarantine_and_acknowledged) {
  send_photo(1, photo_.substr(0, photo_.size() / 2));
  EXPECT_TRUE(last<protocol::Stored>().has_value());
  ASSERT_EQ(photos("m1").size(), 1u);
  const photo::Photo kept = photos("m1")[0];
  EXPECT_EQ(kept.state, photo::PhotoState::quarantined);
  EXPECT_EQ(kept.reason, "truncated JPEG");
  EXPECT_TRUE(kept.path.starts_with((root_ / "quarantine").string())) << kept.path;
  EXPECT_TRUE(store_->unread_photos(10)->empty());
  EXPECT_EQ(metrics_.count(Count::photos_quarantined), 1u);
}

TEST_F(StepsTest, a_recorded_smartdtu_photo_is_stored_byte_for_byte) {
  play_recording("capture_8k.jsonl");
  const auto device = store_->device("D1X20SEED0000001P");
  ASSERT_TRUE(device.has_value());
  EXPECT_EQ(device->product, "SEEDPROD01");
  EXPECT_EQ(device->firmware, "EC600SCNLBR01A01M08_OCPU_V01");
  EXPECT_NE(device->state_json.find("aht10"), std::string::npos);
  ASSERT_EQ(photos("D1X20SEED0000001P").size(), 1u);
  EXPECT_EQ(content(photos("D1X20SEED0000001P")[0].path), photo_);
}

TEST_F(StepsTest, a_smartdtu_command_is_one_json_and_ends_with_the_photo) {
  say("SEEDPROD01/D1X20SEED0000001P/event", R"({"gpio":{"gpio1":0}})");
  const auto command = steps_->capture("D1X20SEED0000001P");
  ASSERT_TRUE(command.has_value());
  turn();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].topic, "SEEDPROD01/D1X20SEED0000001P/control");
  EXPECT_EQ(std::string(sent_[0].payload.begin(), sent_[0].payload.end()),
            R"({"uart1":{"payload":{"capture":1}}})");
  ASSERT_TRUE(steps_->capture("D1X20SEED0000001P").has_value());
  turn();
  EXPECT_EQ(sent_.size(), 1u) << "one command at a time";
  play_recording("capture_8k.jsonl");
  EXPECT_EQ(store_->command(command->id)->state, command::State::stored);
  turn();
  EXPECT_EQ(sent_.size(), 2u);
}

TEST_F(StepsTest, a_stale_photo_is_no_new_reading_and_is_asked_for_again) {
  play_recording("capture_8k.jsonl");
  restart();  // the hash is known from the store
  const auto command = steps_->capture("D1X20SEED0000001P");
  turn();
  ASSERT_EQ(sent_.size(), 1u);
  for (auto event : ingest::testing::read_events("capture_8k.jsonl")) {
    if (const auto at = event.payload.find("capture_03ae"); at != std::string::npos)
      event.payload.replace(at, 12, "capture_ffff");
    say(event.topic, event.payload);
  }
  turn();
  const auto kept = photos("D1X20SEED0000001P");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].state, photo::PhotoState::quarantined);
  EXPECT_TRUE(kept[0].reason.starts_with("stale"));
  EXPECT_EQ(store_->unread_photos(10)->size(), 1u);
  EXPECT_EQ(sent_.size(), 2u);
  EXPECT_EQ(store_->command(command->id)->state, command::State::sent);
}

// As a camera of ours behind a SmartDTU sends it.
std::vector<std::string> numbered_events(const std::string& file, const std::string& photo) {
  const auto bytes_of = [](const std::string& text) {
    return protocol::Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  std::vector<std::string> out;
  const std::size_t count = (photo.size() + 1023) / 1024;
  const auto wrap = [&](const std::string& image) {
    out.push_back(R"({"uart1":{"payload":{"image":{"image_file":")" + file + '"' + image + "}}}}");
  };
  const std::string sizes =
      ",\"count\":" + std::to_string(count) + ",\"bytes\":" + std::to_string(photo.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string data = photo.substr(i * 1024, 1024);
    std::array<char, 2048> text;
    const std::size_t chars = protocol::base64_encode(bytes_of(data), text);
    wrap(",\"index\":" + std::to_string(i) + sizes + ",\"crc32\":" +
         std::to_string(protocol::crc32(bytes_of(data))) + ",\"image_binary\":\"" +
         std::string(text.data(), chars) + "\"");
  }
  const auto digest = protocol::hex(protocol::sha256(bytes_of(photo)));
  wrap(sizes + ",\"sha256\":\"" + std::string(digest.data(), digest.size()) +
       "\",\"image_end\":true");
  return out;
}

TEST_F(StepsTest, a_smartdtu_photo_that_is_sent_again_much_later_is_stored_once) {
  std::int64_t now_ms = 1'700'000'000'000;
  const auto play = [&](const std::string& file) {
    steps_->clock = [&] { return now_ms; };
    for (int i = 0; i < 4; ++i) {
      now_ms += 30'000;
      turn();
    }
    for (const std::string& event : numbered_events(file, photo_)) say("meters/d1/event", event);
  };
  play("capture_1.jpg");
  ASSERT_EQ(photos("d1").size(), 1u);
  play("capture_1.jpg");
  EXPECT_EQ(photos("d1").size(), 1u);
  EXPECT_EQ(metrics_.count(Count::photos_doubled), 1u);
  restart();
  play("capture_1.jpg");
  EXPECT_EQ(photos("d1").size(), 1u);
  play("capture_2.jpg");
  EXPECT_EQ(photos("d1").size(), 2u) << "another shot, if with the same bytes";
}

TEST_F(StepsTest, a_bad_photo_that_nobody_ordered_is_asked_for_once) {
  const std::string begin = R"({"uart1":{"payload":{"image":{"image_file":")";
  for (const char* file : {"a.jpg", "b.jpg", "c.jpg"})
    say("P/d/event", begin + file + R"(","image_binary":"QUJD"}}}})");
  turn();
  EXPECT_EQ(metrics_.count(Count::photos_quarantined), 2u);
  EXPECT_EQ(metrics_.count(Count::commands_created), 1u);
}

TEST_F(StepsTest, without_room_photos_are_refused_and_nothing_else_stops) {
  send_photo(1, photo_);
  EXPECT_TRUE(last<protocol::Stored>().has_value());
  // A file stands where the day's folder belongs: as good as a full disk, also for root.
  fs::remove_all(root_ / "public");
  std::ofstream(root_ / "public") << "in the way";
  send_photo(2, photo_);
  EXPECT_FALSE(steps_->committer.good());
  EXPECT_FALSE(steps_->committer.fault().empty());
  bool refused = false;
  for (const Sent& sent : sent_) {
    const auto message = *protocol::decode_message(sent.payload);
    const auto* answer = std::get_if<protocol::Refused>(&message);
    refused = refused || (answer != nullptr && answer->photo_id == 2 &&
                          answer->reason == protocol::Refusal::storage_full);
  }
  EXPECT_TRUE(refused);
  EXPECT_GT(metrics_.count(Count::store_errors), 0u);
  EXPECT_FALSE(steps_->capture("m1").has_value());
  say("meterlens/m1/status", R"({"online":false})");

  fs::remove(root_ / "public");
  turn();
  EXPECT_TRUE(steps_->committer.good());
  turn();
  EXPECT_FALSE(store_->device("m1")->online) << "saved late";
  send_photo(2, photo_);
  EXPECT_EQ(last<protocol::Stored>()->photo_id, 2u);
}

TEST_F(StepsTest, a_command_whose_photo_was_refused_ends_when_it_is_stored) {
  say("meterlens/m1/status", R"({"online":true})");
  const auto command = static_cast<std::uint32_t>(steps_->capture("m1")->id);
  std::int64_t now_ms = steps_->now_ms;
  steps_->clock = [&] { return now_ms; };
  const auto pass = [&](std::int64_t ms) {
    for (const std::int64_t end_ms = now_ms + ms; now_ms < end_ms;) {
      now_ms += 1000;
      turn();
    }
  };
  const auto state = [&] { return store_->command(command)->state; };
  turn();
  say(protocol::Report{command, protocol::CaptureState::shooting, {}});
  fs::remove_all(root_ / "public");
  std::ofstream(root_ / "public") << "in the way";
  send_photo(2, photo_, command);
  EXPECT_FALSE(steps_->committer.good());
  // As long as it is refused the camera comes again every minute.
  for (int i = 0; i < 15; ++i) {
    pass(60'000);
    send_photo(2, photo_, command);
  }
  fs::remove(root_ / "public");
  pass(60'000);
  EXPECT_TRUE(steps_->committer.good());
  EXPECT_EQ(state(), command::State::transferring);
  EXPECT_NE(store_->command(command)->reason.find("storage_full"), std::string::npos);
  restart();
  steps_->clock = [&] { return now_ms; };
  pass(300'000);
  EXPECT_EQ(state(), command::State::transferring) << "after a restart too";
  send_photo(2, photo_, command);
  EXPECT_EQ(last<protocol::Stored>()->photo_id, 2u);
  EXPECT_EQ(state(), command::State::stored);
  EXPECT_EQ(store_->command(command)->reason, "");
  EXPECT_EQ(metrics_.count(Count::commands_failed), 0u);
}

TEST_F(StepsTest, a_photo_that_comes_late_turns_its_failed_command_right) {
  say("meterlens/m1/status", R"({"online":true})");
  const auto command = static_cast<std::uint32_t>(steps_->capture("m1")->id);
  const auto row = [&] { return *store_->command(command); };
  turn();
  say(protocol::Report{command, protocol::CaptureState::failed, protocol::CaptureFailure::sensor});
  ASSERT_EQ(row().state, command::State::failed);
  send_photo(2, photo_, command);
  EXPECT_EQ(row().state, command::State::stored);
  EXPECT_EQ(row().reason, "");
  EXPECT_EQ(row().photo, photos("m1").at(0).id);
  const auto life = *store_->command_life(command);
  EXPECT_EQ(life.back().state, command::State::stored);
  EXPECT_EQ(life.at(life.size() - 2).state, command::State::failed);
  // Said once more, and by another device: nothing changes.
  send_photo(2, photo_, command);
  steps_->commands.read(command, 77, steps_->now_ms);
  turn();
  EXPECT_EQ(row().state, command::State::read);
  say("meterlens/m2/status", R"({"online":true})");
  const auto other = static_cast<std::uint32_t>(steps_->capture("m2")->id);
  turn();
  say(protocol::Report{other, protocol::CaptureState::failed, {}}, "m2");
  send_photo(3, photo_, other);
  EXPECT_EQ(store_->command(other)->state, command::State::failed);
}

TEST_F(StepsTest, a_smartdtu_photo_waits_in_memory_for_room) {
  say("SEEDPROD01/D1X20SEED0000001P/event", R"({"gpio":{"gpio1":0}})");
  steps_->committer.fail("test", steps_->now_ms + 1'000'000);
  settings_.committer.retry_ms_first = 0;
  play_recording("capture_8k.jsonl");
  EXPECT_TRUE(photos("D1X20SEED0000001P").empty());
  Committed committed = steps_->committer.commit(steps_->now_ms + 10'000'000);
  ASSERT_EQ(committed.stored.size(), 1u);
  EXPECT_EQ(content(photos("D1X20SEED0000001P").at(0).path), photo_);
}

TEST_F(StepsTest, commands_and_photos_survive_a_restart) {
  say("meterlens/m1/status", R"({"online":true})");
  const auto first = steps_->capture("m1");
  turn();
  restart();
  EXPECT_EQ(sent_.size(), 1u) << "the device has not said that it is there";
  say("meterlens/m1/status", R"({"online":true})");
  turn();
  ASSERT_EQ(sent_.size(), 2u);
  EXPECT_EQ(last<protocol::Capture>()->command_id, static_cast<std::uint32_t>(first->id));
  // Killed between the photo's commit and the command's: taken up as stored.
  send_photo(3, photo_, static_cast<std::uint32_t>(first->id));
  command::Command back = *store_->command(first->id);
  back.state = command::State::transferring;
  back.photo = 0;
  ASSERT_TRUE(store_->save_command(back).has_value());
  restart();
  EXPECT_EQ(store_->command(first->id)->state, command::State::stored);
}

TEST_F(StepsTest, devices_are_bounded_and_appear_only_by_good_messages) {
  settings_.registry.devices_max = 3;
  restart();
  say("meterlens/x/up", "noise");
  say("meterlens/x/status", R"({"online":false})");
  say("P/y/event", "noise");
  EXPECT_TRUE(store_->devices()->empty());
  for (const char* device : {"a", "b", "c", "d", "e"}) say(protocol::Sent{1}, device);
  EXPECT_EQ(store_->devices()->size(), 3u);
  EXPECT_EQ(metrics_.count(Count::frames_unexpected), 3u);
  EXPECT_EQ(steps_->capture("d").error(), CommandError::unknown_device);
}

TEST_F(StepsTest, presence_follows_last_will_and_broker_log) {
  say("meterlens/m1/status", R"({"online":true})");
  say("meterlens/m1/status", R"({"online":false})");
  EXPECT_FALSE(store_->device("m1")->online);
  say(protocol::Hello{1, 0, 0, "fw"});
  EXPECT_TRUE(store_->device("m1")->online);
  say("P/d/event", R"({"gpio":{"gpio1":0}})");
  EXPECT_TRUE(store_->device("d")->online);
  say("$SYS/broker/log/N", "1: Client Pd closed its connection.");
  EXPECT_FALSE(store_->device("d")->online);
  say("$SYS/broker/log/N", "1: New client connected from 1.1.1.1:1 as Pd (p2, c0, k300).");
  EXPECT_TRUE(store_->device("d")->online);
}

TEST_F(StepsTest, a_device_may_change_its_dialect) {
  say("P/m1/event", R"({"gpio":{"gpio1":0}})");
  EXPECT_EQ(store_->device("m1")->dialect, protocol::Dialect::smartdtu);
  say("meterlens/m1/status", R"({"online":false})");  // an old last will
  EXPECT_EQ(store_->device("m1")->dialect, protocol::Dialect::smartdtu);
  say("meterlens/m1/status", R"({"online":true})");
  EXPECT_EQ(store_->device("m1")->dialect, protocol::Dialect::native);
}

TEST_F(StepsTest, photos_of_foreign_commands_belong_to_none) {
  say("meterlens/m1/status", R"({"online":true})");
  const auto command = steps_->capture("m1");
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const auto bytes = protocol::Bytes(reinterpret_cast<const std::uint8_t*>(photo_.data()), 100);
  const auto tell = [&](const Message& message) {
    const std::size_t size = protocol::encode_message(message, frame);
    steps_->message("meterlens/m2/up", {frame.data(), size});
    turn();
  };
  tell(
      protocol::Offer{1, 100, static_cast<std::uint32_t>(command->id), 0, protocol::sha256(bytes)});
  tell(protocol::Packet{1, 0, bytes});
  ASSERT_EQ(photos("m2").size(), 1u);
  EXPECT_EQ(photos("m2")[0].command, 0);
}

}  // namespace
}  // namespace meterlens::server
