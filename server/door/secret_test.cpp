#include "server/door/secret.h"

#include <gtest/gtest.h>

#include <set>

namespace meterlens::door {
namespace {

TEST(Secret, IsAnotherEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_secret(26));
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(seen.begin()->size(), 26U);
  EXPECT_EQ(seen.begin()->find_first_of(" 01lo"), std::string::npos);
}

TEST(Secret, APasswordIsKnownByItsHash) {
  const std::string hash = hash_password("correct horse");
  EXPECT_TRUE(hash.starts_with("$argon2id$")) << hash;
  EXPECT_EQ(hash.find("correct"), std::string::npos);
  EXPECT_TRUE(is_password(hash, "correct horse"));
  EXPECT_FALSE(is_password(hash, "correct horsf"));
  EXPECT_FALSE(is_password(hash, ""));
  EXPECT_FALSE(is_password("", "nobody has this password"));
  EXPECT_FALSE(is_password("rubbish", "rubbish"));
}

TEST(Secret, ATokenIsKnownByItsHash) {
  EXPECT_EQ(hash_token("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_TRUE(is_equal("ab", "ab"));
  EXPECT_FALSE(is_equal("ab", "ac"));
  EXPECT_FALSE(is_equal("ab", "abc"));
}

// The second line was made by `mosquitto_passwd -b FILE m1 water-and-gas`.
TEST(Secret, MosquittosHash) {
  const std::string ours = mosquitto_hash("water-and-gas");
  EXPECT_TRUE(is_mosquitto_password(ours, "water-and-gas"));
  EXPECT_FALSE(is_mosquitto_password(ours, "water-and-gaz"));
  EXPECT_NE(ours, mosquitto_hash("water-and-gas"));
  const std::string theirs =
      "$7$101$5mBD8PV2AxAjbIFg$zrpSq4A+JqyBa3KCCC0NQKIZU4BSOfn8ej3u"
      "MaVZXdjYKCEbYTRESPy3SGilAbfxi9WZVCyPOYS5fJOLUz9SoQ==";
  EXPECT_TRUE(is_mosquitto_password(theirs, "water-and-gas"));
  EXPECT_FALSE(is_mosquitto_password(theirs, "water"));
  for (const char* wrong : {"", "$7$101$", "$7$101$AAAA", "$6$x$y", "$7$101$!$!"})
    EXPECT_FALSE(is_mosquitto_password(wrong, "")) << wrong;
}

}  // namespace
}  // namespace meterlens::door
