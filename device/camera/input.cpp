#include "device/camera/input.h"

namespace meterlens::camera {

Input::Kind Input::put(std::uint8_t byte, std::uint64_t now_ms) {
  const bool paused = now_ms - last_byte_ms_ >= text_pause_ms;
  last_byte_ms_ = now_ms;
  // White space may stand before a text.
  const bool may_begin = between_ || paused || reader_.at_boundary();
  between_ = may_begin && (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t');
  if (put_text(byte, may_begin)) {
    reader_.reset();
    return Kind::text;
  }
  const auto unit = reader_.put(byte);
  if (!unit) return Kind::none;
  unit_ = *unit;
  return Kind::unit;
}

void Input::reset() {
  reader_.reset();
  in_text_ = false;
  between_ = true;
}

bool Input::put_text(std::uint8_t byte, bool may_begin) {
  if (byte == '{' && may_begin) {
    in_text_ = true;
    text_count_ = 0;
    scanner_ = {};
  }
  if (!in_text_) return false;
  const bool printable = (byte >= 32 && byte < 127) || byte == '\n' || byte == '\r' || byte == '\t';
  if (!printable || text_count_ == text_.size()) {
    in_text_ = false;
    return false;
  }
  text_[text_count_++] = static_cast<char>(byte);
  const auto state = scanner_.put(static_cast<char>(byte));
  if (state != protocol::JsonScanner::State::open) in_text_ = false;
  return state == protocol::JsonScanner::State::done;
}

}  // namespace meterlens::camera
