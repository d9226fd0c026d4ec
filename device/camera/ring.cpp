#include "device/camera/ring.h"

#include <algorithm>
#include <bit>

#include "protocol/bytes.h"
#include "protocol/message.h"
#include "protocol/require.h"

namespace meterlens::camera {
namespace {

using protocol::require;

constexpr std::uint32_t magic = 0x31504C4D;  // "MLP1"
constexpr std::size_t head_bytes = 64;
constexpr std::uint32_t notes_offset = 80, note_count_max = 2;
constexpr std::uint32_t mark_offset = 112;
constexpr std::size_t mark_bytes = 16;

using HeadBytes = std::array<std::uint8_t, slot_head_bytes>;

bool is_whole(const HeadBytes& raw) {
  protocol::ByteReader in(Bytes(raw).subspan(head_bytes, 4));
  return in.u32() == protocol::crc32(Bytes(raw).first(head_bytes));
}

// Whether it is a head, perhaps with one bit turned, which is turned back.
bool mend_head(HeadBytes& raw) {
  protocol::ByteReader in(raw);
  if (std::popcount(in.u32() ^ magic) > 1) return false;
  if (is_whole(raw)) return true;
  for (std::size_t bit = 0; bit < 8 * (head_bytes + 4); ++bit) {
    const auto flip = static_cast<std::uint8_t>(1U << bit % 8);
    raw[bit / 8] ^= flip;
    if (is_whole(raw)) return true;
    raw[bit / 8] ^= flip;
  }
  return false;
}

bool is_erased(Bytes mark) {
  int ones = 0;
  for (const std::uint8_t byte : mark) ones += std::popcount(byte);
  return 2 * ones >= static_cast<int>(8 * mark.size());
}

}  // namespace

PhotoRing::PhotoRing(const MeterlensFlash& flash, std::uint32_t first_id)
    : flash_(flash), next_id_(std::max(first_id, 1U)) {
  require(flash.slot_count >= 3 && flash.slot_count <= slot_count_max &&
          flash.slot_bytes > slot_head_bytes);
}

void PhotoRing::load() {
  for (std::uint32_t at = 0; at < flash_.slot_count; ++at) load_slot(at);
  // With every slot read, only a power cut between a commit and the farewell to the oldest leaves
  // none free; that loss stands in the newest head.
  const bool all_wait = waiting_count() == flash_.slot_count;
  if (const auto photo = all_wait ? oldest() : std::nullopt) forget(photo->id, false);
}

void PhotoRing::load_slot(std::uint32_t at) {
  Slot& slot = slots_[at];
  slot = Slot{};
  HeadBytes raw;
  if (!flash_.read(flash_.context, at, 0, raw.data(), slot_head_bytes)) {
    slot.state = State::broken;
    slot.failures = slot_failures_max;
    return;
  }
  if (!mend_head(raw)) return;
  protocol::ByteReader in(raw);
  in.take(4);
  Photo photo;
  photo.id = in.u32();
  photo.bytes = in.u32();
  photo.command_id = in.u32();
  photo.captured_at_ms = in.u64();
  const std::uint32_t lost = in.u32();
  const bool smartdtu = in.u8() != 0;
  in.take(3);
  const Bytes digest = in.take(photo.sha256.size());
  std::copy(digest.begin(), digest.end(), photo.sha256.begin());
  if (photo.bytes == 0 || photo.bytes > photo_bytes_max()) return;
  const auto mark = Bytes(raw).subspan(mark_offset, mark_bytes);
  slot.state = is_erased(mark) ? State::waiting : State::dirty;
  slot.photo = photo;
  next_id_ = std::max(next_id_, photo.id + 1);
  if (photo.id < newest_id_) return;
  newest_id_ = photo.id;
  newest_slot_ = at;
  lost_count_ = lost;
  notes_ = 0;
  for (std::uint32_t i = 0; i < note_count_max; ++i) {
    if (is_erased(Bytes(raw).subspan(notes_offset + i * mark_bytes, mark_bytes))) continue;
    ++lost_count_;
    notes_ = i + 1;
  }
  dialect_ = smartdtu ? protocol::Dialect::smartdtu : protocol::Dialect::native;
}

std::uint32_t PhotoRing::free_count() const {
  return static_cast<std::uint32_t>(std::count_if(
      slots_.begin(), slots_.begin() + flash_.slot_count,
      [](const Slot& slot) { return slot.state == State::dirty || slot.state == State::erased; }));
}

bool PhotoRing::keeps_time() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& slot) {
    const Photo& photo = slot.photo;
    return slot.state == State::waiting && photo.captured_at_ms == 0 && photo.shot_since_start;
  });
}

std::uint16_t PhotoRing::waiting_count() const {
  return static_cast<std::uint16_t>(std::count_if(
      slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.state == State::waiting; }));
}

// An erased slot, else that of the oldest forgotten photo: the head of the newest photo, which
// carries the numbers on, is overwritten last.
std::optional<std::uint32_t> PhotoRing::best_free() const {
  std::optional<std::uint32_t> best;
  for (std::uint32_t at = 0; at < flash_.slot_count; ++at) {
    const Slot& slot = slots_[at];
    if (slot.state == State::erased) return at;
    if (slot.state != State::dirty) continue;
    if (!best || slot.photo.id < slots_[*best].photo.id) best = at;
  }
  return best;
}

// Before the photo goes: a loss is rather counted twice than never.
void PhotoRing::note_loss() {
  ++lost_count_;
  constexpr std::array<std::uint8_t, mark_bytes> note{};
  bool noted = !newest_slot_;
  while (!noted && notes_ < note_count_max) {
    const auto offset = static_cast<std::uint32_t>(notes_offset + notes_++ * mark_bytes);
    noted = flash_.program(flash_.context, *newest_slot_, offset, note.data(), note.size());
  }
}

void PhotoRing::break_slot(std::uint32_t at) {
  slots_[at].state = State::broken;
  ++slots_[at].failures;
}

// Before a waiting photo goes, and with it perhaps the last head that carries the numbers on.
void PhotoRing::try_broken_again() {
  for (std::uint32_t at = 0; at < flash_.slot_count; ++at) {
    Slot& slot = slots_[at];
    if (slot.state != State::broken || slot.failures >= slot_failures_max) continue;
    slot.state = State::dirty;
    return;
  }
}

FlashStep PhotoRing::prepare() {
  if (!writing_) {
    if (free_count() == 0) try_broken_again();
    if (const auto photo = free_count() == 0 ? oldest() : std::nullopt) forget(photo->id, true);
    writing_ = best_free();
    if (!writing_) return FlashStep::failed;
  }
  Slot& slot = slots_[*writing_];
  if (slot.state != State::erased) {
    const int progress = flash_.erase(flash_.context, *writing_);
    if (progress == 0) return FlashStep::pending;
    if (newest_slot_ == writing_) newest_slot_.reset();
    slot = Slot{State::erased, slot.failures, Photo{}};
    if (progress < 0) {
      break_slot(*writing_);
      writing_.reset();
      return FlashStep::failed;
    }
  }
  written_bytes_ = 0;
  return FlashStep::done;
}

bool PhotoRing::write(Bytes part) {
  require(writing_ && part.size() <= photo_bytes_max() - written_bytes_);
  Slot& slot = slots_[*writing_];
  slot.state = State::dirty;
  const auto bytes = static_cast<std::uint32_t>(part.size());
  if (!flash_.program(flash_.context, *writing_, slot_head_bytes + written_bytes_, part.data(),
                      bytes)) {
    break_slot(*writing_);
    writing_.reset();
    return false;
  }
  written_bytes_ += bytes;
  return true;
}

bool PhotoRing::commit(Photo photo, protocol::Dialect dialect) {
  require(writing_ && written_bytes_ > 0);
  const std::uint32_t at = *writing_;
  writing_.reset();
  photo.id = next_id_;
  photo.bytes = written_bytes_;
  // The loss this commit causes stands in its own head: it is on record before it happens.
  const bool full = free_count() == 1;
  std::array<std::uint8_t, 80> raw{};
  protocol::ByteWriter out(raw);
  out.u32(magic);
  out.u32(photo.id);
  out.u32(photo.bytes);
  out.u32(photo.command_id);
  out.u64(photo.captured_at_ms);
  out.u32(lost_count_ + (full ? 1 : 0));
  out.u32(dialect == protocol::Dialect::smartdtu ? 1 : 0);
  out.put(photo.sha256);
  out.u32(protocol::crc32(Bytes(raw).first(head_bytes)));
  if (!flash_.program(flash_.context, at, 0, raw.data(), raw.size())) {
    // The head may be whole all the same: then a reset would find it, and neither the number nor
    // the photo may be there twice.
    break_slot(at);
    mark_forgotten(at);
    ++next_id_;
    return false;
  }
  if (const auto lost = full ? oldest() : std::nullopt) {
    forget(lost->id, false);
    ++lost_count_;
  }
  slots_[at] = Slot{State::waiting, 0, photo};
  dialect_ = dialect;
  newest_id_ = next_id_++;
  newest_slot_ = at;
  notes_ = 0;
  return true;
}

std::optional<Photo> PhotoRing::oldest() const {
  const Slot* first = nullptr;
  for (const Slot& slot : slots_) {
    if (slot.state != State::waiting) continue;
    if (first == nullptr || slot.photo.id < first->photo.id) first = &slot;
  }
  return first == nullptr ? std::nullopt : std::optional(first->photo);
}

std::optional<std::uint32_t> PhotoRing::slot_of(std::uint32_t id) const {
  for (std::uint32_t at = 0; at < flash_.slot_count; ++at)
    if (slots_[at].state == State::waiting && slots_[at].photo.id == id) return at;
  return std::nullopt;
}

std::optional<Photo> PhotoRing::find(std::uint32_t id) const {
  const auto at = slot_of(id);
  return at ? std::optional(slots_[*at].photo) : std::nullopt;
}

bool PhotoRing::knows_command(std::uint32_t command_id) const {
  return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.photo.id != 0 && slot.photo.command_id == command_id;
  });
}

bool PhotoRing::read(std::uint32_t id, std::uint32_t offset, std::span<std::uint8_t> out) const {
  const auto at = slot_of(id);
  require(at && offset + out.size() <= slots_[*at].photo.bytes);
  return flash_.read(flash_.context, *at, slot_head_bytes + offset, out.data(),
                     static_cast<std::uint32_t>(out.size()));
}

void PhotoRing::forget(std::uint32_t id, bool lost) {
  const auto at = slot_of(id);
  if (!at) return;
  if (lost) note_loss();
  mark_forgotten(*at);
  slots_[*at].state = State::dirty;
}

// A mark that fails costs a transfer after the next reset, which the server recognises.
void PhotoRing::mark_forgotten(std::uint32_t at) {
  constexpr std::array<std::uint8_t, mark_bytes> mark{};
  flash_.program(flash_.context, at, mark_offset, mark.data(), mark.size());
}

}  // namespace meterlens::camera
