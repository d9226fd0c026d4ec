// Ed25519 signatures (RFC 8032): verification alone, for images that come over the wire. Everything
// it works on is public, so it takes no care to hide its timing; it must never be given a secret.
// Stricter than the RFC where that leaves a choice: S must be below the group's order, the key and
// the signature's point must be written canonically and must not be of small order. No heap, any
// thread; about 1.1 KB of stack on ARM, some 4,000 multiplications of 256 bits.
#pragma once

#include <array>
#include <cstdint>

#include <optional>
#include <string_view>

#include "protocol/checksum.h"

namespace meterlens::protocol {

using PublicKey = std::array<std::uint8_t, 32>;
inline constexpr std::size_t signature_bytes = 64;

// 64 hexadecimal digits and nothing else.
std::optional<PublicKey> parse_public_key(std::string_view text);

// false also for a signature of another length.
bool is_signed(Bytes message, Bytes signature, const PublicKey& key);

}  // namespace meterlens::protocol
