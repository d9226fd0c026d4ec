#include "protocol/base64.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meterlens::protocol {
namespace {

std::string encoded_text(std::string_view text) {
  std::string out(base64_chars(text.size()), '?');
  const Bytes bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  out.resize(base64_encode(bytes, out));
  return out;
}

std::optional<std::string> decoded(std::string_view text) {
  std::vector<std::uint8_t> out(text.size() / 4 * 3 + 3);
  const auto count = base64_decode(text, out);
  if (!count) return std::nullopt;
  return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*count));
}

TEST(Base64, TheExamplesOfTheStandard) {
  const std::pair<const char*, const char*> table[] = {
      {"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, code] : table) {
    EXPECT_EQ(encoded_text(plain), code);
    EXPECT_EQ(decoded(code), plain);
  }
}

TEST(Base64, LineEndsAndMissingPaddingPass) {
  EXPECT_EQ(decoded("Zm9v\nYmE=\n"), "fooba");
  EXPECT_EQ(decoded("Zm9vYmE"), "fooba");
}

TEST(Base64, ForeignTextIsRefused) {
  for (const char* bad : {"Zm9*", "Z", "Zm9vY", "Zg==Zg==", "\x80\x81", "Zm 9v"})
    EXPECT_EQ(decoded(bad), std::nullopt) << bad;
}

TEST(Base64, TooSmallRoomIsRefused) {
  std::vector<std::uint8_t> out(2);
  EXPECT_EQ(base64_decode("Zm9v", out), std::nullopt);
}

}  // namespace
}  // namespace meterlens::protocol
