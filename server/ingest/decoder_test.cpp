#include "server/ingest/decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "server/ingest/recording.h"

namespace meterlens::ingest {
namespace {

using metrics::Count;
using protocol::Dialect;

protocol::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class DecoderTest : public ::testing::Test {
 protected:
  std::vector<Packet> say(std::string_view topic, std::string_view payload, std::int64_t now = 1) {
    std::vector<Packet> out;
    decoder_.message(topic, bytes_of(payload), now, out);
    return out;
  }
  std::vector<Packet> say_frame(const protocol::Message& message) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    const std::size_t size = protocol::encode_message(message, frame);
    std::vector<Packet> out;
    decoder_.message("meterlens/m1/up", {frame.data(), size}, 1, out);
    return out;
  }
  // A camera's text as an unsplit UART string of product P, device D.
  static std::string uart(const std::string& text) {
    return nlohmann::json{{"uart1", {{"payload", text}}}}.dump();
  }

  metrics::Metrics metrics_;
  Decoder decoder_{DecoderLimits{}, metrics_};
};

TEST_F(DecoderTest, native_messages_become_packets) {
  const std::array<std::uint8_t, 3> data = {1, 2, 3};
  auto packets = say_frame(protocol::Packet{7, 2, data});
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].device, "m1");
  EXPECT_EQ(packets[0].dialect, Dialect::native);
  const auto* photo = std::get_if<PhotoData>(&packets[0].content);
  ASSERT_NE(photo, nullptr);
  EXPECT_EQ(photo->photo_id, 7u);
  EXPECT_EQ(photo->data, (std::vector<std::uint8_t>{1, 2, 3}));
  packets = say_frame(protocol::Hello{1, 2, 3, "fw"});
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(std::get<Started>(packets[0].content).firmware, "fw");
  EXPECT_EQ(say_frame(protocol::Sent{9}).size(), 1u);
}

TEST_F(DecoderTest, messages_of_the_other_direction_are_refused) {
  EXPECT_TRUE(say_frame(protocol::Capture{1}).empty());
  EXPECT_TRUE(say_frame(protocol::Clock{1}).empty());
  EXPECT_EQ(metrics_.count(Count::frames_unexpected), 2u);
}

TEST_F(DecoderTest, bad_messages_are_counted_where_they_belong) {
  struct Case {
    std::string topic, payload;
    Count count;
  };
  const std::string long_json = "{\"a\":\"" + std::string(1'000'000, 'x') + "\"}";
  const Case cases[] = {
      {"meterlens/m1/up", "", Count::frames_too_short},
      {"meterlens/m1/up", "abc", Count::frames_too_short},
      {"meterlens/m1/up", std::string(20, '\x07'), Count::frames_wrong_version},
      {"meterlens/m1/up", std::string("\x01\x10\xff\xff", 4) + std::string(20, 'x'),
       Count::frames_wrong_length},
      {"meterlens/m1/up", std::string("\x01\x12\x04\x00xxxxyyyy", 12),
       Count::frames_wrong_checksum},
      {"meterlens/m1/up", std::string(1039, '\x01'), Count::messages_too_long},
      {"meterlens/m1/status", std::string(5000, 'x'), Count::messages_too_long},
      {"meterlens/m1/status", "{\"online\":1}", Count::frames_malformed},
      {"meterlens/m1/status", "no json", Count::frames_malformed},
      {"P/D/event", long_json, Count::messages_too_long},
      {"P/D/event", "no json", Count::smartdtu_not_json},
      {"P/D/event", "{\"uart1\":{\"payload\":\"\xff\xfe\"}}", Count::smartdtu_not_json},
      {"P/D/event", "[1,2]", Count::smartdtu_wrong_shape},
      {"P/D/event", "{}", Count::smartdtu_wrong_shape},
      {"P/D/event", "7", Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":7}})", Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":{"other":1}}})", Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":{"image":7}}})", Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":{"image":{"image_file":7,"image_end":true}}}})",
       Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":{"image":{"image_file":"../a","image_end":true}}}})",
       Count::smartdtu_wrong_shape},
      {"P/D/event", R"({"uart1":{"payload":{"image":{"image_file":"a","image_binary":"*"}}}})",
       Count::smartdtu_wrong_shape},
      {"P/D/event",
       R"({"uart1":{"payload":{"image":{"image_file":"a","image_binary":"QUJD","index":-1}}}})",
       Count::smartdtu_wrong_shape},
      {"P/D/event",
       R"({"uart1":{"payload":{"image":{"image_file":"a","image_binary":"QUJD","crc32":1}}}})",
       Count::frames_wrong_checksum},
      {"P/D/event",
       R"({"uart1":{"payload":{"image":{"image_file":"a","image_end":true,"sha256":"00"}}}})",
       Count::smartdtu_wrong_shape},
      {"meterlens/.x/up", "abc", Count::messages_foreign_topic},
      {"meterlens/m1/down", "abc", Count::messages_foreign_topic},
      {"a/b/c", "abc", Count::messages_foreign_topic},
      {"a/b/c/event", "abc", Count::messages_foreign_topic},
  };
  for (const Case& c : cases) {
    const auto before = metrics_.count(c.count);
    EXPECT_TRUE(say(c.topic, c.payload).empty()) << c.topic << ' ' << c.payload.substr(0, 80);
    EXPECT_EQ(metrics_.count(c.count), before + 1) << c.topic << ' ' << c.payload.substr(0, 80);
  }
}

TEST_F(DecoderTest, status_tells_presence) {
  const auto on = say("meterlens/m1/status", R"({"online":true,"firmware":"1.0","x":[1]})");
  ASSERT_EQ(on.size(), 1u);
  EXPECT_TRUE(std::get<Presence>(on[0].content).online);
  EXPECT_EQ(std::get<Presence>(on[0].content).firmware, "1.0");
  const auto off = say("meterlens/m1/status", R"({"online":false})");
  ASSERT_EQ(off.size(), 1u);
  EXPECT_FALSE(std::get<Presence>(off[0].content).online);
  EXPECT_TRUE(say("meterlens/m1/status", "").empty());
}

TEST_F(DecoderTest, status_tells_the_revision_of_a_dtus_settings) {
  const auto revision_of = [&](const std::string& value) {
    const auto on =
        say("meterlens/m1/status", R"({"online":true,"settings_revision":)" + value + "}");
    return on.size() == 1 ? std::get<Presence>(on[0].content).settings_revision : std::nullopt;
  };
  EXPECT_EQ(revision_of("7"), 7U);
  EXPECT_EQ(revision_of("4294967295"), 4294967295U);
  for (const char* wrong : {"4294967296", "-1", "7.0", "\"7\"", "null", "[7]"})
    EXPECT_EQ(revision_of(wrong), std::nullopt) << wrong;
  const auto off = say("meterlens/m1/status", R"({"online":false})");
  EXPECT_EQ(std::get<Presence>(off.at(0).content).settings_revision, std::nullopt);
}

TEST_F(DecoderTest, broker_log_tells_presence_of_known_smartdtus) {
  const std::string came = "1: New client connected from 1.2.3.4:5 as PROD1dev (p2, c0, k300).";
  EXPECT_TRUE(say("$SYS/broker/log/N", came).empty());
  decoder_.learn("PROD1", "dev");
  const auto on = say("$SYS/broker/log/N", came);
  ASSERT_EQ(on.size(), 1u);
  EXPECT_EQ(on[0].device, "dev");
  EXPECT_EQ(on[0].product, "PROD1");
  EXPECT_TRUE(std::get<Presence>(on[0].content).online);
  const auto off = say("$SYS/broker/log/N", "1: Client PROD1dev closed its connection.");
  ASSERT_EQ(off.size(), 1u);
  EXPECT_FALSE(std::get<Presence>(off[0].content).online);
}

TEST_F(DecoderTest, a_device_is_known_by_its_first_event) {
  say("P/D/event", R"({"gpio":{"gpio1":0}})");
  EXPECT_EQ(say("$SYS/broker/log/N", "1: Client PD disconnected.").size(), 1u);
}

TEST_F(DecoderTest, state_is_kept_as_text) {
  const std::string state = R"({"modem":{"fwVersion":"FW1"},"aht10":{"temperature":-50}})";
  const auto packets = say("P/D/event", state);
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(std::get<SmartState>(packets[0].content).json, state);
  EXPECT_EQ(std::get<SmartState>(packets[0].content).firmware, "FW1");
  EXPECT_EQ(say("P/D/event", R"({"uart1":{"baud_rate":115200}})").size(), 1u);
}

TEST_F(DecoderTest, extra_fields_are_taken_over) {
  const auto packets = say(
      "P/D/event", R"({"uart1":{"payload":{"image":{"image_file":"a.jpg","image_binary":"QUJD\n",)"
                   R"("index":1,"count":3,"bytes":2051,"crc32":2743272264}}}})");
  ASSERT_EQ(packets.size(), 1u);
  const auto& piece = std::get<SmartPiece>(packets[0].content);
  EXPECT_EQ(piece.data, (std::vector<std::uint8_t>{'A', 'B', 'C'}));
  EXPECT_EQ(piece.index, 1u);
  EXPECT_EQ(piece.count, 3u);
  EXPECT_EQ(piece.photo_bytes, 2051u);
  const auto end = say("P/D/event", R"({"uart1":{"payload":{"image":{"image_file":"a.jpg",)"
                                    R"("image_end":true,"count":3,"sha256":")" +
                                        std::string(64, 'a') + R"("}}}})");
  ASSERT_EQ(end.size(), 1u);
  EXPECT_EQ(std::get<SmartEnd>(end[0].content).sha256->at(31), 0xaa);
}

TEST_F(DecoderTest, a_failed_shot_of_our_camera_is_an_end_without_a_name) {
  const auto packets =
      say("P/D/event", R"({"uart1":{"payload":{"capture_failed":"sensor"}}})", 1000);
  ASSERT_EQ(packets.size(), 1U);
  EXPECT_EQ(std::get<SmartEnd>(packets[0].content).image_file, "");
}

TEST_F(DecoderTest, unfinished_texts_are_given_up_after_a_pause) {
  EXPECT_TRUE(
      say("P/D/event", uart(R"({"image":{"image_file":"a","image_end":true})"), 1000).empty());
  std::vector<Packet> out;
  decoder_.tick(3999, out);
  EXPECT_TRUE(out.empty());
  decoder_.tick(4000, out);  // only the last brace was missing
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<SmartEnd>(out[0].content));
  say("P/D/event", uart(R"({"image":{"image_binary":"abc)"), 5000);
  decoder_.tick(9000, out);
  EXPECT_EQ(metrics_.count(Count::smartdtu_text_dropped), 1u);
}

TEST_F(DecoderTest, texts_of_different_devices_and_uarts_do_not_mix) {
  const std::string first = R"({"image":{"image_file":"a",)", second = R"("image_end":true}})";
  say("P/D1/event", uart(first));
  EXPECT_TRUE(say("P/D2/event", uart(second)).empty());
  EXPECT_TRUE(say("P/D1/event", R"({"uart2":{"payload":"\"image_end\":true}}"}})").empty());
  EXPECT_EQ(say("P/D1/event", uart(second)).size(), 1u);
}

TEST_F(DecoderTest, unfinished_texts_are_bounded_in_all) {
  DecoderLimits limits;
  limits.text_bytes_total_max = 20'000;
  Decoder decoder(limits, metrics_);
  std::vector<Packet> out;
  const std::string part = uart("{\"image\":{\"image_binary\":\"" + std::string(900, 'A'));
  for (int i = 0; i < 100; ++i)
    decoder.message("P/D" + std::to_string(i) + "/event", bytes_of(part), 1, out);
  EXPECT_GE(metrics_.count(Count::smartdtu_text_dropped), 80u);
}

// The photo that the camera took, byte for byte, from what the real programs sent.
struct Recording {
  const char* file;
  std::size_t pieces;
};
class RecordingTest : public DecoderTest, public ::testing::WithParamInterface<Recording> {};

TEST_P(RecordingTest, gives_pieces_and_end) {
  std::vector<std::uint8_t> photo;
  std::size_t pieces = 0, ends = 0;
  for (const auto& event : testing::read_events(GetParam().file)) {
    for (const Packet& packet : say(event.topic, event.payload, event.at_ms)) {
      if (const auto* piece = std::get_if<SmartPiece>(&packet.content)) {
        ++pieces;
        photo.insert(photo.end(), piece->data.begin(), piece->data.end());
      }
      ends += std::holds_alternative<SmartEnd>(packet.content) ? 1 : 0;
    }
  }
  EXPECT_EQ(pieces, GetParam().pieces);
  EXPECT_EQ(ends, pieces > 0 ? 1u : 0u);
  for (const Count count :
       {Count::smartdtu_not_json, Count::smartdtu_wrong_shape, Count::smartdtu_text_dropped})
    EXPECT_EQ(metrics_.count(count), 0u);
  if (std::string_view(GetParam().file) != "capture_8k.jsonl") return;
  const std::string truth = testing::read_golden("capture_8k.jpg");
  EXPECT_EQ(std::string(photo.begin(), photo.end()), truth);
}

INSTANTIATE_TEST_SUITE_P(All, RecordingTest,
                         ::testing::Values(Recording{"capture_8k.jsonl", 8},
                                           Recording{"split_any1024.jsonl", 3},
                                           Recording{"fast_settings_restart.jsonl", 0}));

TEST_F(DecoderTest, random_bytes_on_any_topic_are_harmless) {
  std::mt19937 random(11);
  const char* topics[] = {
      "meterlens/m1/up", "meterlens/m1/status", "P/D/event", "$SYS/broker/log/N", "x/y/z", ""};
  for (int round = 0; round < 20'000; ++round) {
    std::string payload(random() % 300, ' ');
    for (char& c : payload) c = static_cast<char>(random());
    say(topics[random() % 6], payload, round);
  }
  EXPECT_GT(metrics_.count(Count::messages_received), 10'000u);
}

}  // namespace
}  // namespace meterlens::ingest
