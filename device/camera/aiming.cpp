#include "device/camera/aiming.h"

#include <algorithm>
#include <limits>

namespace meterlens::camera {

void Aiming::hear(const protocol::Aim& aim, std::uint64_t now_ms) {
  if (aim.seconds == 0) {
    pause();
    period_ms_ = 0;
    return;
  }
  if (!active()) next_ms_ = now_ms;
  period_ms_ = aim.period_ms;
  end_ms_ = now_ms + std::uint64_t{1000} * aim.seconds;
  next_ms_ = std::min(next_ms_, now_ms + period_ms_);
}

bool Aiming::wants_sensor(std::uint64_t now_ms) const {
  const bool is_free = state_ == State::idle ||
                       (state_ == State::sending && now_ms >= started_ms_ + view_patience_ms);
  return active() && is_free && now_ms >= next_ms_;
}

void Aiming::take(std::uint64_t now_ms) {
  pause();
  next_ms_ = now_ms + period_ms_;
  if (!sensor_.start(sensor_.context)) return;
  started_ms_ = now_ms;
  state_ = State::exposing;
}

void Aiming::pause() {
  if (state_ != State::idle) sensor_.release(sensor_.context);
  state_ = State::idle;
}

void Aiming::step(std::uint64_t now_ms) {
  if (!active()) return;
  if (now_ms >= end_ms_) return hear({.seconds = 0}, now_ms);
  if (state_ != State::exposing) return;
  const std::uint8_t* jpeg = nullptr;
  std::uint32_t bytes = 0;
  const int result = sensor_.poll(sensor_.context, &jpeg, &bytes);
  if (result == 0 && now_ms - started_ms_ < shot_timeout_ms) return;
  constexpr std::size_t view_bytes_max =
      protocol::view_packet_count_max * protocol::packet_bytes_max;
  if (result <= 0 || bytes == 0 || bytes > view_bytes_max) return pause();
  frame_ = Bytes(jpeg, bytes);
  index_ = 0;
  if (++number_ == 0) number_ = 1;
  state_ = State::sending;
}

std::size_t Aiming::next_frame(std::span<std::uint8_t> out) {
  const std::size_t count = protocol::packet_count(frame_.size());
  const std::size_t bytes = protocol::packet_bytes(frame_.size(), index_);
  const protocol::View view{number_, index_, static_cast<std::uint8_t>(count),
                            frame_.subspan(index_ * protocol::packet_bytes_max, bytes)};
  const std::size_t written = protocol::encode_message(view, out);
  if (++index_ == count) pause();
  return written;
}

std::uint64_t Aiming::due_ms(std::uint64_t now_ms) const {
  if (!active()) return std::numeric_limits<std::uint64_t>::max();
  if (state_ == State::exposing) return now_ms + shot_poll_ms;
  const std::uint64_t free_ms =
      state_ == State::sending ? started_ms_ + view_patience_ms : next_ms_;
  return std::min(std::max(next_ms_, free_ms), end_ms_);
}

}  // namespace meterlens::camera
