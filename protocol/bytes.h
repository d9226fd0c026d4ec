// Little-endian fields read from and written to a span of bytes. No heap, no exceptions.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/checksum.h"
#include "protocol/require.h"

namespace meterlens::protocol {

// Reads fields in order. Past the end it gives zeros and `ok()` turns false for good, so a decoder
// reads all fields first and asks once.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : left_(bytes) {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  Bytes take(std::size_t count) {
    if (count > left_.size()) {
      ok_ = false;
      count = left_.size();
    }
    const Bytes taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  Bytes rest() { return take(left_.size()); }
  bool ok() const { return ok_; }
  // Every field was there and nothing is left over.
  bool at_end() const { return ok_ && left_.empty(); }

 private:
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const std::uint8_t byte : take(count)) {
      value |= std::uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }

  Bytes left_;
  bool ok_ = true;
};

// Writes fields in order; the caller provides room for all of them.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::uint8_t> out) : out_(out) {}
  void u8(std::uint8_t value) { number(value, 1); }
  void u16(std::uint16_t value) { number(value, 2); }
  void u32(std::uint32_t value) { number(value, 4); }
  void u64(std::uint64_t value) { number(value, 8); }
  void put(Bytes bytes) {
    require(bytes.size() <= out_.size() - count_);
    std::copy(bytes.begin(), bytes.end(), out_.begin() + static_cast<std::ptrdiff_t>(count_));
    count_ += bytes.size();
  }
  std::size_t count() const { return count_; }

 private:
  void number(std::uint64_t value, std::size_t count) {
    require(count <= out_.size() - count_);
    for (std::size_t i = 0; i < count; ++i)
      out_[count_++] = static_cast<std::uint8_t>(value >> (8 * i));
  }

  std::span<std::uint8_t> out_;
  std::size_t count_ = 0;
};

}  // namespace meterlens::protocol
