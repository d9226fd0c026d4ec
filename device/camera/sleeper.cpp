#include "device/camera/sleeper.h"

#include <algorithm>

namespace meterlens::camera {
namespace {

// More make the next one no longer.
constexpr std::uint32_t naps_known_max = 16;
constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

// `naps`: this one included.
std::uint64_t nap_ms(std::uint32_t naps) {
  std::uint64_t ms = nap_first_ms;
  for (std::uint32_t i = 1; i < naps && ms < nap_last_ms; ++i) ms *= 2;
  return std::min(ms, nap_last_ms);
}

}  // namespace

Sleeper::Sleeper(const SleepSettings& settings, const MeterlensPower& power)
    : settings_(settings), power_(power) {}

void Sleeper::start(std::uint64_t now_ms) {
  progress(now_ms);
  if (power_.reset_cause == METERLENS_RESET_WAKE && power_.survives_sleep != nullptr)
    naps_ = std::min(*power_.survives_sleep, naps_known_max);
}

bool Sleeper::wakes(std::uint64_t now_ms) {
  if (!slept_) return false;
  slept_ = false;
  progress(now_ms);
  return true;
}

bool Sleeper::stay(std::uint64_t now_ms) {
  state_ = State::awake;
  tired_ = false;
  // Not word_ms_ alone: whoever spoke may have something for us.
  progress(now_ms);
  return said_;
}

bool Sleeper::hear_bytes(std::uint64_t now_ms) {
  return state_ != State::awake && stay(now_ms);
}

bool Sleeper::say() {
  state_ = State::going;
  said_ = true;
  return deep_;
}

std::uint64_t Sleeper::tired_from_ms(const Situation& situation) const {
  const std::uint64_t awake_ms = settings_.awake_ms;
  if (!situation.unfinished) return word_ms_ + awake_ms;
  return progress_ms_ + std::max(awake_ms, patience_ms);
}

bool Sleeper::step(const Situation& situation, bool says, bool drained, std::uint64_t now_ms) {
  if (!can_sleep()) return false;
  if (situation.at_work) {
    if (state_ != State::awake) return stay(now_ms);
    tired_ = false;
    progress(now_ms);
    return false;
  }
  if (state_ == State::awake) {
    tired_ = now_ms >= tired_from_ms(situation);
    if (!tired_ || !situation.line_at_rest || !drained) return false;
    state_ = says ? State::saying : State::going;
    said_ = false;
    deep_ = settings_.mode == SleepMode::deep && !situation.remembers;
    go_ms_ = now_ms + leaving_ms;
    return false;
  }
  // The wait begins when the word has left.
  if (state_ == State::saying || !drained) go_ms_ = now_ms + leaving_ms;
  if (now_ms >= go_ms_) sleep(situation, now_ms);
  return false;
}

void Sleeper::sleep(const Situation& situation, std::uint64_t now_ms) {
  naps_ = situation.unfinished ? std::min(naps_ + 1, naps_known_max) : 0;
  if (power_.survives_sleep != nullptr) *power_.survives_sleep = naps_;
  const std::uint64_t nap = naps_ > 0 ? nap_ms(naps_) : never;
  const std::uint64_t timer_ms = situation.next_wake_ms;
  const std::uint64_t to_timer = timer_ms == never ? never : timer_ms - std::min(timer_ms, now_ms);
  state_ = State::awake;
  tired_ = false;
  slept_ = true;
  power_.sleep(power_.context, deep_, std::min(nap, to_timer));
}

std::uint64_t Sleeper::due_ms(const Situation& situation) const {
  if (slept_ || state_ == State::saying) return 0;
  if (!can_sleep() || situation.at_work) return never;
  if (state_ == State::going) return go_ms_;
  // While tired it waits for the line alone.
  return tired_ ? never : tired_from_ms(situation);
}

}  // namespace meterlens::camera
