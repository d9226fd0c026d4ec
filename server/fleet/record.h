// What is kept of a device over time: the messages it exchanged with the server, and how it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/checksum.h"
#include "server/ingest/packet.h"

namespace meterlens::fleet {

enum class Direction : std::uint8_t { up, down };
const char* name(Direction direction);

struct Message {
  std::int64_t id = 0;
  std::string device;
  Direction direction = Direction::up;
  std::int64_t at_ms = 0;
  std::string topic;
  std::int64_t payload_bytes = 0;  // of all of it
  bool is_text = true;             // else `payload` is hexadecimal
  std::string payload;             // the beginning
};

struct RecordLimits {
  std::size_t payload_bytes_max = 512;   // kept of a message
  bool photo_data = false;               // also the messages that carry pieces of photos and images
  std::int64_t device_messages_max = 1000;
  std::int64_t health_every_ms = 600'000;  // one sample of a source in this time, the newest
  std::int64_t health_days = 30;           // then one in six hours is kept,
  std::int64_t health_days_max = 730;      // and none is older
  std::size_t waiting_max = 20'000;        // messages not written yet; more are not kept
};

// Nothing for a topic of no device, or for a photo's data when that is not wanted. `is_up`: the
// device has sent it.
std::optional<Message> record(std::string_view topic, protocol::Bytes payload, std::int64_t at_ms,
                              const RecordLimits& limits);

// How a device was: what the camera and the DTU tell of themselves, as one JSON object of numbers:
// signal_dbm, uptime_s, queue, errors, photos_lost, temperature_c, humidity_percent; those that are
// known.
struct Sample {
  std::string device;
  std::string source;  // "camera" or "dtu"
  std::int64_t at_ms = 0;
  std::string values_json;
};
std::optional<Sample> sample_of(const ingest::Packet& packet);

}  // namespace meterlens::fleet
