// The photos in the camera's flash: a ring of slots, one photo each, oldest first. A photo is there
// from `commit` to `forget` and survives resets and power cuts in between; a slot half written is
// free again after a reset. When all slots but one hold photos, the oldest gives way to a new one,
// and that is counted for good (photos_lost).
//
// A slot on the flash (numbers little-endian), data from byte 128:
//    0 magic u32 "MLP1"   4 id u32      8 bytes u32   12 command_id u32  16 captured_at_ms u64
//   24 lost u32          28 dialect u8 29 zero x 3    32 sha256 x 32     64 crc32 of 0..63 u32
//   80 twice sixteen bytes 0xFF; each programmed to 0 for a photo lost after this head was written,
//      for as long as it is the newest
//  112 sixteen bytes 0xFF; programmed to 0 when the photo is forgotten
//
// One bit of a head or a mark that turns by itself changes nothing: a head is mended by its CRC, a
// mark counts by the majority of its bits.
//
// No heap; one thread. Every call is at most one flash access of the board, but for `load`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "device/port.h"
#include "protocol/checksum.h"
#include "protocol/ids.h"

namespace meterlens::camera {

using protocol::Bytes;

inline constexpr std::uint32_t slot_count_max = 32;
inline constexpr std::uint32_t slot_head_bytes = 128;
// A slot that failed so often in a row is not tried again until the next start.
inline constexpr std::uint8_t slot_failures_max = 2;

struct Photo {
  std::uint32_t id = 0;
  std::uint32_t bytes = 0;
  std::uint32_t command_id = 0;      // 0: none
  std::uint64_t captured_at_ms = 0;  // Unix time; 0: the camera had no clock
  std::uint64_t shot_at_ms = 0;      // on the camera's own clock; known until the next reset
  bool shot_since_start = false;
  protocol::Digest sha256{};
};

enum class FlashStep : std::uint8_t { done, pending, failed };

class PhotoRing {
 public:
  // Requires a flash within the limits that port.h states.
  PhotoRing(const MeterlensFlash& flash, std::uint32_t first_id);

  // Reads what the flash holds; once, first of all.
  void load();

  // A new photo: `prepare` until it is no longer pending, `write` its bytes in order (every part
  // but the last a multiple of 16), `commit`. After a failure begin anew: another slot is taken.
  FlashStep prepare();
  bool write(Bytes part);
  // `photo.id` and `.bytes` are filled in here. `dialect` is kept to survive a reset.
  bool commit(Photo photo, protocol::Dialect dialect);

  std::optional<Photo> oldest() const;
  std::optional<Photo> find(std::uint32_t id) const;
  bool knows_command(std::uint32_t command_id) const;
  // Requires a photo of that id. false: the flash failed.
  bool read(std::uint32_t id, std::uint32_t offset, std::span<std::uint8_t> out) const;
  // Forgets a photo; `lost` counts it as never delivered.
  void forget(std::uint32_t id, bool lost);

  std::uint32_t photo_bytes_max() const { return flash_.slot_bytes - slot_head_bytes; }
  std::uint16_t waiting_count() const;
  // A photo waits whose time is known by the camera's own clock alone: a reset would lose it.
  bool keeps_time() const;
  std::uint32_t lost_count() const { return lost_count_; }
  // Of the newest photo, whatever became of it; 0: none, or it was taken without a clock.
  std::uint64_t newest_captured_at_ms() const {
    return newest_slot_ ? slots_[*newest_slot_].photo.captured_at_ms : 0;
  }
  std::uint32_t next_id() const { return next_id_; }  // all photos have smaller ones
  // The dialect kept with the newest photo; nothing on an empty flash.
  std::optional<protocol::Dialect> dialect() const { return dialect_; }

 private:
  enum class State : std::uint8_t { dirty, erased, waiting, broken };
  struct Slot {
    State state = State::dirty;
    std::uint8_t failures = 0;  // writes and erasures that failed in a row
    Photo photo;                // id 0: never held one
  };

  void load_slot(std::uint32_t at);
  std::optional<std::uint32_t> slot_of(std::uint32_t id) const;
  std::optional<std::uint32_t> best_free() const;
  void break_slot(std::uint32_t at);
  void try_broken_again();
  std::uint32_t free_count() const;
  void note_loss();
  void mark_forgotten(std::uint32_t at);

  MeterlensFlash flash_;
  std::array<Slot, slot_count_max> slots_{};
  std::uint32_t next_id_;
  std::uint32_t lost_count_ = 0;
  std::uint32_t newest_id_ = 0;
  std::optional<std::uint32_t> newest_slot_;  // its head is there, whatever became of the photo
  std::uint32_t notes_ = 0;                   // of losses, in that slot
  std::optional<protocol::Dialect> dialect_;
  std::optional<std::uint32_t> writing_;  // slot
  std::uint32_t written_bytes_ = 0;
};

}  // namespace meterlens::camera
