#include "sim/line.h"

#include <algorithm>
#include <utility>

namespace meterlens::sim {

Line::Line(Events& events, const Faults& faults, Random random, Ends ends)
    : events_(events), faults_(faults), random_(random), ends_(std::move(ends)) {
  for (std::uint8_t kind = 0; kind < kind_count; ++kind)
    to_next_[kind] = random_.gap(mean_of(static_cast<Kind>(kind)));
}

double Line::mean_of(Kind kind) const {
  switch (kind) {
    case flip: return faults_.flip_bytes;
    case drop: return faults_.drop_bytes;
    case insert: return faults_.insert_bytes;
    default: return faults_.repeat_bytes;
  }
}

void Line::nudge() {
  if (busy_) return;
  std::vector<std::uint8_t> bytes(line_step_bytes);
  bytes.resize(ends_.pull(bytes));
  if (bytes.empty()) return;
  busy_ = true;
  std::int64_t time_us = static_cast<std::int64_t>(bytes.size()) * 10 * 1'000'000 / line_baud;
  if (random_.chance(faults_.stall_chance)) time_us += random_.in(0, 200'000);
  events_.after(time_us, [this, bytes = std::move(bytes), generation = generation_] {
    if (generation == generation_) arrive(bytes);
  });
}

void Line::arrive(const std::vector<std::uint8_t>& bytes) {
  busy_ = false;
  if (!muted_) ends_.deliver(spoil(bytes));
  nudge();
}

void Line::clear() {
  ++generation_;
  busy_ = false;
}

std::vector<std::uint8_t> Line::spoil(const std::vector<std::uint8_t>& bytes) {
  std::vector<std::uint8_t> out = bytes;
  for (std::uint8_t k = 0; k < kind_count; ++k) {
    const auto kind = static_cast<Kind>(k);
    if (mean_of(kind) == 0) continue;
    for (to_next_[k] -= static_cast<double>(bytes.size()); to_next_[k] < 0;
         to_next_[k] += random_.gap(mean_of(kind)))
      if (!out.empty()) spoil_at(kind, random_.below(out.size()), out);
  }
  return out;
}

void Line::spoil_at(Kind kind, std::size_t at, std::vector<std::uint8_t>& bytes) {
  const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  const auto few = static_cast<std::ptrdiff_t>(
      std::min<std::uint64_t>(1 + random_.below(8), bytes.size() - at));
  switch (kind) {
    case flip: *place ^= static_cast<std::uint8_t>(1U << random_.below(8)); return;
    case drop: bytes.erase(place, place + few); return;
    case repeat: {
      const std::vector<std::uint8_t> again(place, place + few);
      bytes.insert(place, again.begin(), again.end());
      return;
    }
    default:
      for (std::ptrdiff_t i = 0; i < few; ++i)
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                     static_cast<std::uint8_t>(random_.next()));
  }
}

}  // namespace meterlens::sim
