#include "device/update/receiver.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace meterlens::update {

using protocol::Bytes;
using protocol::UpdateFailure;
using protocol::UpdateState;

namespace {

constexpr std::uint32_t program_bytes = 16;  // what a flash programs is a multiple of it

}  // namespace

Receiver::Receiver(protocol::Part part, const Settings& settings)
    : part_(part), settings_(settings), on_trial_(settings.images.on_trial) {}

void Receiver::start(std::uint64_t now_ms) { started_ms_ = now_ms; }

bool Receiver::can_update() const {
  return settings_.images.program != nullptr && settings_.power.restart != nullptr;
}

// ---- what is heard ----

bool Receiver::is_own(const protocol::ImagePacket& packet) const {
  return packet.update_id == update_id_ && update_id_ != 0;
}

void Receiver::hear(const protocol::Image& image) {
  const bool known = image.update_id == update_id_ && image.sha256 == sha256_;
  state_due_ = true;
  missing_due_ = known && step_ == Step::receiving;
  // Once the board has it the next start runs it, whatever is offered meanwhile.
  if (known || step_ == Step::trying) return;
  update_id_ = image.update_id;
  version_ = image.version;
  image_bytes_ = image.image_bytes;
  sha256_ = image.sha256;
  std::copy(image.signature.begin(), image.signature.end(), signature_.begin());
  step_ = Step::offered;
  told_ = UpdateState::receiving;
  failure_ = UpdateFailure::none;
  state_due_ = false;  // until it has been judged
}

void Receiver::hear(const protocol::ImagePacket& packet) {
  if (!is_own(packet)) return unknown(packet.update_id);
  const std::size_t at = packet.index / 8;
  const auto bit = static_cast<std::uint8_t>(1U << (packet.index % 8));
  const bool fits = step_ == Step::receiving &&
                    packet.index < protocol::packet_count(image_bytes_) &&
                    packet.data.size() == protocol::packet_bytes(image_bytes_, packet.index);
  if (!fits || (missing_[at] & bit) == 0) {
    ++counters_.ignored;
    return;
  }
  const auto offset = static_cast<std::uint32_t>(packet.index * protocol::packet_bytes_max);
  if (!program(offset, packet.data)) return end(UpdateState::failed, UpdateFailure::flash);
  ++counters_.packets;
  missing_[at] = static_cast<std::uint8_t>(missing_[at] & ~bit);
  if (--missing_count_ > 0) return;
  step_ = Step::checking;
  checked_bytes_ = 0;
  sum_ = {};
}

void Receiver::hear(const protocol::ImageSent& sent) {
  if (sent.update_id != update_id_ || update_id_ == 0) return unknown(sent.update_id);
  missing_due_ = step_ == Step::receiving;
  state_due_ = step_ != Step::receiving && step_ != Step::offered;
}

// One that is unknown after a reset: the server learns that, and what runs.
void Receiver::unknown(std::uint32_t update_id) {
  unknown_id_ = update_id;
  start_due_ = was_heard_;
}

void Receiver::heard_from_outside() {
  if (on_trial_) {
    on_trial_ = !settings_.images.confirm(settings_.images.context);
    if (on_trial_) ++counters_.failed;
    if (on_trial_) return;
  }
  if (was_heard_) return;
  was_heard_ = true;
  start_due_ = can_update();
}

// ---- what is done ----

protocol::ImageHead Receiver::head() const {
  return {part_, settings_.board, version_, image_bytes_, sha256_};
}

bool Receiver::signature_is_right() const {
  return protocol::is_board_name(settings_.board) &&
         protocol::is_signed(head(), signature_, settings_.key);
}

// The cheap questions first; none of them is worth more than an answer to somebody unknown.
UpdateFailure Receiver::judge() const {
  if (!can_update()) return UpdateFailure::board_refused;
  if (version_ < settings_.images.version) return UpdateFailure::older_version;
  if (image_bytes_ == 0 || image_bytes_ > protocol::image_bytes_max)
    return UpdateFailure::too_large;
  if (image_bytes_ > settings_.images.image_bytes_max) return UpdateFailure::no_room;
  if (!signature_is_right()) return UpdateFailure::wrong_signature;
  return UpdateFailure::none;
}

void Receiver::say(UpdateState state) {
  told_ = state;
  state_due_ = true;
}

void Receiver::end(UpdateState state, UpdateFailure failure) {
  step_ = Step::none;
  failure_ = failure;
  missing_due_ = false;
  if (state == UpdateState::refused) ++counters_.refused;
  if (state == UpdateState::failed) ++counters_.failed;
  say(state);
}

void Receiver::begin() {
  const UpdateFailure failure = judge();
  if (failure != UpdateFailure::none) return end(UpdateState::refused, failure);
  if (version_ == settings_.images.version)
    return end(UpdateState::confirmed, UpdateFailure::none);
  say(UpdateState::receiving);
  step_ = Step::erasing;
}

void Receiver::erase() {
  const int erased = settings_.images.erase(settings_.images.context);
  if (erased < 0) return end(UpdateState::failed, UpdateFailure::flash);
  if (erased == 0) return;
  step_ = Step::receiving;
  missing_count_ = static_cast<std::uint32_t>(protocol::packet_count(image_bytes_));
  missing_.fill(0);
  for (std::uint32_t i = 0; i < missing_count_; ++i)
    missing_[i / 8] = static_cast<std::uint8_t>(missing_[i / 8] | 1U << (i % 8));
  missing_due_ = true;
}

// The last packet is filled up with what erased flash reads as.
bool Receiver::program(std::uint32_t offset, Bytes data) const {
  const auto& images = settings_.images;
  const auto whole = static_cast<std::uint32_t>(data.size() - data.size() % program_bytes);
  if (whole > 0 && !images.program(images.context, offset, data.data(), whole)) return false;
  if (whole == data.size()) return true;
  std::array<std::uint8_t, program_bytes> last;
  last.fill(0xFF);
  std::ranges::copy(data.subspan(whole), last.begin());
  return images.program(images.context, offset + whole, last.data(), program_bytes);
}

void Receiver::check() {
  const auto& images = settings_.images;
  std::array<std::uint8_t, 256> part;
  const std::uint32_t stop = std::min(image_bytes_, checked_bytes_ + check_step_bytes);
  while (checked_bytes_ < stop) {
    const auto count =
        std::min(static_cast<std::uint32_t>(part.size()), image_bytes_ - checked_bytes_);
    if (!images.read(images.context, checked_bytes_, part.data(), count))
      return end(UpdateState::failed, UpdateFailure::flash);
    sum_.add(Bytes(part).first(count));
    checked_bytes_ += count;
  }
  if (checked_bytes_ < image_bytes_) return;
  if (sum_.digest() != sha256_) return end(UpdateState::failed, UpdateFailure::wrong_hash);
  step_ = Step::verified;
  say(UpdateState::verified);
}

// The signature once more, over what has been in this memory all the while.
void Receiver::try_new(std::uint64_t now_ms) {
  if (!signature_is_right()) return end(UpdateState::failed, UpdateFailure::wrong_signature);
  if (!settings_.images.try_new(settings_.images.context))
    return end(UpdateState::failed, UpdateFailure::board_refused);
  step_ = Step::trying;
  restart_ms_ = now_ms + restart_pause_ms;
  say(UpdateState::trying);
}

void Receiver::step(std::uint64_t now_ms, bool quiet) {
  const auto& power = settings_.power;
  if (on_trial_) {
    // The room for images holds the old program: nothing is begun before the new one is confirmed.
    if (now_ms - started_ms_ >= settings_.trial_ms && quiet && power.restart != nullptr)
      power.restart(power.context);
    return;
  }
  switch (step_) {
    case Step::offered:
      if (quiet) begin();
      return;
    case Step::erasing: return erase();
    case Step::checking: return check();
    case Step::verified:
      if (quiet && !state_due_) try_new(now_ms);
      return;
    case Step::trying:
      if (quiet && now_ms >= restart_ms_) power.restart(power.context);
      return;
    default: return;
  }
}

std::uint64_t Receiver::due_ms(std::uint64_t now_ms, bool quiet) const {
  constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();
  if (on_trial_) return quiet ? started_ms_ + settings_.trial_ms : never;
  switch (step_) {
    case Step::offered: return quiet ? now_ms : never;
    case Step::erasing: return now_ms + erase_poll_ms;
    case Step::checking: return now_ms;
    case Step::verified: return quiet && !state_due_ ? now_ms : never;
    case Step::trying: return quiet ? restart_ms_ : never;
    default: return never;
  }
}

// ---- what is said ----

std::size_t Receiver::state_frame(std::span<std::uint8_t> out, std::uint32_t update_id,
                                  UpdateState state, UpdateFailure failure) const {
  return protocol::encode_message(
      protocol::ImageState{part_, update_id, state, failure, settings_.images.version}, out);
}

std::size_t Receiver::next_frame(std::span<std::uint8_t> out) {
  if (unknown_id_ != 0) {
    const std::uint32_t update_id = std::exchange(unknown_id_, 0);
    return protocol::encode_message(protocol::ImageMissing{part_, update_id, {}}, out);
  }
  if (std::exchange(start_due_, false)) {
    const bool fell_back = settings_.images.fell_back;
    return state_frame(out, 0, fell_back ? UpdateState::failed : UpdateState::confirmed,
                       fell_back ? UpdateFailure::not_confirmed : UpdateFailure::none);
  }
  if (std::exchange(state_due_, false)) return state_frame(out, update_id_, told_, failure_);
  if (!std::exchange(missing_due_, false)) return 0;
  const std::size_t bitmap_bytes = (protocol::packet_count(image_bytes_) + 7) / 8;
  return protocol::encode_message(
      protocol::ImageMissing{part_, update_id_, Bytes(missing_).first(bitmap_bytes)}, out);
}

}  // namespace meterlens::update
