#include "boards/esp32cam/portable/dns.h"

#include <algorithm>
#include <optional>

#include "protocol/require.h"

namespace meterlens::esp32cam {
namespace {

constexpr std::size_t head_bytes = 12;
constexpr std::size_t answer_bytes = 16;
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t label_bytes_max = 63;
constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_any = 255;
constexpr std::uint16_t class_internet = 1;

std::uint16_t read_u16(protocol::Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Where the name at `head_bytes` ends. A query has no name before it to point to: labels only.
std::optional<std::size_t> end_of_name(protocol::Bytes query) {
  std::size_t at = head_bytes;
  while (at < query.size()) {
    const std::size_t label_bytes = query[at];
    if (label_bytes == 0) return at + 1;
    if (label_bytes > label_bytes_max) return std::nullopt;
    at += 1 + label_bytes;
    if (at - head_bytes >= name_bytes_max) return std::nullopt;
  }
  return std::nullopt;
}

bool is_plain_query(protocol::Bytes query) {
  constexpr unsigned response_and_opcode = 0xF8;
  return query.size() >= head_bytes && (query[2] & response_and_opcode) == 0 &&
         read_u16(query, 4) == 1 && read_u16(query, 6) == 0 && read_u16(query, 8) == 0;
}

}  // namespace

std::size_t answer_dns(protocol::Bytes query, const Ipv4& address, std::span<std::uint8_t> out) {
  protocol::require(out.size() >= dns_bytes_max);
  if (query.size() > dns_bytes_max || !is_plain_query(query)) return 0;
  const auto name_end = end_of_name(query);
  if (!name_end || query.size() - *name_end < 4) return 0;
  const std::uint16_t type = read_u16(query, *name_end);
  const std::size_t question_end = *name_end + 4;
  const bool wants_address =
      (type == type_a || type == type_any) && read_u16(query, *name_end + 2) == class_internet;

  std::ranges::copy(query.first(question_end), out.begin());
  out[2] = static_cast<std::uint8_t>(0x84 | (query[2] & 1));  // an authoritative response
  out[3] = 0;
  out[7] = wants_address ? 1 : 0;
  std::fill_n(out.begin() + 8, 4, std::uint8_t{0});
  if (!wants_address) return question_end;
  // A pointer to the question's name, type, class, 10 s to live, the address.
  const std::array<std::uint8_t, answer_bytes> answer = {
      0xC0, head_bytes, 0, type_a, 0,          class_internet, 0,          0,
      0,    10,         0, 4,      address[0], address[1],     address[2], address[3]};
  std::ranges::copy(answer, out.begin() + static_cast<std::ptrdiff_t>(question_end));
  return question_end + answer_bytes;
}

}  // namespace meterlens::esp32cam
