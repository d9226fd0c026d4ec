// The records of messages and health: written together, thinned, and forgotten in time.
#include "server/fleet_steps.h"

#include <algorithm>
#include <iterator>

#include "server/steps.h"

namespace meterlens::server {
namespace {

constexpr std::int64_t samples_every_ms = 5'000;
constexpr std::int64_t forget_every_ms = 600'000;
constexpr int six_hours_ms = 21'600'000;

// Anything else is a fault of what was to be written, and would be one for ever.
bool is_of_the_store(const store::Error& error) {
  using enum store::ErrorCode;
  return error.code == locked || error.code == read_only || error.code == disk_full ||
         error.code == unreachable;
}

}  // namespace

void FleetSteps::note_message(std::string_view topic, protocol::Bytes payload, std::int64_t at_ms) {
  const fleet::RecordLimits& limits = steps_.settings.records;
  if (limits.device_messages_max == 0) return;
  auto message = fleet::record(topic, payload, at_ms, limits);
  if (!message) return;
  const std::lock_guard lock(messages_mutex_);
  if (messages_.size() >= limits.waiting_max) {
    steps_.metrics.add(metrics::Count::messages_not_recorded);
    return;
  }
  messages_.push_back(*std::move(message));
}

void FleetSteps::note(const ingest::Packet& packet) {
  if (auto sample = fleet::sample_of(packet)) {
    auto& kept = samples_[{sample->device, sample->source}];
    kept = *std::move(sample);
  }
  const auto* state = std::get_if<ingest::SmartState>(&packet.content);
  if (state == nullptr) return;
  const auto at = lines_.find(packet.device);
  if (at == lines_.end() || !at->second.sent) return;
  if (!fleet::confirms(*at->second.sent, state->json)) return;
  end(*at->second.sent, fleet::ControlState::confirmed, "");
  at->second.sent.reset();
}

// Those that came meanwhile stand behind them; of more than may wait the latest go.
void FleetSteps::put_back(std::vector<fleet::Message> messages) {
  const std::size_t most = steps_.settings.records.waiting_max;
  const std::lock_guard lock(messages_mutex_);
  std::ranges::move(messages_, std::back_inserter(messages));
  if (messages.size() > most) {
    steps_.metrics.add(metrics::Count::messages_not_recorded, messages.size() - most);
    messages.resize(most);
  }
  messages_ = std::move(messages);
}

void FleetSteps::write_records() {
  const fleet::RecordLimits& limits = steps_.settings.records;
  std::vector<fleet::Message> messages;
  {
    const std::lock_guard lock(messages_mutex_);
    messages.swap(messages_);
  }
  std::erase_if(messages, [&](const fleet::Message& one) { return is_disabled(one.device); });
  const auto added = messages.empty() ? store::Result<void>() : rows_.add_messages(messages);
  if (!keep(added, "the messages")) {
    if (is_of_the_store(added.error())) return put_back(std::move(messages));
    steps_.metrics.add(metrics::Count::messages_not_recorded, messages.size());
    return;
  }
  for (const fleet::Message& message : messages) {
    // Some more than the limit are kept for a while, so that not every message deletes one.
    std::int64_t& since = messages_since_[message.device];
    if (++since < std::max<std::int64_t>(1, limits.device_messages_max / 10)) continue;
    since = 0;
    if (!keep(rows_.forget_messages(message.device, limits.device_messages_max), "the messages"))
      return;
  }
  if (steps_.now_ms - samples_written_ms_ >= samples_every_ms && !samples_.empty()) {
    samples_written_ms_ = steps_.now_ms;
    std::vector<fleet::Sample> samples;
    for (const auto& [key, sample] : samples_) samples.push_back(sample);
    const auto written = rows_.add_samples(samples, limits.health_every_ms);
    if (written || !is_of_the_store(written.error())) samples_.clear();
    if (!keep(written, "the health")) return;
  }
  const bool forgets = steps_.settings.role != Role::worker && steps_.leads;
  if (forgets && steps_.now_ms - forgot_ms_ >= forget_every_ms) forget_old();
}

void FleetSteps::forget_old() {
  const fleet::RecordLimits& limits = steps_.settings.records;
  const std::int64_t now_ms = steps_.now_ms;
  forgot_ms_ = now_ms;
  const auto slots = std::max<std::int64_t>(1, six_hours_ms / limits.health_every_ms);
  keep(rows_.thin_samples(now_ms - limits.health_days * day_ms, static_cast<int>(slots),
                          now_ms - limits.health_days_max * day_ms),
       "what is too old");
}

}  // namespace meterlens::server
