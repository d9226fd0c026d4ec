#include "protocol/checksum.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace meterlens::protocol {
namespace {

Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string digest_hex(std::string_view text) {
  const auto letters = hex(sha256(bytes_of(text)));
  return {letters.begin(), letters.end()};
}

TEST(Crc32, KnownValues) {
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32(bytes_of("123456789")), 0xCBF43926U);
  EXPECT_EQ(crc32(bytes_of("The quick brown fox jumps over the lazy dog")), 0x414FA339U);
}

TEST(Crc32, GoesOnFromWhatWasBefore) {
  const std::string_view text = "a meter on the wall, read from afar";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::uint32_t first = crc32(bytes_of(text.substr(0, cut)));
    EXPECT_EQ(crc32(bytes_of(text.substr(cut)), first), crc32(bytes_of(text))) << cut;
  }
}

// The examples of FIPS 180-4 and the edges of its padding.
TEST(Sha256, KnownValues) {
  EXPECT_EQ(digest_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PartsGiveTheSameAsTheWhole) {
  const std::string text(200, 'm');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 sum;
    sum.add(bytes_of(text).first(cut));
    sum.add(bytes_of(text).subspan(cut));
    EXPECT_EQ(sum.digest(), sha256(bytes_of(text))) << cut;
  }
}

}  // namespace
}  // namespace meterlens::protocol
