// Base64 (RFC 4648, standard alphabet, padded) as the SmartDTU photo pieces use it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/checksum.h"

namespace meterlens::protocol {

// Characters that `base64_encode` writes for so many bytes.
constexpr std::size_t base64_chars(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

// Returns the number of characters written. Requires out.size() >= base64_chars(bytes.size()).
std::size_t base64_encode(Bytes bytes, std::span<char> out);

// Decodes one text. Line ends are passed over; padding may be missing, but must be last when there.
// Returns the number of bytes written, or nothing for a foreign character, a dangling sixth of a
// byte or too small an `out` (text.size() / 4 * 3 + 3 bytes always do).
std::optional<std::size_t> base64_decode(std::string_view text, std::span<std::uint8_t> out);

}  // namespace meterlens::protocol
