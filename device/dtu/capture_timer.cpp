#include "device/dtu/capture_timer.h"

#include <algorithm>
#include <limits>

namespace meterlens::dtu {

using protocol::CaptureFailure;
using protocol::CaptureState;

CaptureTimer::CaptureTimer(std::string_view device, std::uint32_t seed)
    : name_hash_(protocol::crc32({reinterpret_cast<const std::uint8_t*>(device.data()),
                                  device.size()})),
      seed_(seed) {}

void CaptureTimer::set(const protocol::SettingValues& values) {
  const auto number = [&](std::string_view name) {
    return static_cast<std::uint32_t>(values.get(name));
  };
  const std::uint32_t period_s = number("capture_period_s");
  const std::uint32_t delay_s = name_hash_ % (number("capture_spread_s") + 1);
  const std::uint32_t offset_s =
      period_s == 0 ? 0 : (number("capture_offset_s") + delay_s) % period_s;
  if (period_s == period_s_ && offset_s == offset_s_) return;
  period_s_ = period_s;
  offset_s_ = offset_s;
  begun_ = waits_ = false;
}

CaptureTimer::Moment CaptureTimer::moment_at(std::uint64_t unix_ms, std::uint64_t now_ms) const {
  const std::uint64_t period_ms = std::uint64_t{1000} * period_s_;
  // Uptime is counted from one period on, so that there is a moment before the first.
  const std::uint64_t clock_ms = unix_ms != 0 ? unix_ms : now_ms + period_ms;
  const std::uint64_t offset_ms = unix_ms != 0 ? std::uint64_t{1000} * offset_s_ : 0;
  const std::uint64_t since_ms = (clock_ms - std::min(clock_ms, offset_ms)) % period_ms;
  return {(clock_ms - std::min(clock_ms, since_ms)) / 1000, since_ms, period_ms - since_ms};
}

std::optional<std::uint32_t> CaptureTimer::step(std::uint64_t unix_ms, std::uint64_t now_ms) {
  if (period_s_ == 0) return std::nullopt;
  const Moment moment = moment_at(unix_ms, now_ms);
  const bool first = !begun_ || by_unix_ != (unix_ms != 0);
  if (first || moment.second != second_) {
    // Back in time: that moment has been. At first only a fresh one is not.
    const bool is_due =
        first ? unix_ms != 0 && moment.since_ms < 1000 * after_reset_s : moment.second > second_;
    if (waits_) give_up();
    begun_ = true;
    by_unix_ = unix_ms != 0;
    second_ = moment.second;
    attempt_ = 0;
    retry_ms_ = order_retry_first_ms;
    if (!is_due) return std::nullopt;
    ++counters_.ordered;
    waits_ = true;
    return order(now_ms);
  }
  if (!waits_ || now_ms < retry_due_ms_) return std::nullopt;
  return order(now_ms);
}

std::uint32_t CaptureTimer::order(std::uint64_t now_ms) {
  retry_due_ms_ = now_ms + retry_ms_;
  retry_ms_ = std::min(2 * retry_ms_, order_retry_last_ms);
  return command_id();
}

std::uint32_t CaptureTimer::first_id() const {
  const std::uint64_t number = by_unix_ ? second_ : seed_ * 2'654'435'761U + second_;
  return static_cast<std::uint32_t>(number & (timer_command - 1));
}

std::uint32_t CaptureTimer::command_id() const {
  return timer_command | ((first_id() + attempt_) & (timer_command - 1));
}

void CaptureTimer::give_up() {
  waits_ = false;
  ++counters_.missed;
}

void CaptureTimer::hear(const protocol::Report& report, std::uint64_t now_ms) {
  if (!waits_ || report.command_id != command_id()) return;
  if (report.state != CaptureState::failed) {
    // It is being taken; should nothing come of it, it is asked for again late.
    retry_due_ms_ = now_ms + order_retry_last_ms;
    return;
  }
  if (attempt_ + 1 >= std::min(attempts_max, period_s_)) return give_up();
  ++attempt_;
  retry_due_ms_ = now_ms + order_retry_first_ms;
}

void CaptureTimer::hear_offer(std::uint32_t command_id) {
  if ((command_id & timer_command) == 0 || !begun_) return;
  // Whichever attempt brought the photo, also one from before a reset. A photo of an earlier
  // moment, which had to wait in the camera, is none of them.
  const std::uint32_t attempt = (command_id - first_id()) & (timer_command - 1);
  if (attempt < std::min(attempts_max, period_s_)) waits_ = false;
}

std::uint64_t CaptureTimer::due_ms(std::uint64_t unix_ms, std::uint64_t now_ms) const {
  if (period_s_ == 0) return std::numeric_limits<std::uint64_t>::max();
  if (!begun_ || by_unix_ != (unix_ms != 0)) return now_ms;
  const Moment moment = moment_at(unix_ms, now_ms);
  if (moment.second != second_) return now_ms;
  const std::uint64_t next_ms = now_ms + moment.next_in_ms;
  return waits_ ? std::min(next_ms, std::max(retry_due_ms_, now_ms)) : next_ms;
}

}  // namespace meterlens::dtu
