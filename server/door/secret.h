// Random secrets, and the hashes that are kept of them. Thread-safe. libsodium stays in the .cpp
// file.
#pragma once

#include <string>
#include <string_view>

namespace meterlens::door {

inline constexpr std::size_t password_chars_min = 10, password_chars_max = 256;

// Letters and digits that nobody confuses, with 5 bits of chance each.
std::string random_secret(std::size_t chars);

// Argon2id, about 0.1 s and 64 MiB: for what people choose. Not for several threads at once.
std::string hash_password(const std::string& password);
// The same effort with an empty hash, so that time does not tell who exists.
bool is_password(const std::string& hash, const std::string& password);

// SHA-256 in hexadecimal digits: for random secrets of 128 bits and more, which need no slow hash.
std::string hash_token(std::string_view token);
bool is_equal(std::string_view a, std::string_view b);  // in constant time

// "$7$101$salt$hash", PBKDF2 with HMAC-SHA-512, as a line of mosquitto's password file has it after
// "NAME:".
std::string mosquitto_hash(const std::string& password);
bool is_mosquitto_password(const std::string& hash, const std::string& password);

}  // namespace meterlens::door
