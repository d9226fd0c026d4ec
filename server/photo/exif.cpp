#include "server/photo/exif.h"

#include <charconv>
#include <cstring>
#include <ctime>
#include <string_view>

namespace meterlens::photo {
namespace {

using protocol::Bytes;

constexpr std::uint16_t tag_date_time = 0x0132, tag_exif = 0x8769, tag_original = 0x9003;
constexpr std::uint16_t tag_offset_original = 0x9011, tag_offset = 0x9010;
constexpr std::size_t entries_max = 512;  // of one directory; more is no EXIF data

// The TIFF part of the APP1 segment that begins with "Exif"; empty: there is none.
Bytes tiff_of(Bytes jpeg) {
  std::size_t at = 2;
  while (at + 4 <= jpeg.size() && jpeg[at] == 0xff) {
    const std::uint8_t marker = jpeg[at + 1];
    const std::size_t length = static_cast<std::size_t>(jpeg[at + 2] << 8 | jpeg[at + 3]);
    if (marker == 0xda || length < 2 || length > jpeg.size() - at - 2) return {};
    const Bytes body = jpeg.subspan(at + 4, length - 2);
    constexpr std::string_view head("Exif\0\0", 6);
    if (marker == 0xe1 && body.size() > head.size() &&
        std::memcmp(body.data(), head.data(), head.size()) == 0)
      return body.subspan(head.size());
    at += 2 + length;
  }
  return {};
}

// Offsets count from the beginning of the TIFF part.
class Tiff {
 public:
  explicit Tiff(Bytes bytes) : bytes_(bytes) {
    ok_ = bytes.size() >= 8 && (bytes[0] == 'I' || bytes[0] == 'M') && bytes[0] == bytes[1];
    little_ = ok_ && bytes[0] == 'I';
    ok_ = ok_ && number(2, 2) == 42;
  }
  bool ok() const { return ok_; }
  std::uint32_t first() const { return number(4, 4); }

  // Of the entry with this tag: where its four bytes of value lie; nothing: it has none.
  std::optional<std::size_t> find(std::uint32_t directory, std::uint16_t tag) const {
    const std::size_t count = number(directory, 2);
    if (count > entries_max) return std::nullopt;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t entry = std::size_t{directory} + 2 + 12 * i;
      if (number(entry, 2) == tag) return entry + 8;
    }
    return std::nullopt;
  }
  std::string_view text(std::uint32_t directory, std::uint16_t tag) const {
    const auto value = find(directory, tag);
    if (!value) return {};
    const std::size_t count = number(*value - 4, 4);
    const std::size_t at = count > 4 ? number(*value, 4) : *value;
    if (count > 64 || at > bytes_.size() || count > bytes_.size() - at) return {};
    std::string_view out(reinterpret_cast<const char*>(bytes_.data()) + at, count);
    return out.substr(0, out.find('\0'));
  }
  // 0 beyond the end.
  std::uint32_t number(std::size_t at, std::size_t count) const {
    if (at > bytes_.size() || count > bytes_.size() - at) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t place = little_ ? at + count - 1 - i : at + i;
      value = value << 8 | bytes_[place];
    }
    return value;
  }

 private:
  Bytes bytes_;
  bool ok_ = false;
  bool little_ = false;
};

std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + count, value);
  if (error != std::errc{} || end != text.data() + at + count || value < 0) return std::nullopt;
  return value;
}

// "2026:05:01 07:08:09".
std::optional<std::tm> moment_of(std::string_view text) {
  constexpr std::size_t places[] = {0, 5, 8, 11, 14, 17};
  int parts[6] = {};
  for (std::size_t i = 0; i < 6; ++i) {
    const auto part = digits_at(text, places[i], i == 0 ? 4 : 2);
    if (!part) return std::nullopt;
    parts[i] = *part;
  }
  const bool is_date = parts[0] >= 1970 && parts[1] >= 1 && parts[1] <= 12 && parts[2] >= 1 &&
                       parts[2] <= 31 && parts[3] <= 23 && parts[4] <= 59 && parts[5] <= 60;
  if (!is_date) return std::nullopt;
  std::tm out{};
  out.tm_year = parts[0] - 1900;
  out.tm_mon = parts[1] - 1;
  out.tm_mday = parts[2];
  out.tm_hour = parts[3];
  out.tm_min = parts[4];
  out.tm_sec = parts[5];
  out.tm_isdst = -1;
  return out;
}

// "+02:00": seconds before UTC's.
std::optional<std::int64_t> offset_s_of(std::string_view text) {
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return {};
  const auto hours = digits_at(text, 1, 2), minutes = digits_at(text, 4, 2);
  if (!hours || !minutes || *hours > 14 || *minutes > 59) return {};
  const std::int64_t seconds = *hours * 3600 + *minutes * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace

std::optional<std::int64_t> exif_time_ms(Bytes jpeg) {
  const Tiff tiff(tiff_of(jpeg));
  if (!tiff.ok()) return std::nullopt;
  const auto link = tiff.find(tiff.first(), tag_exif);
  const std::uint32_t details = link ? tiff.number(*link, 4) : 0;
  auto moment = moment_of(tiff.text(details, tag_original));
  auto offset_s = offset_s_of(tiff.text(details, tag_offset_original));
  if (!moment) {
    moment = moment_of(tiff.text(tiff.first(), tag_date_time));
    offset_s = offset_s_of(tiff.text(details, tag_offset));
  }
  if (!moment) return std::nullopt;
  const std::time_t seconds = offset_s ? timegm(&*moment) - *offset_s : std::mktime(&*moment);
  if (seconds < 0) return std::nullopt;
  return static_cast<std::int64_t>(seconds) * 1000;
}

}  // namespace meterlens::photo
