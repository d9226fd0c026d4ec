#include "server/door/secret.h"

#include <sodium.h>

#include <array>
#include <cstdint>
#include <vector>

#include "protocol/checksum.h"
#include "protocol/require.h"

namespace meterlens::door {
namespace {

constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(alphabet.size() == 32);
// As mosquitto_passwd takes them; a device's secret is random, so few rounds are enough.
constexpr std::uint32_t rounds = 101;
constexpr std::size_t salt_bytes = 12;
using Hash = std::array<std::uint8_t, crypto_auth_hmacsha512_BYTES>;

void start_library() {
  static const bool started = sodium_init() >= 0;
  protocol::require(started);
}

const std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

Hash hmac(const std::string& key, const std::uint8_t* message, std::size_t bytes) {
  crypto_auth_hmacsha512_state state;
  Hash out;
  crypto_auth_hmacsha512_init(&state, bytes_of(key), key.size());
  crypto_auth_hmacsha512_update(&state, message, bytes);
  crypto_auth_hmacsha512_final(&state, out.data());
  return out;
}

// The first block of PBKDF2 (RFC 8018), which is all that is needed here.
Hash pbkdf2(const std::string& password, std::vector<std::uint8_t> salt, std::uint32_t count) {
  salt.insert(salt.end(), {0, 0, 0, 1});
  Hash round = hmac(password, salt.data(), salt.size());
  Hash out = round;
  for (std::uint32_t i = 1; i < count; ++i) {
    round = hmac(password, round.data(), round.size());
    for (std::size_t k = 0; k < out.size(); ++k) out[k] ^= round[k];
  }
  return out;
}

std::string base64(const std::uint8_t* bytes, std::size_t count) {
  std::string out(sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(out.data(), out.size(), bytes, count, sodium_base64_VARIANT_ORIGINAL);
  out.pop_back();
  return out;
}

std::string mosquitto_text(const std::string& password, const std::vector<std::uint8_t>& salt) {
  const Hash hash = pbkdf2(password, salt, rounds);
  return "$7$" + std::to_string(rounds) + "$" + base64(salt.data(), salt.size()) + "$" +
         base64(hash.data(), hash.size());
}

}  // namespace

std::string random_secret(std::size_t chars) {
  start_library();
  std::string out(chars, ' ');
  for (char& c : out) c = alphabet[randombytes_uniform(32)];
  return out;
}

std::string hash_password(const std::string& password) {
  start_library();
  std::string out(crypto_pwhash_STRBYTES, '\0');
  // Fails only without memory.
  protocol::require(crypto_pwhash_str_alg(out.data(), password.data(), password.size(),
                                          crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                          crypto_pwhash_MEMLIMIT_INTERACTIVE,
                                          crypto_pwhash_ALG_ARGON2ID13) == 0);
  out.resize(out.find('\0'));
  return out;
}

bool is_password(const std::string& hash, const std::string& password) {
  static const std::string nobodys = hash_password("nobody has this password");
  const bool is_it = crypto_pwhash_str_verify((hash.empty() ? nobodys : hash).c_str(),
                                              password.data(), password.size()) == 0;
  return is_it && !hash.empty();
}

std::string hash_token(std::string_view token) {
  const auto digits = protocol::hex(protocol::sha256({bytes_of(token), token.size()}));
  return {digits.data(), digits.size()};
}

bool is_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string mosquitto_hash(const std::string& password) {
  start_library();
  std::vector<std::uint8_t> salt(salt_bytes);
  randombytes_buf(salt.data(), salt.size());
  return mosquitto_text(password, salt);
}

bool is_mosquitto_password(const std::string& hash, const std::string& password) {
  const std::string start = "$7$" + std::to_string(rounds) + "$";
  const std::size_t end = hash.find('$', start.size());
  if (!hash.starts_with(start) || end == std::string::npos) return false;
  std::vector<std::uint8_t> salt(salt_bytes);
  std::size_t count = 0;
  if (sodium_base642bin(salt.data(), salt.size(), hash.data() + start.size(), end - start.size(),
                        nullptr, &count, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return false;
  salt.resize(count);
  return is_equal(mosquitto_text(password, salt), hash);
}

}  // namespace meterlens::door
