// What the photo step produces: a photo put together and judged, not yet on disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/checksum.h"
#include "protocol/message.h"

namespace meterlens::photo {

// The longest photo that a person may send; a camera's is at most protocol::photo_bytes_max.
inline constexpr std::size_t upload_bytes_max = std::size_t{16} << 20;

enum class PhotoState : std::uint8_t {
  stored,       // whole: proven by hash, or (SmartDTU) by JPEG markers and a full decode
  quarantined,  // kept, but never read
};

// How bright a photo is; zeros when its light is unknown.
struct Brightness {
  protocol::Light light = protocol::Light::unknown;
  int mean = 0;            // luminance, 0 black to 255 white
  int dark_percent = 0;    // of it in blocks that are nearly black
  int bright_percent = 0;  // nearly white
};

struct Photo {
  std::int64_t id = 0;  // row number; 0 until committed
  std::string device;
  std::uint32_t photo_id = 0;       // the camera's number; 0 for SmartDTU
  std::string image_file;           // SmartDTU's name; empty for native
  std::vector<std::uint8_t> bytes;  // empty in what the store lists
  std::int64_t photo_bytes = 0;
  protocol::Digest sha256{};
  PhotoState state = PhotoState::stored;
  std::string reason;               // why quarantined; empty otherwise
  std::int64_t captured_at_ms = 0;  // Unix; arrival when the camera had no clock
  std::int64_t received_at_ms = 0;  // Unix
  std::int64_t command = 0;         // 0: none
  std::string meter;                // whose it is when a person sent it; empty: a device's photo
  std::string path;                 // relative to the working directory; set when committed
  std::optional<Brightness> brightness = {};  // once it was looked at to be read
};

}  // namespace meterlens::photo
