// The native messages, both directions, as values; SPEC.md draws their bytes and the exchange.
// Encoders write whole frames. No heap, any thread; views point into the decoded bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <variant>

#include "protocol/checksum.h"
#include "protocol/ed25519.h"
#include "protocol/frame.h"
#include "protocol/reset.h"
#include "protocol/settings.h"

namespace meterlens::protocol {

// The largest photo that is offered or accepted: 2048 packets, so that the bitmap of what is
// missing fits one frame.
inline constexpr std::size_t packet_count_max = 2048;
inline constexpr std::size_t photo_bytes_max = packet_count_max * packet_bytes_max;
inline constexpr std::size_t text_bytes_max = 32;

constexpr std::size_t packet_count(std::size_t photo_bytes) {
  return (photo_bytes + packet_bytes_max - 1) / packet_bytes_max;
}
// Bytes of packet `index` of a photo: 1024 for all but the last.
constexpr std::size_t packet_bytes(std::size_t photo_bytes, std::size_t index) {
  const std::size_t before = index * packet_bytes_max;
  return photo_bytes - before < packet_bytes_max ? photo_bytes - before : packet_bytes_max;
}

// ---- camera to server ----

// The camera is up. Sent at start; the DTU answers with `Clock`.
struct Hello {
  static constexpr std::uint8_t type = 0x01;
  std::uint32_t uptime_ms = 0;
  std::uint16_t photos_waiting = 0;
  std::uint32_t photos_lost = 0;   // since the flash was formatted: dropped for want of room
  std::string_view firmware;       // at most text_bytes_max
};

enum class CaptureState : std::uint8_t { received = 1, shooting = 2, failed = 3 };
enum class CaptureFailure : std::uint8_t {
  none = 0, busy = 1, sensor = 2, too_large = 3, empty = 4, flash = 5,
};
const char* name(CaptureFailure failure);

// How far a capture command has come, until its photo is offered.
struct Report {
  static constexpr std::uint8_t type = 0x02;
  std::uint32_t command_id = 0;
  CaptureState state = CaptureState::received;
  CaptureFailure failure = CaptureFailure::none;
};

// The settings of that revision are in force and kept, but for those of the keys that were refused:
// unknown, or out of range.
struct SettingsTaken {
  static constexpr std::uint8_t type = 0x03;
  Part part = Part::camera;
  std::uint32_t revision = 0;
  Bytes refused_keys;  // at most setting_count_max, the others are not named
};

// How the light of a photo was, by its JPEG data.
enum class Light : std::uint8_t { unknown = 0, good = 1, dark = 2, bright = 3 };
const char* name(Light light);

// How the camera is. After Hello at start, once a day, and when something in it has gone wrong or
// come right. Counts are since the start, but for photos_lost.
struct Health {
  static constexpr std::uint8_t type = 0x04;
  std::uint32_t uptime_s = 0;
  std::uint8_t reset_cause = 0;     // see reset_name
  std::uint32_t crash_address = 0;  // 0: none, or not known
  std::uint32_t settings_revision = 0;
  std::uint32_t shots = 0;
  std::uint32_t no_answers = 0;      // the sensor did not begin a shot
  std::uint32_t frame_timeouts = 0;  // it began one and gave no frame in time
  std::uint32_t frame_failures = 0;  // it began one and gave it up
  std::uint32_t empty_frames = 0;
  std::uint32_t failed_saves = 0;  // frames too large, or the flash failed
  std::uint32_t photos_lost = 0;   // as in Hello
  std::uint32_t flash_flaws = 0;   // saved bytes that were not read back
  std::uint8_t broken_areas = 0;   // of the settings, at start; 2 at most
  bool settings_unsaved = false;   // in force, but only until the next reset
  bool tune_failed = false;        // the sensor did not take the settings
  // Of the newest photo: 0 with unknown and while there is none.
  std::uint32_t photo_id = 0;
  Light light = Light::unknown;
  std::uint8_t mean = 0;           // luminance, 0 black to 255 white
  std::uint8_t dark_percent = 0;   // blocks that are nearly black
  std::uint8_t bright_percent = 0; // nearly white
  // 0 from a camera of an older program, which does not tell them.
  std::uint32_t settings_refused = 0;  // wishes of unknown keys, or out of range
  std::uint32_t line_raised = 0;       // changes to a higher speed, to a lower one by errors,
  std::uint32_t line_lowered = 0;
  std::uint32_t line_falls = 0;        // and to the first because nothing was heard
};

// A piece of an aiming frame; never repeated, a frame that is not whole is never shown.
inline constexpr std::uint8_t view_packet_count_max = 64;
struct View {
  static constexpr std::uint8_t type = 0x13;
  std::uint16_t number = 0;  // of the frame, from 1, rising, in a circle
  std::uint8_t index = 0;    // less than count
  std::uint8_t count = 1;    // 1 to view_packet_count_max
  Bytes data;                // 1 to packet_bytes_max
};

// A photo is on the way: its packets follow at once.
struct Offer {
  static constexpr std::uint8_t type = 0x10;
  std::uint32_t photo_id = 0;       // the camera's own number, never used again by that camera
  std::uint32_t photo_bytes = 0;    // 1 to photo_bytes_max is acceptable; the rest is refused
  std::uint32_t command_id = 0;     // 0: a timer's, or the camera's own
  std::uint64_t captured_at_ms = 0; // Unix time of the shot; 0: the camera had no clock
  Digest sha256{};
};

// 1024 bytes of a photo (fewer in the last packet).
struct Packet {
  static constexpr std::uint8_t type = 0x11;
  std::uint32_t photo_id = 0;
  std::uint16_t index = 0;  // from 0
  Bytes data;               // 1 to packet_bytes_max
};

// Everything that was missing has been sent: asks for `Missing` or `Stored`.
struct Sent {
  static constexpr std::uint8_t type = 0x12;
  std::uint32_t photo_id = 0;
};

// ---- server (or DTU) to camera ----

struct Capture {
  static constexpr std::uint8_t type = 0x20;
  std::uint32_t command_id = 0;  // not 0
};

// Exactly the packets to send again: bit b of byte i of `bitmap` stands for packet 8*i + b.
// An empty bitmap asks for the offer again (the server does not know the photo).
struct Missing {
  static constexpr std::uint8_t type = 0x21;
  std::uint32_t photo_id = 0;
  Bytes bitmap;  // at most packet_count_max / 8
};

// The photo is committed, file and row: the camera may forget it (if the hash is its own).
struct Stored {
  static constexpr std::uint8_t type = 0x22;
  std::uint32_t photo_id = 0;
  Digest sha256{};
};

enum class Refusal : std::uint8_t {
  too_large = 1,     // drop the photo
  empty = 2,         // drop the photo
  busy = 3,          // keep it, offer it again later
  storage_full = 4,  // keep it, offer it again later
  wrong_hash = 5,    // all packets came but the hash differs: offer and send everything again
};
const char* name(Refusal refusal);

struct Refused {
  static constexpr std::uint8_t type = 0x23;
  std::uint32_t photo_id = 0;
  Refusal reason = Refusal::busy;
};

// Network time, so that a photo bears the time of its shot.
struct Clock {
  static constexpr std::uint8_t type = 0x24;
  std::uint64_t unix_ms = 0;
};

// Settings to be kept and obeyed from now on; those that are not named stay. The part answers with
// `SettingsTaken`. A DTU keeps those of its own part for itself.
struct Settings {
  static constexpr std::uint8_t type = 0x25;
  Part part = Part::camera;
  std::uint32_t revision = 0;  // the server's count of changes; not 0
  Bytes entries;               // whole entries, see SettingValues::take
};

// Aiming: small frames as `View`, one each `period_ms`, for so long from now on.
struct Aim {
  static constexpr std::uint8_t type = 0x26;
  std::uint16_t seconds = 0;        // 0: no more
  std::uint16_t period_ms = 1'000;  // aim_period_ms_least at least
};
inline constexpr std::uint16_t aim_period_ms_least = 200;
inline constexpr std::uint16_t aim_seconds_max = 3'600;

// ---- remote update (SPEC.md, section 10): server to part, and the part's answers ----

inline constexpr std::size_t image_bytes_max = packet_count_max * packet_bytes_max;

// An image for a part: what was signed (protocol/image.h, the board's name is the part's own) and
// the signature. The part answers with `ImageState`, and with `ImageMissing` once it has made room.
struct Image {
  static constexpr std::uint8_t type = 0x28;
  Part part = Part::camera;
  std::uint32_t update_id = 0;  // not 0; never used again by that server
  std::uint32_t version = 0;    // not 0
  std::uint32_t image_bytes = 0;
  Digest sha256{};
  Bytes signature;  // signature_bytes
};

// 1024 bytes of an image (fewer in the last packet).
struct ImagePacket {
  static constexpr std::uint8_t type = 0x29;
  std::uint32_t update_id = 0;
  std::uint16_t index = 0;
  Bytes data;
};

// Asks for `ImageMissing` or `ImageState`.
struct ImageSent {
  static constexpr std::uint8_t type = 0x2A;
  Part part = Part::camera;
  std::uint32_t update_id = 0;
};

// The packets that the part lacks, as in `Missing`. Empty: it does not know the update.
struct ImageMissing {
  static constexpr std::uint8_t type = 0x18;
  Part part = Part::camera;
  std::uint32_t update_id = 0;
  Bytes bitmap;
};

enum class UpdateState : std::uint8_t {
  receiving = 1, verified = 2, trying = 3, confirmed = 4, refused = 5, failed = 6,
};
const char* name(UpdateState state);

enum class UpdateFailure : std::uint8_t {
  none = 0, wrong_signature = 1, older_version = 2, too_large = 3, wrong_hash = 4, flash = 5,
  no_room = 6, board_refused = 7, not_confirmed = 8,
};
const char* name(UpdateFailure failure);

// How far an update is; with update_id 0 what runs since the part's start.
struct ImageState {
  static constexpr std::uint8_t type = 0x19;
  Part part = Part::camera;
  std::uint32_t update_id = 0;
  UpdateState state = UpdateState::confirmed;
  UpdateFailure failure = UpdateFailure::none;
  std::uint32_t version = 0;  // of the running program
};

using Message = std::variant<Hello, Report, Offer, Packet, Sent, Capture, Missing, Stored, Refused,
                             Clock, Settings, SettingsTaken, Image, ImagePacket, ImageSent,
                             ImageMissing, ImageState, Health, View, Aim>;

// Decodes one frame; every field has been range-checked.
std::expected<Message, FrameError> decode_message(Bytes frame);

// Writes a whole frame and returns its size in bytes. Requires out.size() >= frame_bytes_max and
// fields within their ranges.
std::size_t encode_message(const Message& message, std::span<std::uint8_t> out);

}  // namespace meterlens::protocol
