#include "server/photo/assembler.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/photo/jpeg_shape.h"

namespace meterlens::photo {

using metrics::Count;

Assembler::Assembly::Assembly() = default;

Assembler::Assembler(const AssemblerLimits& limits, metrics::Metrics& metrics)
    : limits_(limits), metrics_(metrics) {}

void Assembler::learn(const std::string& device, const protocol::Digest& newest) {
  devices_[device].newest = newest;
}

void Assembler::piece(const std::string& name, ingest::SmartPiece piece, std::int64_t now_ms) {
  metrics_.add(Count::packets_received);
  Device& device = devices_[name];
  if (!add(name, device, std::move(piece), now_ms)) return;
  report(name, *device.open);
  if (device.open->ended) try_early(name, device, now_ms);
}

bool Assembler::add(const std::string& name, Device& device, ingest::SmartPiece piece,
                    std::int64_t now_ms) {
  Assembly* assembly = open_for(name, device, piece.image_file, now_ms);
  if (assembly == nullptr) return false;
  if (assembly->bytes + piece.data.size() > limits_.photo_bytes_max ||
      assembly->pieces.size() >= limits_.pieces_max) {
    abandon(name, device, "photo too large", now_ms);
    return false;
  }
  if (bytes_ + piece.data.size() > limits_.bytes_max) {
    abandon(name, device, "too many photos in flight", now_ms);
    return false;
  }
  assembly->bytes += piece.data.size();
  bytes_ += piece.data.size();
  assembly->pieces.push_back(std::move(piece.data));
  assembly->indexes.push_back(piece.index);
  if (piece.count) assembly->count = piece.count;
  if (piece.photo_bytes) assembly->photo_bytes = piece.photo_bytes;
  assembly->last_ms = now_ms;
  return true;
}

void Assembler::end(const std::string& name, const ingest::SmartEnd& end, std::int64_t now_ms) {
  Device& device = devices_[name];
  if (end.image_file.empty()) {
    output_.failures.push_back({name, "failed shot: the camera says so"});
    return;
  }
  Assembly* assembly = open_for(name, device, end.image_file, now_ms);
  if (assembly == nullptr || assembly->ended) return;
  assembly->ended = true;
  assembly->last_ms = now_ms;
  if (end.count) assembly->count = end.count;
  if (end.photo_bytes) assembly->photo_bytes = end.photo_bytes;
  assembly->sha256 = end.sha256;
  try_early(name, device, now_ms);
}

Assembler::Assembly* Assembler::open_for(const std::string& name, Device& device,
                                         const std::string& image_file, std::int64_t now_ms) {
  if (device.finished && device.finished->image_file == image_file &&
      now_ms - device.finished->at_ms < limits_.finished_ms) {
    metrics_.add(Count::packets_doubled);
    return nullptr;
  }
  if (device.open && device.open->image_file != image_file) judge(name, device, now_ms);
  if (!device.open) {
    if (photos_ >= limits_.photos_max) {
      metrics_.add(Count::photos_refused);
      return nullptr;
    }
    device.open.emplace();
    device.open->image_file = image_file;
    device.open->first_ms = now_ms;
    ++photos_;
  }
  return &*device.open;
}

void Assembler::close(Device& device, std::int64_t now_ms) {
  device.finished = Finished{device.open->image_file, now_ms};
  bytes_ -= device.open->bytes;
  --photos_;
  device.open.reset();
}

void Assembler::abandon(const std::string& name, Device& device, const char* reason,
                        std::int64_t now_ms) {
  metrics_.add(Count::photos_refused);
  close(device, now_ms);
  output_.failures.push_back({name, reason});
}

bool Assembler::is_open(const std::string& device) const {
  const auto at = devices_.find(device);
  return at != devices_.end() && at->second.open.has_value();
}

void Assembler::forget(const std::string& device) {
  const auto at = devices_.find(device);
  if (at == devices_.end()) return;
  if (at->second.open) {
    bytes_ -= at->second.open->bytes;
    --photos_;
  }
  devices_.erase(at);
}

void Assembler::forget_open() {
  for (auto& [name, device] : devices_) device.open.reset();
  photos_ = 0;
  bytes_ = 0;
}

// With the end mark there: whole already, or are pieces still on the way?
bool Assembler::try_early(const std::string& name, Device& device, std::int64_t now_ms) {
  const Assembly& assembly = *device.open;
  if (assembly.pieces.empty()) return false;
  if (is_numbered(assembly)) {
    Outcome outcome = judge_numbered(assembly);
    if (!outcome.reason.empty() && !outcome.proven) return false;
    finish(name, device, std::move(outcome), now_ms);
    return true;
  }
  if (!check_whole(join(assembly.pieces)).empty()) return false;
  judge(name, device, now_ms);
  return true;
}

void Assembler::judge(const std::string& name, Device& device, std::int64_t now_ms) {
  const Assembly& assembly = *device.open;
  if (assembly.pieces.empty()) {
    close(device, now_ms);
    output_.failures.push_back({name, "failed shot: an end mark without a photo"});
    return;
  }
  if (is_numbered(assembly)) {
    finish(name, device, judge_numbered(assembly), now_ms);
    return;
  }
  auto bytes = best_order(assembly.pieces);
  if (bytes) {
    finish(name, device, {*std::move(bytes), {}, false}, now_ms);
    return;
  }
  finish(name, device, {join(assembly.pieces), bytes.error(), false}, now_ms);
}

bool Assembler::is_numbered(const Assembly& assembly) {
  return assembly.count.has_value() &&
         std::all_of(assembly.indexes.begin(), assembly.indexes.end(),
                     [](const auto& index) { return index.has_value(); });
}

std::expected<std::vector<Piece>, std::string> Assembler::in_number_order(
    const Assembly& assembly) const {
  std::vector<Piece> ordered(*assembly.count);
  for (std::size_t i = 0; i < assembly.pieces.size(); ++i) {
    if (*assembly.indexes[i] >= ordered.size()) return std::unexpected("numbers that do not fit");
    ordered[*assembly.indexes[i]] = assembly.pieces[i];
  }
  const auto lost = std::count_if(ordered.begin(), ordered.end(),
                                  [](const Piece& piece) { return piece.empty(); });
  if (lost > 0) return std::unexpected(fmt::format("{} of {} pieces lost", lost, ordered.size()));
  return ordered;
}

Assembler::Outcome Assembler::judge_numbered(const Assembly& assembly) const {
  const auto ordered = in_number_order(assembly);
  if (!ordered) return {join(assembly.pieces), ordered.error(), false};
  Outcome outcome{join(*ordered), {}, false};
  if (assembly.photo_bytes && *assembly.photo_bytes != outcome.bytes.size()) {
    outcome.reason = "wrong length";
  } else if (!assembly.sha256) {
    outcome.reason = check_whole(outcome.bytes);
  } else if (protocol::sha256(outcome.bytes) != *assembly.sha256) {
    metrics_.add(Count::photos_wrong_hash);
    outcome.reason = "wrong hash";
  } else {
    outcome.proven = true;
    if (const auto shape = look(outcome.bytes); !shape) outcome.reason = photo::name(shape.error());
  }
  return outcome;
}

void Assembler::finish(const std::string& name, Device& device, Outcome outcome,
                       std::int64_t now_ms) {
  Photo photo;
  photo.device = name;
  photo.image_file = device.open->image_file;
  photo.captured_at_ms = device.open->first_ms;
  photo.received_at_ms = now_ms;
  photo.bytes = std::move(outcome.bytes);
  photo.photo_bytes = static_cast<std::int64_t>(photo.bytes.size());
  photo.sha256 = protocol::sha256(photo.bytes);
  photo.reason = std::move(outcome.reason);
  const bool whole = photo.reason.empty();
  // A stock camera whose shot failed sends the file of the shot before under a new name.
  if (whole && !outcome.proven && device.newest == photo.sha256) {
    metrics_.add(Count::photos_stale);
    photo.reason = "stale: the photo before, under a new name";
  }
  if (whole) device.newest = photo.sha256;
  if (!photo.reason.empty()) photo.state = PhotoState::quarantined;
  output_.photos.push_back(std::move(photo));
  close(device, now_ms);
}

void Assembler::report(const std::string& name, const Assembly& assembly) {
  output_.progress.push_back({name, static_cast<int>(assembly.pieces.size()),
                              static_cast<int>(assembly.count.value_or(0))});
}

void Assembler::tick(std::int64_t now_ms) {
  for (auto& [name, device] : devices_) {
    if (!device.open) continue;
    const std::int64_t patience_ms = device.open->ended ? limits_.late_ms : limits_.gap_ms;
    if (now_ms - device.open->last_ms >= patience_ms) judge(name, device, now_ms);
  }
}

void Assembler::clock_moved(std::int64_t by_ms) {
  for (auto& [name, device] : devices_) {
    if (device.finished) device.finished->at_ms += by_ms;
    if (!device.open) continue;
    device.open->first_ms += by_ms;
    device.open->last_ms += by_ms;
  }
}

AssemblerOutput Assembler::take() { return std::exchange(output_, {}); }

}  // namespace meterlens::photo
