// What ingest produces: one thing that a device said, in either dialect, decoded and range-checked.
// A value that owns its bytes; moved from the MQTT thread to the pipeline thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ids.h"
#include "protocol/message.h"

namespace meterlens::ingest {

// Online or offline: the native status message, the broker's own log, or traffic.
struct Presence {
  bool online = false;
  std::string firmware;    // empty: not said
  std::string state_json;  // of a native status: all that the DTU says of itself; else empty
  std::optional<std::uint32_t> settings_revision = {};  // of the DTU; nothing: not said
};

// The camera started (native Hello).
struct Started {
  std::uint32_t photos_waiting = 0;
  std::uint32_t photos_lost = 0;
  std::string firmware;
};

// 1 to 1024 bytes of a natively offered photo.
struct PhotoData {
  std::uint32_t photo_id = 0;
  std::uint16_t index = 0;
  std::vector<std::uint8_t> data;
};

// A piece of a SmartDTU photo, in the order of arrival. The optional fields come only from a
// Meterlens camera behind the SmartDTU.
struct SmartPiece {
  std::string image_file;
  std::vector<std::uint8_t> data;
  std::optional<std::uint32_t> index;
  std::optional<std::uint32_t> count;
  std::optional<std::uint32_t> photo_bytes;
};

struct SmartEnd {
  std::string image_file;  // empty: our camera says that the shot failed, there is no photo
  std::optional<std::uint32_t> count;
  std::optional<std::uint32_t> photo_bytes;
  std::optional<protocol::Digest> sha256;
};

// Modem, gpio, temperature and timer state of a SmartDTU, as JSON text for the record.
struct SmartState {
  std::string json;
  std::string firmware;  // modem.fwVersion, or empty
};

// The camera's or DTU's answer to its settings.
struct SettingsTaken {
  protocol::Part part = protocol::Part::camera;
  std::uint32_t revision = 0;
  std::vector<std::uint8_t> refused_keys;
};

// A piece of an aiming frame (native).
struct ViewData {
  std::uint16_t number = 0;
  std::uint8_t index = 0;
  std::uint8_t count = 1;
  std::vector<std::uint8_t> data;
};

// What a part lacks of an image (native).
struct ImageMissing {
  protocol::Part part = protocol::Part::camera;
  std::uint32_t update_id = 0;
  std::vector<std::uint8_t> bitmap;
};

using Content = std::variant<Presence, Started, protocol::Report, protocol::Offer, PhotoData,
                             protocol::Sent, SmartPiece, SmartEnd, SmartState, protocol::Health,
                             SettingsTaken, protocol::ImageState, ImageMissing, ViewData>;

struct Packet {
  std::string device;
  std::string product;
  protocol::Dialect dialect = protocol::Dialect::native;
  std::int64_t received_at_ms = 0;  // Unix
  Content content;
  int queue = -1;             // of a fleet, that it came from
  std::uint32_t session = 0;  // and the connection: what a new one brings may have come before
};

}  // namespace meterlens::ingest
