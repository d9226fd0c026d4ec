#include "server/command/queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "protocol/require.h"

namespace meterlens::command {

using metrics::Count;
using protocol::Dialect;

namespace {

constexpr const char* lost = "the camera no longer has the photo";

}  // namespace

Queue::Queue(const QueueLimits& limits, metrics::Metrics& metrics)
    : limits_(limits), metrics_(metrics) {}

Queue::Line& Queue::open(const std::string& device) {
  busy_.insert(device);
  return lines_[device];
}

Queue::Line* Queue::find(const std::string& device) {
  const auto at = lines_.find(device);
  return at == lines_.end() ? nullptr : &at->second;
}

const Queue::Line* Queue::find(const std::string& device) const {
  const auto at = lines_.find(device);
  return at == lines_.end() ? nullptr : &at->second;
}

bool Queue::is_full(const std::string& device, std::size_t more) const {
  const Line* line = find(device);
  return (line == nullptr ? 0 : line->waiting.size()) + more >= limits_.device_commands_max;
}

bool Queue::is_idle(const std::string& device) const {
  const Line* line = find(device);
  return line == nullptr || (line->waiting.empty() && !line->active);
}

void Queue::add(const Command& command) {
  protocol::require(!is_full(command.device) && command.state == State::queued);
  Entry entry;
  entry.command = command;
  entry.since_ms = command.created_ms;
  open(command.device).waiting.push_back(std::move(entry));
}

void Queue::take_up(const Command& command, Dialect dialect, std::int64_t now_ms) {
  if (is_final(command.state)) return;
  if (command.state == State::stored) {
    unread_[command.id] = command;
    return;
  }
  Line& line = open(command.device);
  line.dialect = dialect;
  Entry entry;
  entry.command = command;
  entry.since_ms = std::min(command.created_ms, now_ms);
  entry.last_ms = std::min(command.updated_ms, now_ms);
  entry.in_camera = dialect == Dialect::native && command.state == State::transferring;
  if (dialect == Dialect::native || command.state == State::queued || line.active) {
    entry.command.state = State::queued;
    line.waiting.push_back(std::move(entry));
    return;
  }
  entry.command.state = State::sent;
  entry.sent_count = 1;
  entry.last_ms = now_ms;
  line.active = std::move(entry);
}

void Queue::set_link(const std::string& device, Dialect dialect, Link link, std::int64_t now_ms) {
  Line& line = lines_[device];
  line.dialect = dialect;
  const bool went = link == Link::offline && line.link != Link::offline;
  line.link = link;
  // Nobody may have heard it: it waits for the device's return.
  if (went && line.active && line.active->command.state == State::sent)
    back_to_waiting(line, now_ms, {});
}

std::int64_t Queue::active(const std::string& device) const {
  const Line* line = find(device);
  return line != nullptr && line->active ? line->active->command.id : 0;
}

bool Queue::knows(const std::string& device, std::int64_t command) const {
  if (const auto at = unread_.find(command); at != unread_.end())
    return at->second.device == device;
  const Line* line = find(device);
  if (line == nullptr) return false;
  const auto is_it = [&](const Entry& entry) { return entry.command.id == command; };
  return active(device) == command || std::ranges::any_of(line->waiting, is_it) ||
         std::ranges::any_of(line->kept, is_it);
}

Queue::Entry* Queue::activate(const std::string& device, std::int64_t command) {
  Line* line = find(device);
  if (line == nullptr) return nullptr;
  if (line->active && (command == 0 || line->active->command.id == command)) return &*line->active;
  const auto at = std::find_if(line->waiting.begin(), line->waiting.end(),
                               [&](const Entry& entry) { return entry.command.id == command; });
  if (at == line->waiting.end() || line->active) return nullptr;
  line->active = std::move(*at);
  line->waiting.erase(at);
  return &*line->active;
}

Queue::Entry* Queue::entry_of(const std::string& device, std::int64_t command) {
  if (Line* line = find(device); line != nullptr) {
    for (Entry& entry : line->kept) {
      if (entry.command.id == command) return &entry;
    }
  }
  if (Entry* entry = activate(device, command); entry != nullptr) return entry;
  // Its photo is there already, and another one is under way.
  Line* line = find(device);
  if (line == nullptr) return nullptr;
  const auto at = std::ranges::find_if(
      line->waiting, [&](const Entry& entry) { return entry.command.id == command; });
  if (at == line->waiting.end()) return nullptr;
  Entry entry = std::move(*at);
  line->waiting.erase(at);
  entry.in_camera = true;
  line->kept.push_back(std::move(entry));
  return &line->kept.back();
}

void Queue::report(const std::string& device, const protocol::Report& report, std::int64_t now_ms) {
  Entry* entry = activate(device, report.command_id);
  if (entry == nullptr || report.command_id == 0) return;
  entry->last_ms = now_ms;
  const State state = entry->command.state;
  switch (report.state) {
    case protocol::CaptureState::received:
      if (state < State::received) set(*entry, State::received, now_ms);
      break;
    case protocol::CaptureState::shooting:
      if (state < State::shooting) set(*entry, State::shooting, now_ms);
      break;
    case protocol::CaptureState::failed:
      // Another shot is being taken, by a timer of the device's: after that one, then.
      if (report.failure == protocol::CaptureFailure::busy &&
          entry->busy_count < limits_.busy_retries_max) {
        ++entry->busy_count;
        Line& line = *find(device);
        back_to_waiting(line, now_ms, "the camera is taking another photo");
        line.not_before_ms = now_ms + limits_.busy_ms;
        break;
      }
      finish(*find(device), State::failed, fmt::format("camera: {}", name(report.failure)), now_ms);
      break;
  }
}

void Queue::offered(const std::string& device, std::int64_t command, std::uint32_t photo_id,
                    std::int64_t now_ms) {
  if (Entry* entry = command == 0 ? nullptr : entry_of(device, command); entry != nullptr) {
    entry->in_camera = true;
    entry->photo_id = photo_id;
    entry->last_ms = now_ms;
  }
  Line* line = find(device);
  if (line == nullptr) return;
  const auto is_past = [&](const Entry& entry) {
    return entry.photo_id != 0 && entry.photo_id < photo_id;
  };
  while (true) {
    const auto at = std::ranges::find_if(line->kept, is_past);
    if (at == line->kept.end()) break;
    give_up(*line, at->command.id, lost, now_ms);
  }
  if (line->active && is_past(*line->active))
    give_up(*line, line->active->command.id, lost, now_ms);
}

void Queue::refused(const std::string& device, std::int64_t command, const std::string& reason,
                    bool is_final, std::int64_t now_ms) {
  Entry* entry = command == 0 ? nullptr : entry_of(device, command);
  if (entry == nullptr) return;
  Line& line = *find(device);
  if (is_final) return give_up(line, command, reason, now_ms);
  entry->last_ms = now_ms;
  if (line.active && entry == &*line.active) {
    Entry kept = std::move(*line.active);
    line.active.reset();
    return keep(line, std::move(kept), reason, now_ms);
  }
  if (entry->command.reason != reason) set(*entry, State::transferring, now_ms, reason);
}

void Queue::progress(const std::string& device, std::int64_t command, int received, int total,
                     std::int64_t now_ms) {
  Entry* entry = entry_of(device, command);
  if (entry == nullptr) return;
  entry->last_ms = now_ms;
  entry->command.packets_received = received;
  entry->command.packets_total = total;
  const bool first = entry->command.state != State::transferring;
  if (!first && received != total && now_ms - entry->told_ms < limits_.progress_ms) return;
  entry->told_ms = now_ms;
  set(*entry, State::transferring, now_ms);
}

void Queue::stored(const std::string& device, std::int64_t command, std::int64_t photo,
                   std::int64_t now_ms) {
  Entry* entry = command == 0 ? nullptr : entry_of(device, command);
  if (entry == nullptr) return;
  Line& line = *find(device);
  entry->command.photo = photo;
  if (entry->command.packets_total == 0)
    entry->command.packets_total = entry->command.packets_received;
  entry->command.packets_received = entry->command.packets_total;
  set(*entry, State::stored, now_ms);
  unread_[command] = std::move(entry->command);
  if (!line.active || entry != &*line.active) {
    line.kept.erase(line.kept.begin() + (entry - line.kept.data()));
    return;
  }
  line.active.reset();
  line.not_before_ms = now_ms + (line.dialect == Dialect::smartdtu ? limits_.pause_ms : 0);
}

void Queue::mend(const Command& command, std::int64_t now_ms) {
  Command mended = command;
  if (mended.state == State::stored)
    unread_[mended.id] = mended;
  else
    metrics_.add(Count::commands_finished);
  change(mended, now_ms);
}

void Queue::shot_failed(const std::string& device, std::int64_t command, std::int64_t photo,
                        const std::string& reason, std::int64_t now_ms) {
  Entry* entry = command == 0 ? nullptr : entry_of(device, command);
  if (entry == nullptr) return;
  Line& line = *find(device);
  if (photo != 0) entry->command.photo = photo;
  ++entry->shots_failed;
  if (line.dialect == Dialect::native || entry->shots_failed > limits_.retries_max) {
    give_up(line, command, reason, now_ms);
  } else {
    back_to_waiting(line, now_ms, reason);
  }
}

bool Queue::read(std::int64_t command, std::int64_t reading, std::int64_t now_ms) {
  const auto at = unread_.find(command);
  if (at == unread_.end()) return false;
  Command read = std::move(at->second);
  unread_.erase(at);
  read.state = State::read;
  read.reading = reading;
  metrics_.add(Count::commands_finished);
  change(read, now_ms);
  return true;
}

void Queue::end_all(const std::string& device, const std::string& reason, std::int64_t now_ms) {
  Line* line = find(device);
  if (line == nullptr) return;
  while (!line->kept.empty()) give_up(*line, line->kept.front().command.id, reason, now_ms);
  if (line->active) finish(*line, State::failed, reason, now_ms);
  for (Entry& entry : line->waiting) {
    set(entry, State::failed, now_ms, reason);
    metrics_.add(Count::commands_failed);
  }
  line->waiting.clear();
}

void Queue::forget(const std::string& device) {
  lines_.erase(device);
  std::erase_if(unread_, [&](const auto& one) { return one.second.device == device; });
}

bool Queue::may_pause(const std::string& device) const {
  const Line* line = find(device);
  return connected_ && (line == nullptr || !line->active);
}

void Queue::pause(const std::string& device, std::int64_t until_ms) {
  if (Line* line = find(device); line != nullptr)
    line->not_before_ms = std::max(line->not_before_ms, until_ms);
}

void Queue::set_connected(bool connected, std::int64_t now_ms) {
  if (connected && !connected_) {
    for (auto& [device, line] : lines_) {
      if (line.active) line.active->last_ms = now_ms;
    }
  }
  connected_ = connected;
}

void Queue::tick(std::int64_t now_ms) {
  for (auto device = busy_.begin(); device != busy_.end();) {
    Line* line = find(*device);
    if (line == nullptr || line->is_empty()) {
      device = busy_.erase(device);
      continue;
    }
    if (connected_ && line->active) tick_active(*line, now_ms);
    if (!line->waiting.empty()) tick_waiting(*line, now_ms);
    if (!line->kept.empty()) tick_kept(*line, now_ms);
    ++device;
  }
}

std::int64_t Queue::patience_ms(const Line& line) const {
  if (line.active->command.state == State::sent) return limits_.answer_ms;
  if (line.dialect == Dialect::smartdtu) return limits_.smart_transfer_ms;
  const bool moving = line.active->command.state == State::transferring;
  return moving || line.link == Link::offline ? limits_.transfer_ms : limits_.shot_ms;
}

void Queue::tick_active(Line& line, std::int64_t now_ms) {
  Entry& entry = *line.active;
  if (now_ms - entry.last_ms < patience_ms(line)) return;
  const Command& command = entry.command;
  switch (command.state) {
    case State::sent:
      if (entry.sent_count < 2) return send(line, now_ms);
      return run_out(line, "no answer from the device, asked twice", now_ms);
    case State::transferring:
      return run_out(line,
                     command.packets_total == 0
                         ? fmt::format("the photo stopped after {} pieces",
                                       command.packets_received)
                         : fmt::format("the photo stopped at packet {} of {}",
                                       command.packets_received, command.packets_total),
                     now_ms);
    default:
      return run_out(line, "the camera sent no photo in time", now_ms);
  }
}

// The time of the one under way is up: its end, unless the photo is safe where it is.
void Queue::run_out(Line& line, const std::string& reason, std::int64_t now_ms) {
  if (!line.active->in_camera) return finish(line, State::failed, reason, now_ms);
  Entry entry = std::move(*line.active);
  line.active.reset();
  keep(line, std::move(entry), reason + "; the camera keeps it", now_ms);
}

void Queue::keep(Line& line, Entry entry, std::string reason, std::int64_t now_ms) {
  entry.in_camera = true;
  set(entry, State::transferring, now_ms, std::move(reason));
  line.kept.push_back(std::move(entry));
}

void Queue::tick_kept(Line& line, std::int64_t now_ms) {
  while (line.kept.size() > limits_.device_kept_max)
    give_up(line, line.kept.front().command.id, lost, now_ms);
  while (true) {
    const auto at = std::ranges::find_if(line.kept, [&](const Entry& entry) {
      return now_ms - entry.last_ms >= limits_.kept_ms;
    });
    if (at == line.kept.end()) return;
    give_up(line, at->command.id,
            fmt::format("nothing was heard of the photo for {} h", limits_.kept_ms / 3'600'000),
            now_ms);
  }
}

void Queue::tick_waiting(Line& line, std::int64_t now_ms) {
  for (auto at = line.waiting.begin(); at != line.waiting.end();) {
    if (now_ms - at->since_ms < limits_.expire_ms) {
      ++at;
      continue;
    }
    if (at->in_camera) {
      Entry entry = std::move(*at);
      at = line.waiting.erase(at);
      keep(line, std::move(entry), "the photo waits in the camera", now_ms);
      continue;
    }
    const std::string& before = at->command.reason;
    set(*at, State::expired, now_ms,
        before.empty() ? "the device did not come online in time" : before);
    metrics_.add(Count::commands_expired);
    at = line.waiting.erase(at);
  }
  if (!connected_ || line.active || line.waiting.empty() || line.link == Link::offline ||
      now_ms < line.not_before_ms)
    return;
  line.active = std::move(line.waiting.front());
  line.waiting.erase(line.waiting.begin());
  line.active->sent_count = 0;
  send(line, now_ms);
}

void Queue::send(Line& line, std::int64_t now_ms) {
  Entry& entry = *line.active;
  ++entry.sent_count;
  entry.last_ms = now_ms;
  output_.sends.push_back({entry.command.device, line.dialect, entry.command.id});
  if (entry.command.state != State::sent) set(entry, State::sent, now_ms, entry.command.reason);
}

// One that is under way or kept.
void Queue::give_up(Line& line, std::int64_t command, std::string reason, std::int64_t now_ms) {
  const auto at = std::ranges::find_if(
      line.kept, [&](const Entry& entry) { return entry.command.id == command; });
  if (at == line.kept.end()) return finish(line, State::failed, reason, now_ms);
  set(*at, State::failed, now_ms, std::move(reason));
  metrics_.add(Count::commands_failed);
  line.kept.erase(at);
}

void Queue::finish(Line& line, State state, const std::string& reason, std::int64_t now_ms) {
  set(*line.active, state, now_ms, reason);
  metrics_.add(Count::commands_failed);
  line.active.reset();
  line.not_before_ms = now_ms + (line.dialect == Dialect::smartdtu ? limits_.pause_ms : 0);
}

void Queue::back_to_waiting(Line& line, std::int64_t now_ms, const std::string& reason) {
  Entry entry = std::move(*line.active);
  line.active.reset();
  entry.command.packets_received = 0;
  entry.command.packets_total = 0;
  set(entry, State::queued, now_ms, reason);
  line.waiting.insert(line.waiting.begin(), std::move(entry));
  line.not_before_ms = now_ms + (line.dialect == Dialect::smartdtu ? limits_.pause_ms : 0);
}

void Queue::set(Entry& entry, State state, std::int64_t now_ms, std::string reason) {
  entry.command.state = state;
  entry.command.reason = std::move(reason);
  change(entry.command, now_ms);
}

void Queue::change(Command& command, std::int64_t now_ms) {
  command.updated_ms = now_ms;
  output_.changed.push_back(command);
}

void Queue::clock_moved(std::int64_t by_ms) {
  const auto move = [&](Entry& entry) {
    entry.last_ms += by_ms;
    entry.told_ms += by_ms;
    entry.since_ms += by_ms;
  };
  for (auto& [device, line] : lines_) {
    line.not_before_ms += by_ms;
    if (line.active) move(*line.active);
    for (Entry& entry : line.waiting) move(entry);
    for (Entry& entry : line.kept) move(entry);
  }
}

QueueOutput Queue::take() { return std::exchange(output_, {}); }

}  // namespace meterlens::command
