// The picture that is sent to a second reader: the straightened window of the register with some of
// what is round it, or the whole upright photo, within the provider's limits. Pure; any thread.
// Memory: as reader::decode of the whole photo.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reader/reader.h"
#include "server/second/answer.h"

namespace meterlens::second {

inline constexpr std::size_t field_bytes_max = std::size_t{4} << 20;  // Base64, URL-encoded
inline constexpr int side_px_min = 15;
inline constexpr int side_px_max = 4096;

struct Prepared {
  std::string field;           // Base64, URL-encoded
  std::optional<Box> window;   // where the register is in it
};

using Window = std::array<reader::Point, 4>;
// `window` in pixels of the upright photo; nothing, or one without an area: the whole photo.
std::expected<Prepared, std::string> prepare(std::span<const std::byte> jpeg,
                                             const std::optional<Window>& window);

}  // namespace meterlens::second
