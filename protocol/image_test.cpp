#include "protocol/image.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <functional>
#include <string>
#include <vector>

namespace meterlens::protocol {
namespace {

using Buffer = std::vector<std::uint8_t>;

struct Release {
  PublicKey key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  Buffer image = Buffer(3000, 0x42);
  ImageHead head{Part::camera, "esp32cam", 7, 3000, sha256(image)};

  Release() {
    const std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{1};
    crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  }
  Buffer signature() const {
    std::array<std::uint8_t, signed_bytes_max> text;
    const std::size_t count = signed_text(head, text);
    Buffer out(signature_bytes);
    crypto_sign_detached(out.data(), nullptr, text.data(), count, secret.data());
    return out;
  }
  Buffer file() const {
    Buffer out(image_file_head_bytes);
    write_image_file_head(head, signature(), std::span<std::uint8_t, 144>(out.data(), 144));
    out.insert(out.end(), image.begin(), image.end());
    return out;
  }
};

TEST(ImageFile, ComesBackAsItWasWritten) {
  const Release release;
  const Buffer file = release.file();
  const auto back = parse_image_file(file);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->head.part, Part::camera);
  EXPECT_EQ(back->head.board, "esp32cam");
  EXPECT_EQ(back->head.version, 7U);
  EXPECT_EQ(back->head.image_bytes, 3000U);
  EXPECT_EQ(back->head.sha256, release.head.sha256);
  EXPECT_TRUE(std::equal(back->image.begin(), back->image.end(), release.image.begin()));
  EXPECT_TRUE(is_signed(back->head, back->signature, release.key));
}

// Each field is part of what is signed.
TEST(ImageFile, TheSignatureIsOfAllFields) {
  const Release release;
  const Buffer signature = release.signature();
  const std::function<void(ImageHead&)> changes[] = {
      [](ImageHead& head) { head.part = Part::dtu; },
      [](ImageHead& head) { head.board = "esp32ca"; },
      [](ImageHead& head) { head.version = 8; },
      [](ImageHead& head) { head.image_bytes = 2999; },
      [](ImageHead& head) { head.sha256[31] ^= 1; }};
  EXPECT_TRUE(is_signed(release.head, signature, release.key));
  for (const auto& change : changes) {
    ImageHead head = release.head;
    change(head);
    EXPECT_FALSE(is_signed(head, signature, release.key));
  }
}

TEST(ImageFile, WhatIsNoneIsToldFromWhatIsDamaged) {
  struct Row {
    const char* what;
    std::function<void(Buffer&)> change;
    ImageFileError error;
  };
  using enum ImageFileError;
  const Row table[] = {
      {"empty", [](Buffer& b) { b.clear(); }, not_an_image},
      {"magic", [](Buffer& b) { b[3] = '2'; }, not_an_image},
      {"cut head", [](Buffer& b) { b.resize(143); }, not_an_image},
      {"part", [](Buffer& b) { b[4] = 3; }, malformed},
      {"no board", [](Buffer& b) { b[5] = 0; }, malformed},
      {"long board", [](Buffer& b) { b[5] = 33; }, malformed},
      {"board chars", [](Buffer& b) { b[16] = '/'; }, malformed},
      {"short board", [](Buffer& b) { b[5] = 7; }, malformed},
      {"zero", [](Buffer& b) { b[6] = 1; }, malformed},
      {"version 0", [](Buffer& b) { b[8] = 0; }, malformed},
      {"no bytes", [](Buffer& b) { b[12] = b[13] = 0; }, malformed},
      {"too many bytes", [](Buffer& b) { b[14] = 0x21; }, malformed},
      {"truncated", [](Buffer& b) { b.pop_back(); }, wrong_size},
      {"head only", [](Buffer& b) { b.resize(144); }, wrong_size},
      {"something behind", [](Buffer& b) { b.push_back(0); }, wrong_size},
      {"hash", [](Buffer& b) { b[48] ^= 1; }, wrong_hash},
      {"image", [](Buffer& b) { b[144] ^= 1; }, wrong_hash}};
  for (const Row& row : table) {
    Buffer file = Release().file();
    row.change(file);
    const auto parsed = parse_image_file(file);
    ASSERT_FALSE(parsed) << row.what;
    EXPECT_EQ(parsed.error(), row.error) << row.what;
  }
}

TEST(ImageFile, NamesOfBoards) {
  for (const char* good : {"a", "esp32cam", "EC600S-at_1.2"}) EXPECT_TRUE(is_board_name(good));
  EXPECT_TRUE(is_board_name(std::string(32, 'x')));
  for (const std::string& bad : {std::string(), std::string(33, 'x'), std::string("a b"),
                                 std::string("a\0", 2), std::string("é")})
    EXPECT_FALSE(is_board_name(bad));
}

}  // namespace
}  // namespace meterlens::protocol
