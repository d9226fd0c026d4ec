// Writes short ASCII texts piece by piece into a span. No heap, no locale; a promise that the text
// fits is the caller's.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/require.h"

namespace meterlens::device {

class TextWriter {
 public:
  explicit TextWriter(std::span<char> out) : out_(out) {}

  TextWriter& put(std::string_view text) {
    protocol::require(text.size() <= out_.size() - count_);
    std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(count_));
    count_ += text.size();
    return *this;
  }
  TextWriter& put_number(std::uint64_t value) {
    const auto [end, error] = std::to_chars(out_.data() + count_, out_.data() + out_.size(), value);
    protocol::require(error == std::errc());
    count_ = static_cast<std::size_t>(end - out_.data());
    return *this;
  }
  // Eight lower-case digits.
  TextWriter& put_hex(std::uint32_t value) {
    for (int shift = 28; shift >= 0; shift -= 4) {
      const std::uint32_t digit = value >> shift & 15U;
      const char letter = "0123456789abcdef"[digit];
      put({&letter, 1});
    }
    return *this;
  }
  // Where the next characters go, for a writer of its own; tell how many with `skip`.
  std::span<char> room() const { return out_.subspan(count_); }
  void skip(std::size_t written) {
    protocol::require(written <= out_.size() - count_);
    count_ += written;
  }
  std::size_t count() const { return count_; }
  std::string_view text() const { return {out_.data(), count_}; }

 private:
  std::span<char> out_;
  std::size_t count_ = 0;
};

}  // namespace meterlens::device
