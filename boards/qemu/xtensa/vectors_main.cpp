// The wire's code on an emulated Xtensa core: checksums, messages, serial units and names against
// known values. Prints each message as its row in SPEC.md section 8, which the test looks up there,
// then "N passed, N failed"; the exit status is 1 if any failed.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

#include "boards/qemu/xtensa/simcall.h"
#include "device/link/unit.h"
#include "protocol/base64.h"
#include "protocol/checksum.h"
#include "protocol/ids.h"
#include "protocol/json.h"
#include "protocol/message.h"

namespace meterlens::boards::qemu {
namespace {

using namespace protocol;

int passed = 0, failed = 0;

void expect(bool holds, std::string_view what) {
  ++(holds ? passed : failed);
  if (holds) return;
  print("failed: ");
  print(what);
  print("\n");
}

void print_number(int number) {
  std::array<char, 12> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  print({text.data(), static_cast<std::size_t>(end - text.data())});
}

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void print_hex(Bytes bytes) {
  for (const std::uint8_t byte : bytes) {
    const std::array<char, 2> letters = {"0123456789abcdef"[byte >> 4],
                                         "0123456789abcdef"[byte & 15]};
    print({letters.data(), letters.size()});
  }
}

void check_checksums() {
  expect(crc32(bytes_of("123456789")) == 0xCBF43926U, "crc32 of 123456789");
  const auto is = [](std::string_view text, std::string_view digest) {
    const auto letters = hex(sha256(bytes_of(text)));
    expect(std::string_view(letters.data(), letters.size()) == digest, digest);
  };
  is("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  is("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  Sha256 sum;
  std::array<std::uint8_t, 1000> part;
  part.fill('a');
  for (int i = 0; i < 1000; ++i) sum.add(part);
  const auto letters = hex(sum.digest());
  expect(std::string_view(letters.data(), letters.size()) ==
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
         "sha256 of a million a");
}

void check_message(std::string_view name, const Message& message) {
  std::array<std::uint8_t, frame_bytes_max> bytes, again;
  const Bytes frame = Bytes(bytes).first(encode_message(message, bytes));
  print("| ");
  print(name);
  print(" | `");
  print_hex(frame);
  print("` |\n");
  const auto back = decode_message(frame);
  expect(back && back->index() == message.index() &&
             same(frame, Bytes(again).first(encode_message(*back, again))),
         name);
  ++bytes[frame.size() / 2];
  expect(!decode_message(frame), "a wrong byte is noticed");
}

// The fields that stand beside the bytes in SPEC.md section 8.
void check_messages() {
  constexpr std::array<std::uint8_t, 2> bitmap = {0x05, 0x80};
  const Bytes abc = bytes_of("abc");
  check_message("Hello", Hello{1500, 2, 0, "cam 0.1.0"});
  check_message("Report", Report{7, CaptureState::failed, CaptureFailure::sensor});
  check_message("Offer", Offer{3, 3, 7, 1'700'000'000'000, sha256(abc)});
  check_message("Packet", Packet{3, 0, abc});
  check_message("Sent", Sent{3});
  check_message("Capture", Capture{7});
  check_message("Missing", Missing{3, bitmap});
  check_message("Stored", Stored{3, sha256(abc)});
  check_message("Refused", Refused{3, Refusal::busy});
  check_message("Clock", Clock{1'700'000'000'000});
  constexpr std::array<std::uint8_t, 5> exposure_bias = {8, 0xFE, 0xFF, 0xFF, 0xFF};
  check_message("Settings", Settings{Part::camera, 4, exposure_bias});
  check_message("SettingsTaken", SettingsTaken{Part::dtu, 4, {}});
  check_message("Health", Health{86400, 4, 0x400D1234, 4, 96, 1, 2, 3, 4, 5, 6, 7, 1, true, false,
                                 95, Light::dark, 9, 91, 2, 8, 9, 10, 11});
  check_message("View", View{5, 1, 3, abc});
  check_message("Aim", Aim{120, 1500});
}

void check_update_messages() {
  constexpr std::array<std::uint8_t, 2> bitmap = {0x05, 0x80};
  const Bytes abc = bytes_of("abc");
  std::array<std::uint8_t, signature_bytes> signature;
  signature.fill(0x5A);
  check_message("Image", Image{Part::camera, 5, 7, 3, sha256(abc), signature});
  check_message("ImagePacket", ImagePacket{5, 0, abc});
  check_message("ImageSent", ImageSent{Part::camera, 5});
  check_message("ImageMissing", ImageMissing{Part::camera, 5, bitmap});
  check_message("ImageState",
                ImageState{Part::dtu, 5, UpdateState::refused, UpdateFailure::older_version, 9});
}

// Frames of every length with zeros in them come back from the serial line.
void check_units() {
  link::UnitReader reader;
  std::array<std::uint8_t, frame_bytes_max> frame;
  std::array<std::uint8_t, link::unit_bytes_max> unit;
  for (std::size_t i = 0; i < frame.size(); ++i)
    frame[i] = static_cast<std::uint8_t>(i % 300 < 260 ? 1 + i % 255 : 0);
  bool all = true;
  for (std::size_t bytes = 1; bytes <= frame.size(); ++bytes) {
    const Bytes sent = Bytes(frame).first(bytes);
    const std::size_t count = link::encode_unit(sent, unit);
    for (std::size_t i = 0; i + 1 < count; ++i) all = all && !reader.put(unit[i]);
    const auto back = reader.put(unit[count - 1]);
    all = all && back && same(*back, sent);
  }
  expect(all, "units of every length");
  constexpr std::array<std::uint8_t, 6> known = {3, 0x11, 0x22, 2, 0x33, 0};
  constexpr std::array<std::uint8_t, 4> plain = {0x11, 0x22, 0, 0x33};
  expect(same(Bytes(unit).first(link::encode_unit(plain, unit)), known), "a known unit");
}

void check_texts() {
  std::array<char, 16> letters;
  const std::size_t count = base64_encode(bytes_of("meter"), letters);
  expect(std::string_view(letters.data(), count) == "bWV0ZXI=", "base64");
  const auto topic = parse_topic("meterlens/m1/up");
  expect(topic && topic->device == "m1" && topic->channel == Channel::up, "a topic");
  const auto object = json_text(R"({"gpio":{"a":[1,2]},"capture":-12})");
  const auto number = object ? json_member(*object, "capture") : std::nullopt;
  expect(number && json_integer(*number) == -12, "a number in JSON");
}

}  // namespace
}  // namespace meterlens::boards::qemu

extern "C" void run_board() {
  using namespace meterlens::boards::qemu;
  check_checksums();
  check_messages();
  check_update_messages();
  check_units();
  check_texts();
  print_number(passed);
  print(" passed, ");
  print_number(failed);
  print(" failed\n");
  leave(failed == 0 ? 0 : 1);
}
