#include "protocol/message.h"

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/require.h"
#include "protocol/to_camera.h"

namespace meterlens::protocol {
namespace {

using Decoded = std::expected<Message, FrameError>;

Decoded malformed() { return std::unexpected(FrameError::malformed); }

// Those of 32 bits that stand in a row.
std::array<std::uint32_t*, 10> fields_of(Health& m) {
  return {&m.crash_address, &m.settings_revision, &m.shots,        &m.no_answers,
          &m.frame_timeouts, &m.frame_failures,   &m.empty_frames, &m.failed_saves,
          &m.photos_lost,    &m.flash_flaws};
}

// Those that have come since, at the end.
std::array<std::uint32_t*, 4> added_fields_of(Health& m) {
  return {&m.settings_refused, &m.line_raised, &m.line_lowered, &m.line_falls};
}

Decoded finish(const ByteReader& in, const Message& message) {
  return in.at_end() ? Decoded(message) : malformed();
}

Digest digest_of(Bytes bytes) {
  Digest digest{};
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

bool is_printable(Bytes text) {
  return std::all_of(text.begin(), text.end(), [](std::uint8_t c) { return c >= 32 && c < 127; });
}

Decoded decode_hello(ByteReader in) {
  Hello m;
  m.uptime_ms = in.u32();
  m.photos_waiting = in.u16();
  m.photos_lost = in.u32();
  const Bytes text = in.rest();
  if (text.size() > text_bytes_max || !is_printable(text)) return malformed();
  m.firmware = {reinterpret_cast<const char*>(text.data()), text.size()};
  return finish(in, m);
}

Decoded decode_report(ByteReader in) {
  Report m;
  m.command_id = in.u32();
  const std::uint8_t state = in.u8();
  const std::uint8_t failure = in.u8();
  if (state < 1 || state > 3 || failure > 5) return malformed();
  m.state = static_cast<CaptureState>(state);
  m.failure = static_cast<CaptureFailure>(failure);
  return finish(in, m);
}

Decoded decode_offer(ByteReader in) {
  Offer m;
  m.photo_id = in.u32();
  m.photo_bytes = in.u32();
  m.command_id = in.u32();
  m.captured_at_ms = in.u64();
  const Bytes digest = in.take(m.sha256.size());
  if (!in.ok()) return malformed();
  m.sha256 = digest_of(digest);
  return finish(in, m);
}

Decoded decode_packet(ByteReader in) {
  Packet m;
  m.photo_id = in.u32();
  m.index = in.u16();
  m.data = in.rest();
  if (m.data.empty() || m.data.size() > packet_bytes_max || m.index >= packet_count_max)
    return malformed();
  return finish(in, m);
}

Decoded decode_missing(ByteReader in) {
  Missing m;
  m.photo_id = in.u32();
  m.bitmap = in.rest();
  return m.bitmap.size() <= packet_count_max / 8 ? finish(in, m) : malformed();
}

Decoded decode_stored(ByteReader in) {
  Stored m;
  m.photo_id = in.u32();
  const Bytes digest = in.take(m.sha256.size());
  if (!in.ok()) return malformed();
  m.sha256 = digest_of(digest);
  return finish(in, m);
}

Decoded decode_refused(ByteReader in) {
  Refused m;
  m.photo_id = in.u32();
  const std::uint8_t reason = in.u8();
  if (reason < 1 || reason > 5) return malformed();
  m.reason = static_cast<Refusal>(reason);
  return finish(in, m);
}

Decoded decode_capture(ByteReader in) {
  const Capture m{in.u32()};
  return m.command_id != 0 ? finish(in, m) : malformed();
}

Decoded decode_sent(ByteReader in) {
  const Sent m{in.u32()};
  return finish(in, m);
}

Decoded decode_clock(ByteReader in) {
  const Clock m{in.u64()};
  return finish(in, m);
}

Decoded decode_settings(ByteReader in) {
  const auto part = part_of(in.u8());
  Settings m;
  m.revision = in.u32();
  m.entries = in.rest();
  if (!part || m.revision == 0 || m.entries.size() % setting_bytes != 0) return malformed();
  m.part = *part;
  return finish(in, m);
}

Decoded decode_settings_taken(ByteReader in) {
  const auto part = part_of(in.u8());
  SettingsTaken m;
  m.revision = in.u32();
  m.refused_keys = in.rest();
  if (!part || m.refused_keys.size() > setting_count_max) return malformed();
  m.part = *part;
  return finish(in, m);
}

Decoded decode_image(ByteReader in) {
  const auto part = part_of(in.u8());
  Image m;
  m.update_id = in.u32();
  m.version = in.u32();
  m.image_bytes = in.u32();
  const Bytes digest = in.take(m.sha256.size());
  m.signature = in.take(signature_bytes);
  if (!in.ok() || !part || m.update_id == 0 || m.version == 0) return malformed();
  m.part = *part;
  m.sha256 = digest_of(digest);
  return finish(in, m);
}

Decoded decode_image_packet(ByteReader in) {
  ImagePacket m;
  m.update_id = in.u32();
  m.index = in.u16();
  m.data = in.rest();
  if (m.data.empty() || m.data.size() > packet_bytes_max || m.index >= packet_count_max)
    return malformed();
  return finish(in, m);
}

Decoded decode_image_sent(ByteReader in) {
  const auto part = part_of(in.u8());
  ImageSent m;
  m.update_id = in.u32();
  if (!part) return malformed();
  m.part = *part;
  return finish(in, m);
}

Decoded decode_image_missing(ByteReader in) {
  const auto part = part_of(in.u8());
  ImageMissing m;
  m.update_id = in.u32();
  m.bitmap = in.rest();
  if (!part || m.bitmap.size() > packet_count_max / 8) return malformed();
  m.part = *part;
  return finish(in, m);
}

Decoded decode_image_state(ByteReader in) {
  const auto part = part_of(in.u8());
  ImageState m;
  m.update_id = in.u32();
  const std::uint8_t state = in.u8();
  const std::uint8_t failure = in.u8();
  m.version = in.u32();
  if (!part || state < 1 || state > 6 || failure > 8) return malformed();
  m.part = *part;
  m.state = static_cast<UpdateState>(state);
  m.failure = static_cast<UpdateFailure>(failure);
  return finish(in, m);
}

Decoded decode_health(ByteReader in) {
  Health m;
  m.uptime_s = in.u32();
  m.reset_cause = in.u8();
  for (std::uint32_t* field : fields_of(m)) *field = in.u32();
  m.broken_areas = in.u8();
  const std::uint8_t flags = in.u8();
  m.settings_unsaved = (flags & 1U) != 0;
  m.tune_failed = (flags & 2U) != 0;
  m.photo_id = in.u32();
  const std::uint8_t light = in.u8();
  m.mean = in.u8();
  m.dark_percent = in.u8();
  m.bright_percent = in.u8();
  if (!in.at_end())
    for (std::uint32_t* field : added_fields_of(m)) *field = in.u32();
  if (m.reset_cause > reset_cause_last || m.broken_areas > 2 || flags > 3 || light > 3 ||
      m.dark_percent + m.bright_percent > 100)
    return malformed();
  m.light = static_cast<Light>(light);
  return finish(in, m);
}

Decoded decode_view(ByteReader in) {
  View m;
  m.number = in.u16();
  m.index = in.u8();
  m.count = in.u8();
  m.data = in.rest();
  if (m.number == 0 || m.count > view_packet_count_max || m.index >= m.count || m.data.empty() ||
      m.data.size() > packet_bytes_max)
    return malformed();
  return finish(in, m);
}

Decoded decode_aim(ByteReader in) {
  Aim m;
  m.seconds = in.u16();
  m.period_ms = in.u16();
  if (m.seconds > aim_seconds_max || m.period_ms < aim_period_ms_least) return malformed();
  return finish(in, m);
}

// Of a camera or DTU.
Decoded decode_up(std::uint8_t type, const ByteReader& body) {
  switch (type) {
    case Hello::type: return decode_hello(body);
    case Report::type: return decode_report(body);
    case SettingsTaken::type: return decode_settings_taken(body);
    case Health::type: return decode_health(body);
    case Offer::type: return decode_offer(body);
    case Packet::type: return decode_packet(body);
    case Sent::type: return decode_sent(body);
    case View::type: return decode_view(body);
    case ImageMissing::type: return decode_image_missing(body);
    case ImageState::type: return decode_image_state(body);
    default: return std::unexpected(FrameError::unknown_type);
  }
}

// To a camera or DTU.
Decoded decode_down(std::uint8_t type, const ByteReader& body) {
  switch (type) {
    case Capture::type: return decode_capture(body);
    case Missing::type: return decode_missing(body);
    case Stored::type: return decode_stored(body);
    case Refused::type: return decode_refused(body);
    case Clock::type: return decode_clock(body);
    case Settings::type: return decode_settings(body);
    case Aim::type: return decode_aim(body);
    case Image::type: return decode_image(body);
    case ImagePacket::type: return decode_image_packet(body);
    case ImageSent::type: return decode_image_sent(body);
    default: return std::unexpected(FrameError::unknown_type);
  }
}

struct BodyWriter {
  ByteWriter& out;

  void operator()(const Hello& m) const {
    require(m.firmware.size() <= text_bytes_max);
    out.u32(m.uptime_ms);
    out.u16(m.photos_waiting);
    out.u32(m.photos_lost);
    out.put({reinterpret_cast<const std::uint8_t*>(m.firmware.data()), m.firmware.size()});
  }
  void operator()(const Report& m) const {
    out.u32(m.command_id);
    out.u8(static_cast<std::uint8_t>(m.state));
    out.u8(static_cast<std::uint8_t>(m.failure));
  }
  void operator()(const Offer& m) const {
    out.u32(m.photo_id);
    out.u32(m.photo_bytes);
    out.u32(m.command_id);
    out.u64(m.captured_at_ms);
    out.put(m.sha256);
  }
  void operator()(const Packet& m) const {
    require(!m.data.empty() && m.data.size() <= packet_bytes_max && m.index < packet_count_max);
    out.u32(m.photo_id);
    out.u16(m.index);
    out.put(m.data);
  }
  void operator()(const Sent& m) const { out.u32(m.photo_id); }
  void operator()(const Capture& m) const {
    require(m.command_id != 0);
    out.u32(m.command_id);
  }
  void operator()(const Missing& m) const {
    require(m.bitmap.size() <= packet_count_max / 8);
    out.u32(m.photo_id);
    out.put(m.bitmap);
  }
  void operator()(const Stored& m) const {
    out.u32(m.photo_id);
    out.put(m.sha256);
  }
  void operator()(const Refused& m) const {
    out.u32(m.photo_id);
    out.u8(static_cast<std::uint8_t>(m.reason));
  }
  void operator()(const Clock& m) const { out.u64(m.unix_ms); }
  void operator()(Health m) const {
    require(m.reset_cause <= reset_cause_last && m.broken_areas <= 2 &&
            m.dark_percent + m.bright_percent <= 100);
    out.u32(m.uptime_s);
    out.u8(m.reset_cause);
    for (const std::uint32_t* field : fields_of(m)) out.u32(*field);
    out.u8(m.broken_areas);
    out.u8(static_cast<std::uint8_t>((m.settings_unsaved ? 1 : 0) | (m.tune_failed ? 2 : 0)));
    out.u32(m.photo_id);
    out.u8(static_cast<std::uint8_t>(m.light));
    out.u8(m.mean);
    out.u8(m.dark_percent);
    out.u8(m.bright_percent);
    for (const std::uint32_t* field : added_fields_of(m)) out.u32(*field);
  }
  void operator()(const View& m) const {
    require(m.number != 0 && m.count <= view_packet_count_max && m.index < m.count &&
            !m.data.empty() && m.data.size() <= packet_bytes_max);
    out.u16(m.number);
    out.u8(m.index);
    out.u8(m.count);
    out.put(m.data);
  }
  void operator()(const Aim& m) const {
    require(m.seconds <= aim_seconds_max && m.period_ms >= aim_period_ms_least);
    out.u16(m.seconds);
    out.u16(m.period_ms);
  }
  void operator()(const Settings& m) const {
    require(m.revision != 0 && m.entries.size() % setting_bytes == 0);
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.revision);
    out.put(m.entries);
  }
  void operator()(const SettingsTaken& m) const {
    require(m.refused_keys.size() <= setting_count_max);
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.revision);
    out.put(m.refused_keys);
  }
  void operator()(const Image& m) const {
    require(m.update_id != 0 && m.version != 0 && m.signature.size() == signature_bytes);
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.update_id);
    out.u32(m.version);
    out.u32(m.image_bytes);
    out.put(m.sha256);
    out.put(m.signature);
  }
  void operator()(const ImagePacket& m) const {
    require(!m.data.empty() && m.data.size() <= packet_bytes_max && m.index < packet_count_max);
    out.u32(m.update_id);
    out.u16(m.index);
    out.put(m.data);
  }
  void operator()(const ImageSent& m) const {
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.update_id);
  }
  void operator()(const ImageMissing& m) const {
    require(m.bitmap.size() <= packet_count_max / 8);
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.update_id);
    out.put(m.bitmap);
  }
  void operator()(const ImageState& m) const {
    out.u8(static_cast<std::uint8_t>(m.part));
    out.u32(m.update_id);
    out.u8(static_cast<std::uint8_t>(m.state));
    out.u8(static_cast<std::uint8_t>(m.failure));
    out.u32(m.version);
  }
};

}  // namespace

const char* name(CaptureFailure failure) {
  switch (failure) {
    case CaptureFailure::none: return "none";
    case CaptureFailure::busy: return "busy";
    case CaptureFailure::sensor: return "sensor";
    case CaptureFailure::too_large: return "too_large";
    case CaptureFailure::empty: return "empty";
    case CaptureFailure::flash: return "flash";
  }
  return "unknown";
}

const char* name(Light light) {
  switch (light) {
    case Light::unknown: return "unknown";
    case Light::good: return "good";
    case Light::dark: return "dark";
    case Light::bright: return "bright";
  }
  return "unknown";
}

const char* name(Refusal refusal) {
  switch (refusal) {
    case Refusal::too_large: return "too_large";
    case Refusal::empty: return "empty";
    case Refusal::busy: return "busy";
    case Refusal::storage_full: return "storage_full";
    case Refusal::wrong_hash: return "wrong_hash";
  }
  return "unknown";
}

const char* name(UpdateState state) {
  switch (state) {
    case UpdateState::receiving: return "receiving";
    case UpdateState::verified: return "verified";
    case UpdateState::trying: return "trying";
    case UpdateState::confirmed: return "confirmed";
    case UpdateState::refused: return "refused";
    case UpdateState::failed: return "failed";
  }
  return "unknown";
}

const char* name(UpdateFailure failure) {
  switch (failure) {
    case UpdateFailure::none: return "none";
    case UpdateFailure::wrong_signature: return "wrong_signature";
    case UpdateFailure::older_version: return "older_version";
    case UpdateFailure::too_large: return "too_large";
    case UpdateFailure::wrong_hash: return "wrong_hash";
    case UpdateFailure::flash: return "flash";
    case UpdateFailure::no_room: return "no_room";
    case UpdateFailure::board_refused: return "board_refused";
    case UpdateFailure::not_confirmed: return "not_confirmed";
  }
  return "unknown";
}

std::expected<Message, FrameError> decode_to_camera(Bytes bytes) {
  const auto frame = decode_frame(bytes);
  if (!frame) return std::unexpected(frame.error());
  return decode_down(frame->type, ByteReader(frame->body));
}

std::expected<Message, FrameError> decode_message(Bytes bytes) {
  const auto frame = decode_frame(bytes);
  if (!frame) return std::unexpected(frame.error());
  const ByteReader body(frame->body);
  return frame->type < Capture::type ? decode_up(frame->type, body)
                                     : decode_down(frame->type, body);
}

std::size_t encode_message(const Message& message, std::span<std::uint8_t> out) {
  require(out.size() >= frame_bytes_max);
  ByteWriter body(out.subspan(frame_head_bytes, frame_body_bytes_max));
  std::visit(BodyWriter{body}, message);
  const std::uint8_t type = std::visit([](const auto& m) { return m.type; }, message);
  return encode_frame(type, out.subspan(frame_head_bytes, body.count()), out);
}

}  // namespace meterlens::protocol
