#include "sim/flash.h"

#include <algorithm>

#include "protocol/require.h"

namespace meterlens::sim {
namespace {

constexpr int erase_calls = 3;  // until an erasure is done

}  // namespace

MeterlensFlash Flash::port() {
  MeterlensFlash out{};
  out.context = this;
  out.slot_count = static_cast<std::uint32_t>(slots_.size());
  out.slot_bytes = slot_bytes_;
  out.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* to,
                std::uint32_t bytes) {
    static_cast<Flash*>(self)->read(slot, offset, static_cast<std::uint8_t*>(to), bytes);
    return true;
  };
  out.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                   std::uint32_t bytes) {
    return static_cast<Flash*>(self)->program(slot, offset, static_cast<const std::uint8_t*>(data),
                                              bytes);
  };
  out.erase = [](void* self, std::uint32_t slot) { return static_cast<Flash*>(self)->erase(slot); };
  return out;
}

void Flash::cut_after(int writes, double share) {
  writes_left_ = writes;
  share_ = share;
}

// How much of the write happens.
double Flash::begin_write() {
  if (writes_left_ == 0) return 0;
  ++writes_;
  if (writes_left_ > 0 && --writes_left_ == 0) return share_;
  return 1;
}

bool Flash::program(std::uint32_t slot, std::uint32_t offset, const std::uint8_t* from,
                    std::uint32_t bytes) {
  protocol::require(offset + bytes <= slot_bytes_);
  double share = begin_write();
  const bool fails = has_power() && random_.chance(failure_chance_);
  if (fails) share *= random_.unit();
  const auto done = static_cast<std::uint32_t>(share * bytes);
  Slot& to = slots_[slot];
  if (to.size() < offset + done) to.resize(offset + done, 0xFF);
  for (std::uint32_t i = 0; i < done; ++i) to[offset + i] &= from[i];
  return !fails;
}

int Flash::erase(std::uint32_t slot) {
  if (++erase_calls_ < erase_calls) return 0;
  erase_calls_ = 0;
  const double share = begin_write();
  if (has_power() && random_.chance(failure_chance_)) return -1;
  Slot& bytes = slots_[slot];
  const auto done = static_cast<std::size_t>(share * static_cast<double>(bytes.size()));
  if (done == bytes.size()) {
    bytes.clear();
  } else {
    std::fill_n(bytes.begin(), done, std::uint8_t{0xFF});
  }
  return 1;
}

void Flash::read(std::uint32_t slot, std::uint32_t offset, std::uint8_t* out,
                 std::uint32_t bytes) const {
  protocol::require(offset + bytes <= slot_bytes_);
  const Slot& from = slots_[slot];
  const std::size_t begin = std::min<std::size_t>(offset, from.size());
  const std::size_t part = std::min<std::size_t>(bytes, from.size() - begin);
  std::copy_n(from.data() + begin, part, out);
  std::fill_n(out + part, bytes - part, std::uint8_t{0xFF});
}

bool Flash::rot() {
  Slot& slot = slots_[random_.below(slots_.size())];
  if (slot.empty()) return false;
  slot[random_.below(slot.size())] ^= static_cast<std::uint8_t>(1U << random_.below(8));
  return true;
}

}  // namespace meterlens::sim
