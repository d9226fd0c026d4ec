// The name server of the set-up network: whatever name is asked for, the answer is the device
// itself, so that a phone opens the page by itself. No heap, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/checksum.h"

namespace meterlens::esp32cam {

inline constexpr std::size_t dns_bytes_max = 512;
using Ipv4 = std::array<std::uint8_t, 4>;

// Writes the answer to one query (RFC 1035) and returns its bytes; 0: no answer, because it is no
// query, has not exactly one question, or is malformed. A question for anything but an IPv4 address
// is answered with no record. Requires room for dns_bytes_max.
std::size_t answer_dns(protocol::Bytes query, const Ipv4& address, std::span<std::uint8_t> out);

}  // namespace meterlens::esp32cam
