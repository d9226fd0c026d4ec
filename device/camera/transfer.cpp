#include "device/camera/transfer.h"

#include <algorithm>
#include <limits>

namespace meterlens::camera {
namespace {

bool bit(std::span<const std::uint8_t> bitmap, std::size_t index) {
  return (bitmap[index / 8] >> (index % 8) & 1) != 0;
}

}  // namespace

Transfer::Transfer(PhotoRing& ring) : ring_(ring) {}

bool Transfer::begin_next() {
  const auto photo = ring_.oldest();
  if (!photo) return false;
  photo_ = *photo;
  state_ = State::offer;
  flaw_count_ = 0;
  wrong_hash_count_ = 0;
  offer_again_ = false;
  retry_ms_ = sent_retry_first_ms;
  return true;
}

std::size_t Transfer::next_frame(std::span<std::uint8_t> out, std::uint64_t now_ms,
                                 std::uint64_t clock_ms) {
  // The ring may have pushed the photo out to make room for a new one.
  if (state_ != State::idle && !ring_.find(photo_.id)) state_ = State::idle;
  if (state_ == State::idle && !begin_next()) return 0;
  if (state_ == State::waiting && now_ms >= due_ms_) state_ = State::sent;
  if (state_ == State::refused && now_ms >= due_ms_) state_ = State::offer;
  switch (state_) {
    case State::offer: return make_offer(out, clock_ms);
    case State::packets: return offer_again_ ? make_offer(out, clock_ms) : make_packet(out, now_ms);
    case State::sent: return make_sent(out, now_ms);
    default: return 0;
  }
}

std::size_t Transfer::make_offer(std::span<std::uint8_t> out, std::uint64_t clock_ms) {
  protocol::Offer offer{photo_.id, photo_.bytes, photo_.command_id, photo_.captured_at_ms,
                        photo_.sha256};
  if (offer.captured_at_ms == 0 && photo_.shot_since_start && clock_ms != 0)
    offer.captured_at_ms = photo_.shot_at_ms + clock_ms;
  offer_again_ = false;
  if (state_ == State::offer) begin_full_pass();
  return protocol::encode_message(offer, out);
}

void Transfer::begin_full_pass() {
  to_send_.fill(0xFF);
  last_missing_.fill(0);
  index_ = 0;
  full_pass_ = true;
  sum_ = {};
  state_ = State::packets;
}

std::size_t Transfer::make_packet(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  const std::size_t bytes = protocol::packet_bytes(photo_.bytes, index_);
  const auto data = std::span(data_).first(bytes);
  const auto offset = static_cast<std::uint32_t>(index_ * protocol::packet_bytes_max);
  if (!ring_.read(photo_.id, offset, data)) {
    flaw(now_ms);
    return 0;
  }
  if (full_pass_) sum_.add(data);
  ++counters_.packets;
  if (!full_pass_) ++counters_.repeats;
  const protocol::Packet packet{photo_.id, static_cast<std::uint16_t>(index_), data};
  ++index_;
  skip_to_next_packet();
  if (index_ == packet_count() && check_hash(now_ms)) state_ = State::sent;
  return protocol::encode_message(packet, out);
}

void Transfer::skip_to_next_packet() {
  while (index_ < packet_count() && !bit(to_send_, index_)) ++index_;
}

std::size_t Transfer::make_sent(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  state_ = State::waiting;
  due_ms_ = now_ms + retry_ms_;
  retry_ms_ = std::min(2 * retry_ms_, sent_retry_last_ms);
  return protocol::encode_message(protocol::Sent{photo_.id}, out);
}

// After a full pass the camera knows itself whether the flash still holds what was shot.
bool Transfer::check_hash(std::uint64_t now_ms) {
  if (!full_pass_) return true;
  full_pass_ = false;
  if (sum_.digest() == photo_.sha256) return true;
  flaw(now_ms);
  return false;
}

void Transfer::flaw(std::uint64_t now_ms) {
  ++counters_.flash_flaws;
  if (++flaw_count_ >= flaw_count_max) {
    finish(true);
    return;
  }
  state_ = State::refused;
  due_ms_ = now_ms + refused_pause_ms;
}

void Transfer::finish(bool lost) {
  ring_.forget(photo_.id, lost);
  state_ = State::idle;
}

void Transfer::hear(const protocol::Missing& missing) {
  if (state_ == State::idle || state_ == State::refused || missing.photo_id != photo_.id) return;
  retry_ms_ = sent_retry_first_ms;
  if (missing.bitmap.empty()) {
    // In the offer's own packets the offer alone is repeated: what went before it is asked for by
    // a bitmap at the end.
    offer_again_ = state_ == State::packets && full_pass_;
    if (!offer_again_) state_ = State::offer;
    return;
  }
  Bitmap wanted{};
  const std::size_t bytes = std::min(missing.bitmap.size(), wanted.size());
  std::copy_n(missing.bitmap.begin(), bytes, wanted.begin());
  // The same list again while its packets are on the way is a double.
  if (state_ == State::offer || (state_ == State::packets && wanted == last_missing_)) return;
  last_missing_ = wanted;
  to_send_ = wanted;
  full_pass_ = false;
  index_ = 0;
  skip_to_next_packet();
  state_ = index_ < packet_count() ? State::packets : State::sent;
}

void Transfer::hear(const protocol::Stored& stored) {
  const auto photo = ring_.find(stored.photo_id);
  if (!photo) return;
  if (photo->sha256 != stored.sha256) {
    ++counters_.wrong_stored;
    return;
  }
  ++counters_.stored;
  ring_.forget(stored.photo_id, false);
  if (stored.photo_id == photo_.id) state_ = State::idle;
}

void Transfer::hear(const protocol::Refused& refused, std::uint64_t now_ms) {
  if (state_ == State::idle || refused.photo_id != photo_.id) return;
  ++counters_.refused;
  retry_ms_ = sent_retry_first_ms;
  switch (refused.reason) {
    case protocol::Refusal::too_large:
    case protocol::Refusal::empty: finish(false); return;
    case protocol::Refusal::busy:
    case protocol::Refusal::storage_full: break;
    case protocol::Refusal::wrong_hash:
      // At once the first time; a server that keeps saying so must not keep the line busy.
      if (++wrong_hash_count_ == 1) {
        state_ = State::offer;
        return;
      }
  }
  state_ = State::refused;
  due_ms_ = now_ms + refused_pause_ms;
}

void Transfer::hurry(std::uint64_t now_ms) {
  if (state_ == State::waiting) due_ms_ = now_ms;
}

void Transfer::reset() { state_ = State::idle; }

bool Transfer::has_packets() const {
  return state_ == State::offer || state_ == State::packets ||
         (state_ == State::idle && ring_.oldest().has_value());
}

std::uint64_t Transfer::due_ms() const {
  switch (state_) {
    case State::idle: return ring_.oldest() ? 0 : std::numeric_limits<std::uint64_t>::max();
    case State::waiting:
    case State::refused: return due_ms_;
    default: return 0;
  }
}

}  // namespace meterlens::camera
