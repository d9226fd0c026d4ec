#include "server/store/text_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace meterlens::store {

std::string hex_text(const protocol::Digest& digest) {
  const auto digits = protocol::hex(digest);
  return {digits.data(), digits.size()};
}

protocol::Digest digest_of(const std::string& hex) {
  protocol::Digest digest{};
  for (std::size_t i = 0; i < digest.size() && 2 * i + 2 <= hex.size(); ++i) {
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, digest[i], 16);
  }
  return digest;
}

std::string bytes_text(const std::vector<std::uint8_t>& bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i + 2 <= text.size(); i += 2) {
    std::uint8_t byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    out.push_back(byte);
  }
  return out;
}

const char* photo_state_name(photo::PhotoState state) {
  return state == photo::PhotoState::stored ? "stored" : "quarantined";
}

photo::PhotoState photo_state_named(const std::string& name) {
  return name == "stored" ? photo::PhotoState::stored : photo::PhotoState::quarantined;
}

std::optional<photo::Brightness> brightness_named(const std::string& light_name,
                                                  const photo::Brightness& numbers) {
  using protocol::Light;
  if (light_name.empty()) return std::nullopt;
  photo::Brightness out = numbers;
  for (const Light known : {Light::unknown, Light::good, Light::dark, Light::bright})
    if (light_name == protocol::name(known)) out.light = known;
  return out;
}

validate::Verdict verdict_named(const std::string& name) {
  using validate::Verdict;
  constexpr std::array all{Verdict::accepted, Verdict::doubtful, Verdict::rejected,
                           Verdict::estimated, Verdict::manual};
  for (const auto verdict : all) {
    if (name == validate::name(verdict)) return verdict;
  }
  return Verdict::rejected;
}

std::string window_text(const Window& window) {
  std::string out;
  for (const auto& [x, y] : window) out += fmt::format("{}{} {}", out.empty() ? "" : " ", x, y);
  return out;
}

Window window_of(const std::string& text) {
  Window window{};
  const char* at = text.data();
  const char* end = at + text.size();
  for (auto& point : window) {
    for (double& value : point) {
      const auto [next, error] = std::from_chars(at, end, value);
      if (error != std::errc{}) return Window{};
      at = std::find_if(next, end, [](char c) { return c != ' '; });
    }
  }
  return window;
}

std::string shares_text(const std::vector<double>& shares) {
  std::string out;
  for (const double share : shares)
    out += fmt::format("{}{}", out.empty() ? "" : " ", std::lround(1000 * share));
  return out;
}

std::vector<double> shares_of(const std::string& text) {
  std::vector<double> shares;
  std::istringstream words(text);
  for (int thousandths = 0; words >> thousandths;) shares.push_back(thousandths / 1000.0);
  return shares;
}

std::string lines_text(const std::vector<std::string>& lines) {
  std::string out;
  for (auto line : lines) {
    std::ranges::replace(line, '\n', ' ');
    if (!out.empty()) out += '\n';
    out += line;
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace meterlens::store
