#include "device/camera/text_transfer.h"

#include <algorithm>
#include <limits>

#include "device/text.h"
#include "protocol/base64.h"
#include "protocol/require.h"

namespace meterlens::camera {
namespace {

using device::TextWriter;

// The photo's own number and the beginning of its hash: 16 hex digits, never the same twice.
void put_file(TextWriter& out, const Photo& photo) {
  std::uint32_t hash = 0;
  for (std::size_t i = 0; i < 4; ++i) hash = hash << 8 | photo.sha256[i];
  out.put(R"({"image":{"image_file":"capture_)").put_hex(photo.id).put_hex(hash).put(".jpg\"");
}

void put_field(TextWriter& out, std::string_view name, std::uint64_t value) {
  out.put(",\"").put(name).put("\":").put_number(value);
}

}  // namespace

TextTransfer::TextTransfer(PhotoRing& ring, const TextSettings& settings)
    : ring_(ring), settings_(settings) {
  protocol::require(settings.piece_bytes > 0 && settings.piece_bytes <= data_.size());
}

bool TextTransfer::begin_next() {
  const auto photo = ring_.oldest();
  if (!photo) return false;
  photo_ = *photo;
  const bool many = photo_.bytes > settings_.piece_bytes * protocol::packet_count_max;
  piece_bytes_ = many ? protocol::packet_bytes_max : settings_.piece_bytes;
  count_ = (photo_.bytes + piece_bytes_ - 1) / piece_bytes_;
  index_ = 0;
  active_ = true;
  ended_ = false;
  return true;
}

std::size_t TextTransfer::next_text(std::span<char> out, std::uint64_t now_ms) {
  if (now_ms < due_ms_) return 0;
  if (active_ && !ring_.find(photo_.id)) active_ = false;
  if (!active_ && !begin_next()) return 0;
  return index_ < count_ ? make_piece(out) : make_end(out);
}

std::size_t TextTransfer::make_piece(std::span<char> out) {
  const std::uint32_t offset = index_ * piece_bytes_;
  const auto data = std::span(data_).first(std::min(piece_bytes_, photo_.bytes - offset));
  if (!ring_.read(photo_.id, offset, data)) {
    ring_.forget(photo_.id, true);
    active_ = false;
    return 0;
  }
  TextWriter text(out);
  put_file(text, photo_);
  put_field(text, "index", index_);
  put_field(text, "count", count_);
  put_field(text, "bytes", photo_.bytes);
  put_field(text, "crc32", protocol::crc32(data));
  text.put(R"(,"image_binary":")");
  text.skip(protocol::base64_encode(data, text.room()));
  text.put(R"(\n"}})");
  ++index_;
  return text.count();
}

std::size_t TextTransfer::make_end(std::span<char> out) {
  TextWriter text(out);
  put_file(text, photo_);
  put_field(text, "count", count_);
  put_field(text, "bytes", photo_.bytes);
  const auto digest = protocol::hex(photo_.sha256);
  text.put(R"(,"sha256":")").put({digest.data(), digest.size()}).put(R"(","image_end":true}})");
  ended_ = true;
  return text.count();
}

void TextTransfer::text_left(std::uint64_t now_ms) {
  due_ms_ = now_ms + settings_.pause_ms;
  if (!active_ || !ended_) return;
  ring_.forget(photo_.id, false);
  active_ = false;
}

void TextTransfer::reset() { active_ = false; }

std::uint64_t TextTransfer::due_ms() const {
  return active_ || ring_.oldest() ? due_ms_ : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace meterlens::camera
