#include "server/photo/receiver.h"

#include <algorithm>
#include <utility>

#include "protocol/require.h"
#include "server/photo/jpeg_shape.h"

namespace meterlens::photo {
namespace {

using metrics::Count;

// Photos of a device that late packets may still be for.
constexpr std::size_t stored_kept = 4;
// A clock before 2020 or far ahead is a clock that was never set.
constexpr std::int64_t clock_ms_min = 1'577'836'800'000;
constexpr std::int64_t clock_ahead_ms_max = 86'400'000;

std::int64_t capture_time(std::uint64_t claimed_ms, std::int64_t now_ms) {
  const auto latest = static_cast<std::uint64_t>(now_ms + clock_ahead_ms_max);
  const bool plausible =
      claimed_ms >= static_cast<std::uint64_t>(clock_ms_min) && claimed_ms <= latest;
  return plausible ? static_cast<std::int64_t>(claimed_ms) : now_ms;
}

bool same_photo(const protocol::Offer& a, const protocol::Offer& b) {
  return a.photo_bytes == b.photo_bytes && a.sha256 == b.sha256;
}

}  // namespace

Receiver::Receiver(const ReceiverLimits& limits, IsStored is_stored, metrics::Metrics& metrics)
    : limits_(limits), is_stored_(std::move(is_stored)), metrics_(metrics) {}

void Receiver::offer(const std::string& name, const protocol::Offer& offer, std::int64_t now_ms) {
  Device& device = devices_[name];
  if (const Known* known = find_stored(device, offer.photo_id);
      known != nullptr && known->sha256 == offer.sha256) {
    metrics_.add(Count::photos_doubled);
    return answer(name, protocol::Stored{offer.photo_id, offer.sha256});
  }
  if (Transfer* going = find(device, offer.photo_id)) {
    if (going->committing) return;
    if (same_photo(going->offer, offer)) {
      going->offer.command_id = offer.command_id;
      return report(name, *going);
    }
    end(device, going);
  }
  const auto is_stored = is_stored_(name, offer.photo_id, offer.sha256);
  if (is_stored == true) {
    metrics_.add(Count::photos_doubled);
    return stored(name, offer.photo_id, offer.sha256);
  }
  if (!is_stored) return refuse(name, offer, protocol::Refusal::storage_full);
  if (const auto reason = refusal(offer)) return refuse(name, offer, *reason);
  begin(device, offer, now_ms);
  report(name, device.transfers.back());
}

std::optional<protocol::Refusal> Receiver::refusal(const protocol::Offer& offer) const {
  using protocol::Refusal;
  if (offer.photo_bytes == 0) return Refusal::empty;
  if (offer.photo_bytes > limits_.photo_bytes_max || offer.photo_bytes > protocol::photo_bytes_max)
    return Refusal::too_large;
  if (storage_full_) return Refusal::storage_full;
  if (photos_ >= limits_.photos_max || bytes_ + offer.photo_bytes > limits_.bytes_max)
    return Refusal::busy;
  return std::nullopt;
}

void Receiver::begin(Device& device, const protocol::Offer& offer, std::int64_t now_ms) {
  if (device.transfers.size() >= limits_.device_photos_max) {
    const auto oldest = std::find_if(device.transfers.begin(), device.transfers.end(),
                                     [](const Transfer& t) { return !t.committing; });
    if (oldest != device.transfers.end()) {
      metrics_.add(Count::photos_forgotten);
      end(device, &*oldest);
    }
  }
  const std::size_t count = protocol::packet_count(offer.photo_bytes);
  Transfer transfer;
  transfer.offer = offer;
  transfer.bytes.resize(offer.photo_bytes);
  transfer.bitmap.assign((count + 7) / 8, 0xff);
  // Bits past the last packet say "not missing".
  if (count % 8 != 0) transfer.bitmap.back() = static_cast<std::uint8_t>((1u << count % 8) - 1);
  transfer.missing = static_cast<std::uint32_t>(count);
  transfer.last_packet_ms = transfer.last_missing_ms = now_ms;
  device.transfers.push_back(std::move(transfer));
  ++photos_;
  bytes_ += offer.photo_bytes;
}

void Receiver::end(Device& device, Transfer* transfer) {
  --photos_;
  bytes_ -= transfer->offer.photo_bytes;
  device.transfers.erase(device.transfers.begin() + (transfer - device.transfers.data()));
}

void Receiver::data(const std::string& name, std::uint32_t photo_id, std::uint16_t index,
                    protocol::Bytes data, std::int64_t now_ms) {
  metrics_.add(Count::packets_received);
  Device& device = devices_[name];
  Transfer* transfer = find(device, photo_id);
  if (transfer == nullptr) {
    metrics_.add(Count::packets_unoffered);
    return unknown(name, device, photo_id, false, now_ms);
  }
  const std::size_t photo_bytes = transfer->offer.photo_bytes;
  if (index >= protocol::packet_count(photo_bytes) ||
      data.size() != protocol::packet_bytes(photo_bytes, index))
    return metrics_.add(Count::packets_wrong_size);
  const auto bit = static_cast<std::uint8_t>(1u << index % 8);
  std::uint8_t& missing = transfer->bitmap[index / 8u];
  if (transfer->committing || (missing & bit) == 0) return metrics_.add(Count::packets_doubled);
  missing = static_cast<std::uint8_t>(missing & ~bit);
  std::copy(
      data.begin(), data.end(),
      transfer->bytes.begin() + static_cast<std::ptrdiff_t>(index * protocol::packet_bytes_max));
  transfer->last_packet_ms = transfer->last_missing_ms = now_ms;
  transfer->missing_count = 0;
  --transfer->missing;
  report(name, *transfer);
  if (transfer->missing == 0) complete(name, *transfer, now_ms);
}

void Receiver::complete(const std::string& name, Transfer& transfer, std::int64_t now_ms) {
  const protocol::Offer& offer = transfer.offer;
  if (protocol::sha256(transfer.bytes) != offer.sha256) {
    metrics_.add(Count::photos_wrong_hash);
    return refuse(name, offer.photo_id, protocol::Refusal::wrong_hash);
  }
  Photo photo;
  photo.device = name;
  photo.photo_id = offer.photo_id;
  photo.bytes = std::move(transfer.bytes);
  photo.photo_bytes = offer.photo_bytes;
  photo.sha256 = offer.sha256;
  if (const auto shape = look(photo.bytes); !shape) {
    photo.state = PhotoState::quarantined;
    photo.reason = photo::name(shape.error());
  }
  photo.captured_at_ms = capture_time(offer.captured_at_ms, now_ms);
  photo.received_at_ms = now_ms;
  photo.command = offer.command_id;
  transfer.committing = true;
  output_.photos.push_back(std::move(photo));
}

void Receiver::sent(const std::string& name, std::uint32_t photo_id, std::int64_t now_ms) {
  Device& device = devices_[name];
  Transfer* transfer = find(device, photo_id);
  if (transfer == nullptr) return unknown(name, device, photo_id, true, now_ms);
  // While the photo is being committed its answer is on the way.
  if (!transfer->committing) ask_missing(name, *transfer, now_ms);
}

void Receiver::unknown(const std::string& name, Device& device, std::uint32_t photo_id, bool asked,
                       std::int64_t now_ms) {
  const bool soon =
      device.last_unoffered_ms >= 0 && now_ms - device.last_unoffered_ms < limits_.unoffered_ms;
  const Known* known = find_stored(device, photo_id);
  if (soon && !(asked && known != nullptr)) return;
  device.last_unoffered_ms = now_ms;
  if (known != nullptr) return answer(name, protocol::Stored{photo_id, known->sha256});
  answer(name, protocol::Missing{photo_id, {}});
}

void Receiver::stored(const std::string& name, std::uint32_t photo_id,
                      const protocol::Digest& sha256) {
  Device& device = devices_[name];
  if (Transfer* transfer = find(device, photo_id)) end(device, transfer);
  if (device.stored.size() >= stored_kept) device.stored.erase(device.stored.begin());
  device.stored.push_back({photo_id, sha256});
  answer(name, protocol::Stored{photo_id, sha256});
}

void Receiver::refuse(const std::string& name, std::uint32_t photo_id, protocol::Refusal reason) {
  Device& device = devices_[name];
  protocol::Offer offer{.photo_id = photo_id};
  if (Transfer* transfer = find(device, photo_id)) {
    offer.command_id = transfer->offer.command_id;
    end(device, transfer);
  }
  refuse(name, offer, reason);
}

void Receiver::refuse(const std::string& name, const protocol::Offer& offer,
                      protocol::Refusal reason) {
  metrics_.add(Count::photos_refused);
  if (offer.command_id != 0) output_.refusals.push_back({name, offer.command_id, reason});
  answer(name, protocol::Refused{offer.photo_id, reason});
}

void Receiver::ask_missing(const std::string& name, Transfer& transfer, std::int64_t now_ms) {
  transfer.last_missing_ms = now_ms;
  answer(name, protocol::Missing{transfer.offer.photo_id, transfer.bitmap});
}

void Receiver::report(const std::string& name, const Transfer& transfer) {
  if (transfer.offer.command_id == 0) return;
  const int total = static_cast<int>(protocol::packet_count(transfer.offer.photo_bytes));
  if (!output_.progress.empty() && output_.progress.back().command == transfer.offer.command_id)
    output_.progress.pop_back();
  output_.progress.push_back(
      {name, transfer.offer.command_id, total - static_cast<int>(transfer.missing), total});
}

void Receiver::tick(std::int64_t now_ms) {
  for (auto& [name, device] : devices_) tick_device(name, device, now_ms);
}

void Receiver::tick_device(const std::string& name, Device& device, std::int64_t now_ms) {
  for (std::size_t i = 0; i < device.transfers.size();) {
    Transfer& transfer = device.transfers[i];
    if (!transfer.committing && now_ms - transfer.last_packet_ms >= limits_.forget_ms) {
      metrics_.add(Count::photos_forgotten);
      end(device, &transfer);
      continue;
    }
    if (!transfer.committing && now_ms - transfer.last_missing_ms >= limits_.gap_ms &&
        transfer.missing_count < limits_.missing_count_max) {
      ++transfer.missing_count;
      ask_missing(name, transfer, now_ms);
    }
    ++i;
  }
}

void Receiver::clock_moved(std::int64_t by_ms) {
  for (auto& [name, device] : devices_) {
    if (device.last_unoffered_ms >= 0)
      device.last_unoffered_ms = std::max<std::int64_t>(device.last_unoffered_ms + by_ms, 0);
    for (Transfer& transfer : device.transfers) {
      transfer.last_packet_ms += by_ms;
      transfer.last_missing_ms += by_ms;
    }
  }
}

ReceiverOutput Receiver::take() { return std::exchange(output_, {}); }

Receiver::Transfer* Receiver::find(Device& device, std::uint32_t photo_id) {
  for (Transfer& transfer : device.transfers) {
    if (transfer.offer.photo_id == photo_id) return &transfer;
  }
  return nullptr;
}

const Receiver::Known* Receiver::find_stored(const Device& device, std::uint32_t photo_id) const {
  // The newest first: a camera whose flash was formatted may use a number again.
  for (auto known = device.stored.rbegin(); known != device.stored.rend(); ++known) {
    if (known->photo_id == photo_id) return &*known;
  }
  return nullptr;
}

void Receiver::answer(const std::string& device, const protocol::Message& message) {
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t bytes = protocol::encode_message(message, frame);
  output_.answers.push_back({device, {frame.data(), frame.data() + bytes}});
}

}  // namespace meterlens::photo
