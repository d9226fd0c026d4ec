#include "device/link/camera_end.h"

#include <algorithm>
#include <variant>

namespace meterlens::link {

CameraEnd::CameraEnd(const MeterlensLine& line, std::uint16_t first_mark)
    : line_(line),
      own_rates_(rates_of(line)),
      mark_number_(static_cast<std::uint16_t>(first_mark - 1)),
      switch_number_(first_mark) {}

void CameraEnd::reset() {
  known_ = mark_due_ = false;
  state_ = State::steady;
  first_rate_due_ = rate_ > 0;
}

bool CameraEnd::hear(const LinkMessage& message, std::uint64_t now_ms) {
  const auto* grant = std::get_if<Grant>(&message);
  const auto* agree = std::get_if<Agree>(&message);
  const auto* proof = std::get_if<Proof>(&message);
  if (grant == nullptr && agree == nullptr && proof == nullptr) return false;
  heard_ms_ = now_ms;
  if (grant != nullptr) take(*grant);
  if (agree != nullptr) take(*agree, now_ms);
  if (proof != nullptr) take(*proof, now_ms);
  return true;
}

void CameraEnd::take(const Grant& grant) {
  if (!known_) {
    // What was sent before nobody has counted: no credit until a Mark is answered.
    known_ = true;
    mark_due_ = true;
    mark_answered_ = true;
    limit_ = sent_;
    dtu_errors_known_ = false;
  } else if (grant.mark != 0 && grant.mark == mark_number_) {
    limit_ = mark_at_ + grant.bytes;
    mark_answered_ = true;
  } else if (mark_answered_) {
    // The DTU was reset.
    mark_due_ = true;
    dtu_errors_known_ = false;
  }
  dtu_rates_ = grant.rates;
  if (dtu_errors_known_) note_errors(static_cast<std::uint8_t>(grant.errors - dtu_errors_));
  dtu_errors_ = grant.errors;
  dtu_errors_known_ = true;
}

void CameraEnd::take(const Agree& agree, std::uint64_t now_ms) {
  if (state_ != State::asking || agree.number != switch_number_) return;
  if (agree.rate == asked_) {
    state_ = State::switching;
    return;
  }
  ban_above(rate_, rate_ban_ms, now_ms);
  go_on(now_ms);
}

void CameraEnd::take(const Proof& proof, std::uint64_t now_ms) {
  if (state_ != State::proving || proof.number != switch_number_) return;
  ++(rate_ > former_ ? counters_.raised : counters_.lowered);
  go_on(now_ms);
}

// At rest with the rate as it is; the Mark tells a proving DTU that its Proof was heard.
void CameraEnd::go_on(std::uint64_t now_ms) {
  state_ = State::steady;
  attempts_ = 0;
  mark_due_ = known_;
  mark_answered_ = true;
  dtu_errors_known_ = false;
  used_ms_ = now_ms;
  begin_window(now_ms);
}

void CameraEnd::note_errors(std::uint32_t count) {
  if (state_ == State::steady && rate_ > 0) errors_ += count;
}

void CameraEnd::begin_window(std::uint64_t now_ms) {
  errors_ = 0;
  window_frames_ = 0;
  window_ms_ = now_ms;
}

bool CameraEnd::open() const {
  return !first_rate_due_ && (!known_ || (state_ == State::steady && has_credit()));
}

bool CameraEnd::at_rest() const {
  if (first_rate_due_ || rate_ > 0) return false;
  return !known_ || (state_ == State::steady && mark_answered_ && !mark_due_);
}

void CameraEnd::sent(std::size_t frame_bytes, std::uint64_t now_ms) {
  sent_ += frame_bytes + frame_cost_bytes;
  used_ms_ = now_ms;
  if (++window_frames_ >= error_window_frames && errors_ < error_count_max) begin_window(now_ms);
}

bool CameraEnd::mark_is_due(Wish wish, std::uint64_t now_ms) const {
  if (mark_due_) return true;
  if (mark_answered_ && sent_ - mark_at_ >= mark_step_bytes) return true;
  const bool wanting = !mark_answered_ || rate_ > 0 || (wish.frame && !has_credit());
  return wanting && now_ms - mark_ms_ >= mark_retry_ms;
}

std::uint8_t CameraEnd::wanted_rate(Wish wish, std::uint64_t now_ms) const {
  const std::uint8_t most = now_ms >= ban_until_ms_ ? rate_last : rate_most_;
  if (errors_ >= error_count_max || rate_ > most) return rate_below(rates(), rate_);
  const bool busy = wish.much && has_credit();
  if (!busy) return wish.rest || now_ms - used_ms_ >= rest_after_ms ? 0 : rate_;
  const std::uint8_t above = rate_above(rates(), rate_);
  return mark_answered_ && above <= most ? above : rate_;
}

std::size_t CameraEnd::next(std::span<std::uint8_t> out, Wish wish, std::uint64_t now_ms) {
  if (!known_) return mark_due_ ? make_mark(out, now_ms) : 0;
  if (state_ == State::resting && now_ms >= until_ms_) go_on(now_ms);
  if (state_ == State::asking && now_ms >= until_ms_) return ask_again(out, now_ms);
  if (state_ == State::proving && now_ms >= probe_due_ms_) {
    probe_due_ms_ = now_ms + probe_step_ms;
    return encode_link(Probe{switch_number_}, out);
  }
  if (state_ != State::steady) return 0;
  if (now_ms - window_ms_ >= error_window_ms && errors_ < error_count_max) begin_window(now_ms);
  if (wish.much && has_credit()) used_ms_ = now_ms;
  if (mark_is_due(wish, now_ms)) return make_mark(out, now_ms);
  note_stall(wish);
  const std::uint8_t rate = wanted_rate(wish, now_ms);
  return rate == rate_ ? 0 : ask(rate, out, now_ms);
}

// One stall is one wait, however often credit is asked for meanwhile.
void CameraEnd::note_stall(Wish wish) {
  const bool begins = wish.frame && mark_answered_ && !stalled_;
  if (begins && !has_credit()) ++counters_.stalls;
  stalled_ = !has_credit() && (stalled_ || begins);
}

std::size_t CameraEnd::make_mark(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (mark_answered_) unanswered_since_ms_ = now_ms;
  mark_due_ = false;
  mark_answered_ = false;
  mark_ms_ = now_ms;
  mark_at_ = sent_;
  if (++mark_number_ == 0) mark_number_ = 1;
  return encode_link(Mark{mark_number_}, out);
}

std::size_t CameraEnd::ask(std::uint8_t rate, std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (errors_ >= error_count_max) ban_above(rate, rate_ban_ms, now_ms);
  asked_ = rate;
  ++attempts_;
  ++switch_number_;
  state_ = State::asking;
  until_ms_ = now_ms + agree_wait_ms;
  return encode_link(Switch{switch_number_, rate}, out);
}

std::size_t CameraEnd::ask_again(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (attempts_ < switch_attempts_max) return ask(asked_, out, now_ms);
  if (asked_ > rate_)
    ban_above(rate_, rate_ban_ms, now_ms);
  else
    first_rate_due_ = true;
  go_on(now_ms);
  return 0;
}

void CameraEnd::ban_above(std::uint8_t rate, std::uint64_t ban_ms, std::uint64_t now_ms) {
  const bool banned = now_ms < ban_until_ms_;
  rate_most_ = banned ? std::min(rate_most_, rate) : rate;
  ban_until_ms_ = std::max(ban_until_ms_, now_ms + ban_ms);
}

bool CameraEnd::set_rate(std::uint8_t rate) {
  if (!line_.set_baud(line_.context, bauds[rate])) return false;
  rate_ = rate;
  return true;
}

bool CameraEnd::fall_to_first(std::uint64_t now_ms) {
  first_rate_due_ = false;
  heard_ms_ = now_ms;
  const bool set = set_rate(0);
  go_on(now_ms);
  return set;
}

// Silent until the DTU has surely gone back as well.
bool CameraEnd::go_back(std::uint64_t now_ms) {
  ++counters_.failed_probes;
  ban_above(std::min(former_, rate_), rate_ban_ms, now_ms);
  state_ = State::resting;
  until_ms_ = now_ms + prove_wait_ms + probe_step_ms;
  return rate_ != former_ && set_rate(former_);
}

bool CameraEnd::step(bool drained, std::uint64_t now_ms) {
  if (first_rate_due_ && drained) return fall_to_first(now_ms);
  if (!known_) return false;
  if (rate_ > 0 && now_ms - heard_ms_ >= silence_ms) {
    ++counters_.silences;
    ban_above(rate_below(rates(), rate_), silence_ban_ms, now_ms);
    return fall_to_first(now_ms);
  }
  if (state_ == State::switching && drained) {
    former_ = rate_;
    state_ = State::proving;
    probe_due_ms_ = now_ms + probe_settle_ms;
    until_ms_ = now_ms + proof_wait_ms;
    if (set_rate(asked_)) return true;
    own_rates_ = static_cast<std::uint8_t>(own_rates_ & ~(1U << asked_));
    return go_back(now_ms);
  }
  if (state_ == State::proving && now_ms >= until_ms_) return go_back(now_ms);
  if (state_ == State::steady && !mark_answered_ && now_ms - unanswered_since_ms_ >= link_lost_ms) {
    ++counters_.lost;
    known_ = mark_due_ = false;
    first_rate_due_ = rate_ > 0;
  }
  return false;
}

std::uint64_t CameraEnd::due_ms(Wish wish, std::uint64_t now_ms) const {
  if (first_rate_due_) return now_ms;
  if (!known_) return mark_due_ ? now_ms : never;
  std::uint64_t due = rate_ > 0 ? heard_ms_ + silence_ms : never;
  switch (state_) {
    case State::asking:
    case State::resting: return std::min(due, until_ms_);
    case State::switching: return now_ms;
    case State::proving: return std::min({due, until_ms_, probe_due_ms_});
    default: break;
  }
  if (mark_is_due(wish, now_ms) || wanted_rate(wish, now_ms) != rate_) return now_ms;
  if (!mark_answered_ || rate_ > 0 || (wish.frame && !has_credit()))
    due = std::min(due, mark_ms_ + mark_retry_ms);
  if (!mark_answered_) due = std::min(due, unanswered_since_ms_ + link_lost_ms);
  return due;
}

}  // namespace meterlens::link
