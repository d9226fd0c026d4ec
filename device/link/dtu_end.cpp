#include "device/link/dtu_end.h"

#include <algorithm>
#include <limits>
#include <variant>

namespace meterlens::link {

DtuEnd::DtuEnd(const MeterlensLine& line) : line_(line), rates_(rates_of(line)) {}

void DtuEnd::start(std::uint64_t now_ms) {
  whole_ms_ = now_ms;
  grant_due_ = true;
}

bool DtuEnd::hear(const LinkMessage& message, std::uint64_t now_ms) {
  if (const auto* probe = std::get_if<Probe>(&message)) {
    whole_ms_ = now_ms;
    if (probe->number == switch_number_) proof_due_ = true;
    return true;
  }
  const auto* mark = std::get_if<Mark>(&message);
  const auto* wish = std::get_if<Switch>(&message);
  const auto* sleep = std::get_if<Sleep>(&message);
  if (mark == nullptr && wish == nullptr && sleep == nullptr) return false;
  note_whole(now_ms);
  if (sleep != nullptr) take(*sleep);
  if (wish != nullptr) take(*wish);
  if (mark != nullptr) {
    mark_ = mark->number;
    received_ = 0;
    announced_ = 0;
    grant_due_ = true;
  }
  return true;
}

void DtuEnd::take(const Switch& wish) {
  if (state_ != State::steady) return;
  switch_number_ = wish.number;
  asked_ = has_rate(rates_, wish.rate) ? wish.rate : rate_;
  state_ = State::agreeing;
}

void DtuEnd::take(const Sleep& sleep) {
  asleep_ = true;
  waking_ = false;
  wake_ms_ = sleep.deep ? wake_deep_ms : wake_light_ms;
}

std::size_t DtuEnd::wake(std::uint64_t now_ms) {
  if (!waking_) {
    waking_ = true;
    wake_due_ms_ = now_ms;
    wake_until_ms_ = now_ms + wake_ms_;
  }
  if (now_ms >= wake_until_ms_) {
    asleep_ = false;
    grant_due_ = true;
  }
  if (!asleep_ || now_ms < wake_due_ms_) return 0;
  wake_due_ms_ = now_ms + wake_step_ms;
  return wake_zero_count;
}

void DtuEnd::hear_frame(std::size_t queued_bytes, std::uint64_t now_ms) {
  note_whole(now_ms);
  if (queued_bytes > 0) received_ += queued_bytes + frame_cost_bytes;
}

void DtuEnd::hear_hello() {
  mark_ = 0;
  grant_due_ = true;
}

// At a new rate anything but a Probe says that the camera has heard the Proof.
void DtuEnd::note_whole(std::uint64_t now_ms) {
  whole_ms_ = now_ms;
  asleep_ = false;
  if (state_ != State::proving) return;
  state_ = State::steady;
  proof_due_ = false;
  ++counters_.switches;
}

std::uint64_t DtuEnd::limit(const Situation& situation) const {
  return received_ + situation.room_bytes - std::min(situation.room_bytes, room_kept_bytes);
}

bool DtuEnd::grant_is_due(const Situation& situation) const {
  return grant_due_ || (mark_ != 0 && limit(situation) >= announced_ + grant_step_bytes);
}

std::size_t DtuEnd::next(std::span<std::uint8_t> out, const Situation& situation) {
  if (state_ == State::agreeing) {
    state_ = asked_ == rate_ ? State::steady : State::switching;
    return encode_link(Agree{switch_number_, asked_}, out);
  }
  if (proof_due_) {
    proof_due_ = false;
    return encode_link(Proof{switch_number_}, out);
  }
  if (!open() || !grant_is_due(situation)) return 0;
  grant_due_ = false;
  announced_ = limit(situation);
  const auto bytes = std::min<std::uint64_t>(announced_, std::numeric_limits<std::uint32_t>::max());
  const bool marked = mark_ != 0;
  return encode_link(Grant{mark_, marked ? static_cast<std::uint32_t>(bytes) : 0, rates_,
                           static_cast<std::uint8_t>(situation.errors)},
                     out);
}

bool DtuEnd::set_rate(std::uint8_t rate) {
  if (!line_.set_baud(line_.context, bauds[rate])) return false;
  rate_ = rate;
  return true;
}

bool DtuEnd::fall(std::uint8_t rate) {
  ++counters_.falls;
  state_ = State::steady;
  proof_due_ = false;
  grant_due_ = true;
  return set_rate(rate);
}

bool DtuEnd::step(bool drained, std::uint64_t now_ms) {
  if (state_ == State::switching && drained) {
    former_ = rate_;
    whole_ms_ = now_ms;
    state_ = State::proving;
    if (set_rate(asked_)) return true;
    rates_ = static_cast<std::uint8_t>(rates_ & ~(1U << asked_));
    state_ = State::steady;
    return false;
  }
  if (state_ == State::proving && now_ms - whole_ms_ >= prove_wait_ms) return fall(former_);
  if (state_ == State::steady && rate_ > 0 && now_ms - whole_ms_ >= silence_ms)
    return fall(0);
  return false;
}

std::uint64_t DtuEnd::due_ms(const Situation& situation, std::uint64_t now_ms) const {
  switch (state_) {
    case State::agreeing:
    case State::switching: return now_ms;
    case State::proving: return proof_due_ ? now_ms : whole_ms_ + prove_wait_ms;
    default: break;
  }
  const std::uint64_t silent = rate_ > 0 ? whole_ms_ + silence_ms : never;
  if (asleep_) {
    if (!situation.frames_held) return silent;
    return waking_ ? std::min(wake_due_ms_, wake_until_ms_) : now_ms;
  }
  return proof_due_ || grant_is_due(situation) ? now_ms : silent;
}

}  // namespace meterlens::link
