// A program image that may be sent to devices, and an update: one image on its way to one device.
// Both are stored and visible.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocol/message.h"

namespace meterlens::update {

// An image whose signature is right; its file holds the bytes.
struct Image {
  std::int64_t id = 0;
  protocol::Part part = protocol::Part::camera;
  std::string board;
  std::uint32_t version = 0;
  std::uint32_t image_bytes = 0;
  protocol::Digest sha256{};
  std::string path;  // of the image file (SPEC.md, section 10)
  std::int64_t created_ms = 0;
};

// What is sent of it.
struct Content {
  Image image;
  std::vector<std::uint8_t> signature;
  std::vector<std::uint8_t> bytes;
};

enum class State : std::uint8_t {
  queued,  // not offered yet, or not answered
  receiving,
  verified,
  trying,
  confirmed,
  refused,
  failed,
};
const char* name(State state);
// confirmed, refused and failed are final.
bool is_final(State state);

struct Update {
  std::int64_t id = 0;  // also on the wire: 1 to 2^32 - 1
  std::string device;
  std::int64_t image = 0;
  protocol::Part part = protocol::Part::camera;  // of the image
  std::uint32_t version = 0;                     // of the image
  State state = State::queued;
  std::string reason;  // why refused or failed
  int packets_received = 0;
  int packets_total = 0;
  std::int64_t created_ms = 0;  // Unix
  std::int64_t updated_ms = 0;
};

}  // namespace meterlens::update
