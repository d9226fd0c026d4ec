#include "server/photo/jpeg_shape.h"

#include <algorithm>
#include <cstring>

namespace meterlens::photo {
namespace {

constexpr std::uint8_t soi = 0xd8, eoi = 0xd9, sos = 0xda, tem = 0x01;

bool is_restart(std::uint8_t marker) { return marker >= 0xd0 && marker <= 0xd7; }
// Start of frame of any coding; C4, C8 and CC are other things.
bool is_frame(std::uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}
// What may follow the picture data of one scan.
bool may_follow_scan(std::uint8_t marker) {
  return marker == eoi || marker == sos || marker == 0xc4 || marker == 0xdb || marker == 0xdc ||
         marker == 0xdd || marker == 0xfe;
}

class Walk {
 public:
  Walk(protocol::Bytes bytes, const Tolerance& tolerance)
      : bytes_(bytes), tolerance_(tolerance) {}

  std::expected<Shape, ShapeError> run() {
    if (bytes_.size() < 4 || bytes_[0] != 0xff || bytes_[1] != soi)
      return std::unexpected(ShapeError::not_jpeg);
    at_ = 2;
    bool scanned = false;
    for (;;) {
      const int marker = next_marker(scanned);
      if (marker < 0) return std::unexpected(ShapeError::truncated);
      const auto code = static_cast<std::uint8_t>(marker);
      if (code == eoi) return ended(scanned);
      if (code == soi || code == 0 || (scanned && !may_follow_scan(code)))
        return std::unexpected(ShapeError::damaged);
      if (code == tem || is_restart(code)) return std::unexpected(ShapeError::damaged);
      if (!segment(code)) return std::unexpected(error_);
      if (code == sos) scanned = true;
    }
  }

 private:
  // In picture data: passes over stuffed zeros and restarts. -1 at the end.
  int next_marker(bool in_scan) {
    if (!in_scan) {
      if (at_ + 1 >= bytes_.size()) return -1;
      if (bytes_[at_] != 0xff) return 0;
    }
    for (;;) {
      const void* found = std::memchr(bytes_.data() + at_, 0xff, bytes_.size() - at_);
      if (found == nullptr) return -1;
      at_ = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes_.data());
      while (at_ < bytes_.size() && bytes_[at_] == 0xff) ++at_;
      if (at_ >= bytes_.size()) return -1;
      const std::uint8_t code = bytes_[at_++];
      if (!in_scan || (code != 0 && !is_restart(code))) return code;
    }
  }

  bool segment(std::uint8_t code) {
    if (at_ + 2 > bytes_.size()) return fail(ShapeError::truncated);
    const std::size_t length = static_cast<std::size_t>(bytes_[at_] << 8 | bytes_[at_ + 1]);
    if (length < 2) return fail(ShapeError::damaged);
    if (length > bytes_.size() - at_) return fail(ShapeError::truncated);
    if (is_frame(code) && !frame(bytes_.subspan(at_, length))) return false;
    at_ += length;
    return true;
  }

  // Length, precision, height, width, then three bytes a component: id, sampling, table.
  bool frame(protocol::Bytes head) {
    if (head.size() < 8) return fail(ShapeError::damaged);
    shape_.height = static_cast<std::uint32_t>(head[3] << 8 | head[4]);
    shape_.width = static_cast<std::uint32_t>(head[5] << 8 | head[6]);
    for (std::size_t i = 9; i < head.size(); i += 3)
      shape_.unit_height = std::max(shape_.unit_height, std::min(head[i] & 0xfu, 4u) * 8);
    if (std::uint64_t{shape_.width} * shape_.height > tolerance_.pixels)
      return fail(ShapeError::too_large);
    return true;
  }

  std::expected<Shape, ShapeError> ended(bool scanned) const {
    if (!scanned || shape_.width == 0 || shape_.height == 0)
      return std::unexpected(ShapeError::damaged);
    if (tolerance_.any_tail) return shape_;
    constexpr std::size_t tail_bytes_max = 16;
    if (bytes_.size() - at_ > tail_bytes_max) return std::unexpected(ShapeError::damaged);
    for (std::size_t i = at_; i < bytes_.size(); ++i) {
      if (bytes_[i] != 0) return std::unexpected(ShapeError::damaged);
    }
    return shape_;
  }

  bool fail(ShapeError error) {
    error_ = error;
    return false;
  }

  protocol::Bytes bytes_;
  Tolerance tolerance_;
  std::size_t at_ = 0;
  Shape shape_;
  ShapeError error_ = ShapeError::damaged;
};

}  // namespace

const char* name(ShapeError error) {
  switch (error) {
    case ShapeError::not_jpeg:
      return "not a JPEG";
    case ShapeError::damaged:
      return "damaged JPEG";
    case ShapeError::truncated:
      return "truncated JPEG";
    case ShapeError::too_large:
      return "JPEG of too many pixels";
  }
  return "";
}

std::expected<Shape, ShapeError> look(protocol::Bytes bytes, const Tolerance& tolerance) {
  return Walk(bytes, tolerance).run();
}

}  // namespace meterlens::photo
