#include "app/image.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "protocol/image.h"
#include "server/images.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

class ImageTool : public ::testing::Test {
 protected:
  ImageTool() {
    std::string pattern = (fs::temp_directory_path() / "meterlens-image-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(folder_ / "firmware.bin") << "a program";
  }
  ~ImageTool() override { fs::remove_all(folder_); }
  std::string at(const char* name) const { return (folder_ / name).string(); }
  std::string content(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  SignOptions options() const {
    return {at("key"), "dtu", "ec600s", 12, at("firmware.bin"), at("firmware.mli")};
  }

  fs::path folder_;
};

TEST_F(ImageTool, AKeySignsAnImageThatProvesRight) {
  ASSERT_EQ(make_image_key(at("key")), 0);
  struct stat of_key {};
  ASSERT_EQ(stat(at("key").c_str(), &of_key), 0);
  EXPECT_EQ(of_key.st_mode & 0777, 0600U);
  ASSERT_EQ(sign_image(options()), 0);
  const std::string file = content("firmware.mli");
  const auto parsed = protocol::parse_image_file(
      {reinterpret_cast<const std::uint8_t*>(file.data()), file.size()});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->head.part, protocol::Part::dtu);
  EXPECT_EQ(parsed->head.board, "ec600s");
  EXPECT_EQ(parsed->head.version, 12U);
  EXPECT_EQ(file.substr(protocol::image_file_head_bytes), "a program");
  const auto key = server::parse_key(content("key.pub"));
  ASSERT_TRUE(key);
  EXPECT_TRUE(protocol::is_signed(parsed->head, parsed->signature, *key));
  EXPECT_EQ(show_image(at("firmware.mli")), 0);
}

TEST_F(ImageTool, NothingIsOverwritten) {
  ASSERT_EQ(make_image_key(at("key")), 0);
  const std::string before = content("key");
  EXPECT_EQ(make_image_key(at("key")), 1);
  EXPECT_EQ(content("key"), before);
  fs::remove(at("key"));
  EXPECT_EQ(make_image_key(at("key")), 1) << "its public half is there";
  EXPECT_FALSE(fs::exists(at("key")));
  std::ofstream(folder_ / "key") << before;
  ASSERT_EQ(sign_image(options()), 0);
  EXPECT_EQ(sign_image(options()), 1);
}

TEST_F(ImageTool, WhatCannotBeSignedIsTold) {
  ASSERT_EQ(make_image_key(at("key")), 0);
  const std::function<void(SignOptions&)> changes[] = {
      [](SignOptions& o) { o.board = "a b"; }, [](SignOptions& o) { o.version = 0; },
      [this](SignOptions& o) { o.key = at("firmware.bin"); },
      [this](SignOptions& o) { o.in = at("nowhere"); },
      [this](SignOptions& o) {
        std::ofstream(folder_ / "empty");
        o.in = at("empty");
      },
      [this](SignOptions& o) {
        std::ofstream(folder_ / "large") << std::string(protocol::image_bytes_max + 1, 'x');
        o.in = at("large");
      }};
  for (const auto& change : changes) {
    SignOptions wrong = options();
    change(wrong);
    EXPECT_EQ(sign_image(wrong), 1);
    EXPECT_FALSE(fs::exists(wrong.out));
  }
  EXPECT_EQ(show_image(at("firmware.bin")), 1);
}

}  // namespace
}  // namespace meterlens::app
