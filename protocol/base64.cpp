#include "protocol/base64.h"

#include <array>

#include "protocol/require.h"

namespace meterlens::protocol {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return values;
}

constexpr std::array<std::int8_t, 256> values = make_values();

}  // namespace

std::size_t base64_encode(Bytes bytes, std::span<char> out) {
  require(out.size() >= base64_chars(bytes.size()));
  std::size_t written = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8) | (j < count ? std::uint32_t{bytes[i + j]} : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out[written++] = j <= count ? alphabet[(group >> (18 - 6 * j)) & 63] : '=';
  }
  return written;
}

std::optional<std::size_t> base64_decode(std::string_view text, std::span<std::uint8_t> out) {
  std::uint32_t group = 0;
  std::size_t letters = 0;
  std::size_t written = 0;
  bool padded = false;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const std::int8_t value = values[static_cast<std::uint8_t>(c)];
    if (value < 0 || padded) return std::nullopt;
    group = (group << 6) | static_cast<std::uint32_t>(value);
    if (++letters % 4 == 1) continue;
    if (written == out.size()) return std::nullopt;
    out[written++] = static_cast<std::uint8_t>(group >> (6 - 2 * ((letters - 1) % 4)));
  }
  if (letters % 4 == 1) return std::nullopt;
  return written;
}

}  // namespace meterlens::protocol
