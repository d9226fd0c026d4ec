#include "protocol/ed25519.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sha512.h"

namespace meterlens::protocol {
namespace {

using Buffer = std::vector<std::uint8_t>;

Buffer from_hex(std::string_view text) {
  Buffer out(text.size() / 2);
  std::size_t count = 0;
  if (out.empty()) return out;
  sodium_hex2bin(out.data(), out.size(), text.data(), text.size(), nullptr, &count, nullptr);
  EXPECT_EQ(count, out.size());
  return out;
}

PublicKey key_of(const Buffer& bytes) {
  PublicKey key{};
  std::copy_n(bytes.begin(), key.size(), key.begin());
  return key;
}

bool sodium_judges(Bytes message, const Buffer& signature, const PublicKey& key) {
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     key.data()) == 0;
}

struct Signer {
  PublicKey key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};

  explicit Signer(std::mt19937_64& random) {
    std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed;
    for (auto& byte : seed) byte = static_cast<std::uint8_t>(random());
    crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  }
  Buffer sign(const Buffer& message) const {
    Buffer out(signature_bytes);
    crypto_sign_detached(out.data(), nullptr, message.data(), message.size(), secret.data());
    return out;
  }
};

Buffer random_bytes(std::mt19937_64& random, std::size_t count) {
  Buffer out(count);
  for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
  return out;
}

TEST(Sha512, IsTheJudgesForEveryLengthOfTwoBlocksAndParts) {
  std::mt19937_64 random(1);
  for (std::size_t count = 0; count < 300; ++count) {
    const Buffer text = random_bytes(random, count);
    std::array<std::uint8_t, 64> expected;
    crypto_hash_sha512(expected.data(), text.data(), text.size());
    Sha512 sum;
    sum.add(Bytes(text).first(count / 3));
    sum.add(Bytes(text).subspan(count / 3));
    EXPECT_EQ(sum.digest(), expected) << count;
  }
}

// RFC 8032, section 7.1, tests 1 to 3 and "SHA(abc)".
TEST(Ed25519, TheVectorsOfTheRfc) {
  struct Row {
    const char *key, *message, *signature;
  };
  const Row table[] = {
      {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
       "1cf9b46bd25bf5f0595bbe24655141438e7a100b"},
      {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
       "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
      {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
       "984dc6594a7c15e9716ed28dc027beceea1ec40a"},
      {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
       "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23"
       "a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
       "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c6"
       "6431e0303dca179c138ac17ad9bef1177331a704"},
  };
  for (const Row& row : table) {
    const Buffer message = from_hex(row.message);
    Buffer signature = from_hex(row.signature);
    EXPECT_TRUE(is_signed(message, signature, key_of(from_hex(row.key)))) << row.key;
    signature.push_back(0);
    EXPECT_FALSE(is_signed(message, signature, key_of(from_hex(row.key))));
    signature.resize(63);
    EXPECT_FALSE(is_signed(message, signature, key_of(from_hex(row.key))));
  }
}

TEST(Ed25519, AgreesWithTheJudgeOnSoundAndDamagedOnes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 2000; ++round) {
    const Signer signer(random);
    Buffer message = random_bytes(random, random() % 200);
    Buffer signature = signer.sign(message);
    PublicKey key = signer.key;
    const auto flip = [&](auto& bytes) {
      if (!bytes.empty())
        bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    };
    if (round % 4 == 1) flip(message);
    if (round % 4 == 2) flip(signature);
    if (round % 4 == 3) flip(key);
    const bool expected = sodium_judges(message, signature, key);
    ASSERT_EQ(is_signed(message, signature, key), expected) << round;
    ASSERT_EQ(expected, round % 4 == 0 || (round % 4 == 1 && message.empty()));
  }
}

// S + L proves as much as S, but would be a second signature of the same image.
TEST(Ed25519, ANonCanonicalSIsRefused) {
  const Buffer order =
      from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
  std::mt19937_64 random(3);
  for (int round = 0; round < 20; ++round) {
    const Signer signer(random);
    const Buffer message = random_bytes(random, 32);
    Buffer signature = signer.sign(message);
    ASSERT_TRUE(is_signed(message, signature, signer.key));
    unsigned carry = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      carry += signature[32 + i] + unsigned{order[i]};
      signature[32 + i] = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    EXPECT_FALSE(is_signed(message, signature, signer.key));
  }
}

// Points of small order and such as are not written canonically, as key and in the signature: with
// S = 0 some of them would "sign" every message.
TEST(Ed25519, OddPointsAreRefusedAsTheJudgeRefusesThem) {
  const char* points[] = {
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "0200000000000000000000000000000000000000000000000000000000000000"};  // on no curve
  for (const char* key : points) {
    for (const char* point : points) {
      for (int text = 0; text < 8; ++text) {
        const Buffer message(3, static_cast<std::uint8_t>(text));
        Buffer signature = from_hex(point);
        signature.resize(signature_bytes);
        EXPECT_FALSE(sodium_judges(message, signature, key_of(from_hex(key))));
        EXPECT_FALSE(is_signed(message, signature, key_of(from_hex(key)))) << key << ' ' << point;
      }
    }
  }
}

// Random keys and points: half of the numbers are no point of the curve.
TEST(Ed25519, AgreesWithTheJudgeOnNoise) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    const Buffer message = random_bytes(random, 16);
    Buffer signature = random_bytes(random, signature_bytes);
    signature[63] &= 0x0F;
    const PublicKey key = key_of(random_bytes(random, 32));
    EXPECT_EQ(is_signed(message, signature, key), sodium_judges(message, signature, key)) << round;
  }
}

}  // namespace
}  // namespace meterlens::protocol
