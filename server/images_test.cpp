#include "server/images.h"

#include <gtest/gtest.h>
#include <sodium.h>
#include <stdlib.h>

#include <fstream>

#include "protocol/image.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using Buffer = std::vector<std::uint8_t>;

class ImagesTest : public ::testing::Test {
 protected:
  ImagesTest() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-images-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    store_ = *store::Store::open((root_ / "m.db").string());
    const std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{4};
    crypto_sign_seed_keypair(key_.data(), secret_.data(), seed.data());
    open();
  }
  ~ImagesTest() override { fs::remove_all(root_); }
  void open(std::vector<protocol::PublicKey> keys) {
    images_ = std::make_unique<Images>(ImageSettings{root_ / "updates", std::move(keys)}, *store_);
  }
  void open() { open({protocol::PublicKey{}, key_}); }
  Buffer file(std::uint32_t version = 7, std::size_t bytes = 3000) const {
    const Buffer image(bytes, 0x42);
    const protocol::ImageHead head{protocol::Part::camera, "esp32cam", version,
                                   static_cast<std::uint32_t>(bytes), protocol::sha256(image)};
    std::array<std::uint8_t, protocol::signed_bytes_max> text;
    const std::size_t count = protocol::signed_text(head, text);
    Buffer signature(protocol::signature_bytes);
    crypto_sign_detached(signature.data(), nullptr, text.data(), count, secret_.data());
    Buffer out(protocol::image_file_head_bytes);
    protocol::write_image_file_head(head, signature,
                                    std::span<std::uint8_t, 144>(out.data(), 144));
    out.insert(out.end(), image.begin(), image.end());
    return out;
  }

  fs::path root_;
  protocol::PublicKey key_{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_{};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Images> images_;
};

TEST_F(ImagesTest, ASignedImageIsKeptOnceAndLoaded) {
  const auto image = images_->add(file(), 55);
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_EQ(image->version, 7U);
  EXPECT_EQ(image->created_ms, 55);
  EXPECT_EQ(images_->add(file(), 66)->id, image->id);
  open();
  const auto content = images_->load(image->id);
  ASSERT_NE(content, nullptr);
  EXPECT_EQ(content->bytes, Buffer(3000, 0x42));
  EXPECT_EQ(content->signature.size(), protocol::signature_bytes);
  EXPECT_EQ(images_->load(image->id + 1), nullptr);
}

TEST_F(ImagesTest, WhatIsWrongIsRefusedByItsName) {
  const std::pair<ImageErrorCode, std::function<void(Buffer&)>> table[] = {
      {ImageErrorCode::not_an_image, [](Buffer& b) { b[0] = 'X'; }},
      {ImageErrorCode::not_an_image, [](Buffer& b) { b.clear(); }},
      {ImageErrorCode::malformed, [](Buffer& b) { b[4] = 0; }},
      {ImageErrorCode::wrong_size, [](Buffer& b) { b.pop_back(); }},
      {ImageErrorCode::wrong_hash, [](Buffer& b) { b.back() ^= 1; }},
      {ImageErrorCode::wrong_signature, [](Buffer& b) { b[80] ^= 1; }},
      {ImageErrorCode::wrong_signature, [](Buffer& b) { b[8] ^= 1; }}};
  for (const auto& [code, change] : table) {
    Buffer bytes = file();
    change(bytes);
    const auto image = images_->add(bytes, 1);
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, code) << image.error().message;
  }
  open({});
  EXPECT_EQ(images_->add(file(), 1).error().code, ImageErrorCode::no_keys);
  EXPECT_TRUE(store_->images(0, 10)->empty());
}

TEST_F(ImagesTest, AFileThatWasChangedIsNotSent) {
  const auto image = images_->add(file(), 1);
  std::fstream(image->path, std::ios::in | std::ios::out | std::ios::binary).seekp(200).put('!');
  EXPECT_EQ(images_->load(image->id), nullptr);
  fs::remove(image->path);
  EXPECT_EQ(images_->load(image->id), nullptr);
}

TEST_F(ImagesTest, AFolderThatCannotBeWrittenIsToldAndLeavesNoRow) {
  std::ofstream(root_ / "updates") << "a file";
  const auto image = images_->add(file(), 1);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().code, ImageErrorCode::store);
  EXPECT_TRUE(store_->images(0, 10)->empty());
}

TEST(PublicKeys, AreSixtyFourHexadecimalDigits) {
  const std::string digits(62, '0');
  EXPECT_EQ((*parse_key(" " + digits + "Ff\n"))[31], 0xFF);
  for (const std::string& bad :
       {std::string(), digits, digits + "0g", digits + "000", digits + " 1", "-1" + digits})
    EXPECT_FALSE(parse_key(bad)) << bad;
}

}  // namespace
}  // namespace meterlens::server
