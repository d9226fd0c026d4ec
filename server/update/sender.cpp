#include "server/update/sender.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/require.h"

namespace meterlens::update {
namespace {

using metrics::Count;
using protocol::UpdateFailure;
using protocol::UpdateState;

std::uint32_t wire_id(const Update& update) { return static_cast<std::uint32_t>(update.id); }

// What the bitmap names of an image of so many packets.
std::vector<std::size_t> lacking_of(protocol::Bytes bitmap, std::size_t count) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < count && i / 8 < bitmap.size(); ++i)
    if ((bitmap[i / 8] >> (i % 8) & 1) != 0) out.push_back(i);
  return out;
}

}  // namespace

Sender::Sender(const SenderLimits& limits, Load load, metrics::Metrics& metrics)
    : limits_(limits), load_(std::move(load)), metrics_(metrics) {}

void Sender::add(const Update& update, std::int64_t now_ms) {
  protocol::require(!has_open(update.device));
  if (is_final(update.state)) return;
  Entry& entry = entries_[update.device];
  entry.update = update;
  // A server that was away heard nothing, and need not have asked.
  const std::int64_t heard_ms_min =
      now_ms - std::max<std::int64_t>(0, limits_.silence_ms - limits_.restart_ms);
  entry.heard_ms = std::clamp(update.updated_ms, heard_ms_min, now_ms);
}

Sender::Entry* Sender::find(const std::string& device, protocol::Part part) {
  const auto at = entries_.find(device);
  const bool is_it = at != entries_.end() && !at->second.done && at->second.update.part == part;
  return is_it ? &at->second : nullptr;
}

void Sender::set_link(const std::string& device, command::Link link) {
  const auto at = entries_.find(device);
  if (at == entries_.end() || at->second.link == link) return;
  at->second.link = link;
  // It may have been started anew: what was under way is not any more.
  if (link == command::Link::online) at->second.asked_ms = 0;
}

void Sender::end(const std::string& device, const std::string& reason, std::int64_t now_ms) {
  const auto at = entries_.find(device);
  if (at == entries_.end()) return;
  set(at->second, State::failed, now_ms, reason);
  entries_.erase(at);
}

void Sender::set_connected(bool connected, std::int64_t now_ms) {
  connected_ = connected;
  for (auto& [device, entry] : entries_) entry.asked_ms = now_ms;
}

// ---- what a part says ----

void Sender::state(const std::string& device, const protocol::ImageState& state,
                   std::int64_t now_ms) {
  Entry* entry = find(device, state.part);
  if (entry == nullptr) return;
  if (state.update_id == 0) return since_start(*entry, state, now_ms);
  if (state.update_id != wire_id(entry->update)) return;
  entry->heard_ms = now_ms;
  switch (state.state) {
    case UpdateState::receiving:
      if (entry->update.state == State::queued) set(*entry, State::receiving, now_ms);
      return;
    case UpdateState::verified:
      entry->update.packets_received = entry->update.packets_total;
      return set(*entry, State::verified, now_ms);
    case UpdateState::trying: return set(*entry, State::trying, now_ms);
    case UpdateState::confirmed: return set(*entry, State::confirmed, now_ms);
    case UpdateState::refused: return set(*entry, State::refused, now_ms, name(state.failure));
    case UpdateState::failed: return set(*entry, State::failed, now_ms, name(state.failure));
  }
}

// What has run since the part's start tells how a trial ended; before one it means that the part
// was reset and knows nothing of the update.
void Sender::since_start(Entry& entry, const protocol::ImageState& state, std::int64_t now_ms) {
  entry.heard_ms = now_ms;
  const State before = entry.update.state;
  if (state.version == entry.update.version) return set(entry, State::confirmed, now_ms);
  const bool fell_back = state.failure == UpdateFailure::not_confirmed && before == State::verified;
  if (before == State::trying || fell_back)
    return set(entry, State::failed, now_ms, name(UpdateFailure::not_confirmed));
  if (before == State::queued) return;
  set(entry, State::queued, now_ms);
  entry.asked_ms = 0;
}

void Sender::missing(const std::string& device, const protocol::ImageMissing& missing,
                     std::int64_t now_ms) {
  Entry* entry = find(device, missing.part);
  if (entry == nullptr || missing.update_id != wire_id(entry->update)) return;
  entry->heard_ms = now_ms;
  if (missing.bitmap.empty()) {
    // During a trial it is the new program that does not know; what runs since its start follows.
    if (entry->update.state != State::trying) offer(*entry, now_ms);
    return;
  }
  if (!load(*entry, now_ms)) return;
  const std::size_t count = protocol::packet_count(entry->content->bytes.size());
  const auto lacking = lacking_of(missing.bitmap, count);
  if (entry->update.state == State::queued) set(*entry, State::receiving, now_ms);
  progress(*entry, static_cast<int>(count - lacking.size()), now_ms);
  // An answer from before these were sent: they are still on their way.
  const bool under_way = !entry->under_way.empty() &&
                         now_ms - entry->sent_ms < limits_.under_way_ms &&
                         std::ranges::includes(lacking, entry->under_way);
  if (!under_way) send_packets(*entry, lacking, now_ms);
}

// ---- what is sent ----

bool Sender::load(Entry& entry, std::int64_t now_ms) {
  if (entry.content != nullptr) return true;
  auto& shared = contents_[entry.update.image];
  entry.content = shared.lock();
  if (entry.content == nullptr) entry.content = load_(entry.update.image);
  shared = entry.content;
  if (entry.content == nullptr) {
    set(entry, State::failed, now_ms, "image_gone");
    return false;
  }
  entry.update.packets_total =
      static_cast<int>(protocol::packet_count(entry.content->bytes.size()));
  return true;
}

void Sender::say(Entry& entry, const protocol::Message& message) {
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t bytes = protocol::encode_message(message, frame);
  output_.messages.push_back({entry.update.device, {frame.data(), frame.data() + bytes}});
}

void Sender::offer(Entry& entry, std::int64_t now_ms) {
  if (entry.offered_ms != 0 && now_ms - entry.offered_ms < limits_.offer_ms) return;
  if (!load(entry, now_ms)) return;
  const Image& image = entry.content->image;
  entry.offered_ms = entry.asked_ms = now_ms;
  entry.under_way.clear();
  say(entry, protocol::Image{image.part, wire_id(entry.update), image.version, image.image_bytes,
                             image.sha256, entry.content->signature});
}

void Sender::send_packets(Entry& entry, const std::vector<std::size_t>& lacking,
                          std::int64_t now_ms) {
  const protocol::Bytes bytes(entry.content->bytes);
  const std::size_t count = std::min(limits_.window, lacking.size());
  entry.under_way.assign(lacking.begin(), lacking.begin() + static_cast<std::ptrdiff_t>(count));
  for (const std::size_t index : entry.under_way) {
    const auto data = bytes.subspan(index * protocol::packet_bytes_max,
                                    protocol::packet_bytes(bytes.size(), index));
    const auto number = static_cast<std::uint16_t>(index);
    say(entry, protocol::ImagePacket{wire_id(entry.update), number, data});
    metrics_.add(Count::update_packets_sent);
  }
  entry.sent_ms = entry.asked_ms = now_ms;
  say(entry, protocol::ImageSent{entry.update.part, wire_id(entry.update)});
}

void Sender::ask(Entry& entry, std::int64_t now_ms) {
  if (entry.update.state == State::queued) return offer(entry, now_ms);
  entry.asked_ms = now_ms;
  say(entry, protocol::ImageSent{entry.update.part, wire_id(entry.update)});
}

void Sender::tick(std::int64_t now_ms) {
  for (auto& [device, entry] : entries_) {
    if (entry.done) continue;
    if (now_ms - entry.heard_ms >= limits_.silence_ms) {
      set(entry, State::failed, now_ms, "no_answer");
      continue;
    }
    const bool trying = entry.update.state == State::trying;
    const std::int64_t pause_ms = trying ? limits_.ask_trial_ms : limits_.ask_ms;
    const bool due = entry.asked_ms == 0 || now_ms - entry.asked_ms >= pause_ms;
    if (connected_ && entry.link != command::Link::offline && due) ask(entry, now_ms);
  }
  std::erase_if(entries_, [](const auto& item) { return item.second.done; });
  std::erase_if(contents_, [](const auto& item) { return item.second.expired(); });
}

void Sender::clock_moved(std::int64_t by_ms) {
  for (auto& [device, entry] : entries_)
    for (std::int64_t* at : {&entry.heard_ms, &entry.asked_ms, &entry.offered_ms, &entry.sent_ms,
                             &entry.told_ms})
      if (*at != 0) *at += by_ms;
}

// ---- what has changed ----

void Sender::set(Entry& entry, State state, std::int64_t now_ms, const std::string& reason) {
  if (entry.update.state == state) return;
  entry.update.state = state;
  entry.update.reason = reason;
  entry.update.updated_ms = now_ms;
  if (state == State::queued) entry.update.packets_received = 0;
  entry.done = is_final(state);
  if (state == State::confirmed) metrics_.add(Count::updates_confirmed);
  if (state == State::refused || state == State::failed) metrics_.add(Count::updates_failed);
  output_.changed.push_back(entry.update);
}

void Sender::progress(Entry& entry, int received, std::int64_t now_ms) {
  if (entry.update.packets_received == received) return;
  entry.update.packets_received = received;
  if (now_ms - entry.told_ms < limits_.progress_ms) return;
  entry.told_ms = entry.update.updated_ms = now_ms;
  output_.changed.push_back(entry.update);
}

SenderOutput Sender::take() { return std::exchange(output_, {}); }

}  // namespace meterlens::update
