#include "protocol/message.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/specified.h"
#include "protocol/to_camera.h"

namespace meterlens::protocol {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer encoded(const Message& message) {
  Buffer out(frame_bytes_max);
  out.resize(encode_message(message, out));
  return out;
}

const Buffer abc = {'a', 'b', 'c'};
const Buffer bitmap = {0x05, 0x80};
const Buffer some_signature(signature_bytes, 0x5A);
const Buffer exposure_bias = {8, 0xFE, 0xFF, 0xFF, 0xFF};

// The same messages, in the same order, stand as hexadecimal in SPEC.md section 8.
std::vector<std::pair<std::string, Message>> vectors() {
  return {
      {"Hello", Hello{1500, 2, 0, "cam 0.1.0"}},
      {"Report", Report{7, CaptureState::failed, CaptureFailure::sensor}},
      {"Offer", Offer{3, 3, 7, 1700000000000, sha256(abc)}},
      {"Packet", Packet{3, 0, abc}},
      {"Sent", Sent{3}},
      {"Capture", Capture{7}},
      {"Missing", Missing{3, bitmap}},
      {"Stored", Stored{3, sha256(abc)}},
      {"Refused", Refused{3, Refusal::busy}},
      {"Clock", Clock{1700000000000}},
      {"Settings", Settings{Part::camera, 4, exposure_bias}},
      {"SettingsTaken", SettingsTaken{Part::dtu, 4, {}}},
      {"Health", Health{86400, 4, 0x400D1234, 4, 96, 1, 2, 3, 4, 5, 6, 7, 1, true, false, 95,
                        Light::dark, 9, 91, 2, 8, 9, 10, 11}},
      {"View", View{5, 1, 3, abc}},
      {"Aim", Aim{120, 1500}},
      {"Image", Image{Part::camera, 5, 7, 3, sha256(abc), some_signature}},
      {"ImagePacket", ImagePacket{5, 0, abc}},
      {"ImageSent", ImageSent{Part::camera, 5}},
      {"ImageMissing", ImageMissing{Part::camera, 5, bitmap}},
      {"ImageState", ImageState{Part::dtu, 5, UpdateState::refused, UpdateFailure::older_version,
                                9}},
  };
}

TEST(Message, TheVectorsOfTheSpecification) {
  const std::string spec = specification();
  for (const auto& [name, message] : vectors()) {
    const std::string row = specified_row(name, encoded(message));
    EXPECT_NE(spec.find(row), std::string::npos) << "SPEC.md section 8 lacks\n" << row;
  }
}

TEST(Message, ComesBackAsItWent) {
  for (const auto& [name, message] : vectors()) {
    const Buffer bytes = encoded(message);
    const auto back = decode_message(bytes);
    ASSERT_TRUE(back) << name;
    EXPECT_EQ(back->index(), message.index()) << name;
    EXPECT_EQ(encoded(*back), bytes) << name;
  }
}

// A body of Health, zero but for one byte.
Buffer health_with(std::size_t at, std::uint8_t value) {
  Buffer body(55);
  body[at] = value;
  return body;
}

TEST(Message, ACameraHearsWhatIsForCamerasAlone) {
  for (const auto& [name, message] : vectors()) {
    const bool is_down =
        std::visit([](const auto& m) { return m.type >= Capture::type; }, message);
    const auto heard = decode_to_camera(encoded(message));
    EXPECT_EQ(heard.has_value(), is_down) << name;
    if (!is_down) {
      EXPECT_EQ(heard.error(), FrameError::unknown_type) << name;
    }
  }
}

TEST(Message, AHealthOfAnOlderProgramIsUnderstood) {
  Buffer frame(frame_bytes_max);
  frame.resize(encode_frame(Health::type, health_with(46, 1), frame));
  const auto message = decode_message(frame);
  ASSERT_TRUE(message);
  EXPECT_TRUE(std::get<Health>(*message).settings_unsaved);
  EXPECT_EQ(std::get<Health>(*message).line_falls, 0U);
}

TEST(Message, FieldsOutOfRangeAreMalformed) {
  const std::pair<std::uint8_t, Buffer> table[] = {
      {Hello::type, Buffer(9)},
      {Hello::type, Buffer(10 + text_bytes_max + 1, 'a')},
      {Hello::type, Buffer(11, 0x07)},           // firmware is not printable
      {Report::type, {1, 0, 0, 0, 9, 0}},        // no such state
      {Report::type, {1, 0, 0, 0, 3, 6}},        // no such failure
      {Offer::type, Buffer(51)},
      {Offer::type, Buffer(53)},
      {Packet::type, Buffer(6)},                 // no data
      {Packet::type, {1, 0, 0, 0, 0, 8, 1}},     // index 2048
      {Sent::type, Buffer(5)},
      {Capture::type, Buffer(4)},                // command 0
      {Missing::type, Buffer(4 + 257)},
      {Stored::type, Buffer(35)},
      {Refused::type, {1, 0, 0, 0, 0}},
      {Refused::type, {1, 0, 0, 0, 6}},
      {Clock::type, Buffer(7)},
      {Settings::type, {1, 0, 0, 0, 0}},            // revision 0
      {Settings::type, {3, 1, 0, 0, 0}},            // no such part
      {Settings::type, {1, 1, 0, 0, 0, 8, 1, 0}},   // a cut entry
      {SettingsTaken::type, Buffer(5)},             // no such part
      {SettingsTaken::type, Buffer(5 + setting_count_max + 1, 1)},
      {Health::type, Buffer(54)},                   // one too few
      {Health::type, Buffer(56)},                   // neither the older form nor the newer
      {Health::type, health_with(4, 8)},            // no such reset cause
      {Health::type, health_with(45, 3)},           // there are two areas
      {Health::type, health_with(46, 4)},           // no such flag
      {Health::type, health_with(51, 4)},           // no such light
      {Health::type, health_with(53, 101)},         // of a hundred
      {View::type, {1, 0, 0, 1}},                   // no data
      {View::type, {0, 0, 0, 1, 9}},                // number 0
      {View::type, {1, 0, 1, 1, 9}},                // index past the count
      {View::type, {1, 0, 0, 65, 9}},
      {Aim::type, {120, 0, 199, 0}},                // too often
      {Aim::type, {0x11, 0x0E, 232, 3}},            // too long
      {Image::type, Buffer(109)},                   // no such part
      {Image::type, Buffer(108, 1)},
      {Image::type, Buffer(110, 1)},
      {Image::type, [] { Buffer b(109, 1); std::fill_n(b.begin() + 1, 4, 0); return b; }()},
      {Image::type, [] { Buffer b(109, 1); std::fill_n(b.begin() + 5, 4, 0); return b; }()},
      {ImagePacket::type, Buffer(6)},
      {ImagePacket::type, {1, 0, 0, 0, 0, 8, 1}},   // index 2048
      {ImageSent::type, {3, 1, 0, 0, 0}},
      {ImageSent::type, {1, 1, 0, 0}},
      {ImageMissing::type, Buffer(5 + 257, 1)},
      {ImageMissing::type, Buffer(5)},              // no such part
      {ImageState::type, {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0}},
      {ImageState::type, {1, 1, 0, 0, 0, 7, 0, 1, 0, 0, 0}},
      {ImageState::type, {1, 1, 0, 0, 0, 6, 9, 1, 0, 0, 0}},
      {ImageState::type, {1, 1, 0, 0, 0, 6, 8, 1, 0, 0}},
  };
  for (const auto& [type, body] : table) {
    Buffer frame(frame_bytes_max);
    frame.resize(encode_frame(type, body, frame));
    const auto message = decode_message(frame);
    ASSERT_FALSE(message) << int{type} << " with " << body.size() << " bytes";
    EXPECT_EQ(message.error(), FrameError::malformed);
  }
  Buffer unknown(16);
  unknown.resize(encode_frame(0x7F, {}, unknown));
  EXPECT_EQ(decode_message(unknown).error(), FrameError::unknown_type);
}

TEST(Message, RandomBytesAreRefused) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Buffer bytes(random() % 64);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (bytes.size() > 3 && round % 2 == 0) {
      bytes[0] = frame_version;
      bytes[2] = static_cast<std::uint8_t>(bytes.size() - 8);
      bytes[3] = 0;
    }
    EXPECT_FALSE(decode_message(bytes));
  }
}

TEST(Photo, PacketArithmetic) {
  EXPECT_EQ(packet_count(1), 1U);
  EXPECT_EQ(packet_count(1024), 1U);
  EXPECT_EQ(packet_count(1025), 2U);
  EXPECT_EQ(packet_count(photo_bytes_max), packet_count_max);
  EXPECT_EQ(packet_bytes(1025, 0), 1024U);
  EXPECT_EQ(packet_bytes(1025, 1), 1U);
  EXPECT_EQ(packet_bytes(2048, 1), 1024U);
}

}  // namespace
}  // namespace meterlens::protocol
