// Inside store/: values that the tables keep as text, and back. Pure functions; text that no
// program of ours has written gives zeros or nothing, never a crash.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/checksum.h"
#include "server/photo/photo.h"
#include "server/validate/reading.h"

namespace meterlens::store {

// 64 hexadecimal digits.
std::string hex_text(const protocol::Digest& digest);
protocol::Digest digest_of(const std::string& hex);

const char* photo_state_name(photo::PhotoState state);
photo::PhotoState photo_state_named(const std::string& name);
// Nothing for an empty name: nobody has looked yet.
std::optional<photo::Brightness> brightness_named(const std::string& light,
                                                  const photo::Brightness& numbers);
validate::Verdict verdict_named(const std::string& name);

// Eight numbers: x y x y x y x y.
using Window = std::array<std::array<double, 2>, 4>;
std::string window_text(const Window& window);
Window window_of(const std::string& text);
// Shares of 0 to 1 in thousandths: "998 1000 412".
std::string shares_text(const std::vector<double>& shares);
std::vector<double> shares_of(const std::string& text);

// Two hexadecimal digits a byte.
std::string bytes_text(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> bytes_of(const std::string& text);

// One reason a line.
std::string lines_text(const std::vector<std::string>& lines);
std::vector<std::string> lines_of(const std::string& text);

}  // namespace meterlens::store
