// The newest whole aiming frame of each camera that is being aimed, put together from `View`
// packets (SPEC.md, section 11). In memory alone: a view is for somebody who stands beside the
// meter, and no evidence. Thread-safe. Memory: at most devices_max frames of 64 KiB, twice; a
// camera that is not aimed any more is forgotten when another one needs its place.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "protocol/checksum.h"

namespace meterlens::photo {

struct View {
  std::uint16_t number = 0;  // the camera's, rising, in a circle
  std::int64_t at_ms = 0;    // Unix, of its last packet
  std::vector<std::uint8_t> jpeg;
};

class Views {
 public:
  explicit Views(std::size_t devices_max = 64) : devices_max_(devices_max) {}

  // One packet, in any order, doubled or late; fields as protocol::View has checked them. true: a
  // view of this device is whole now.
  bool add(const std::string& device, const protocol::Bytes& data, std::uint16_t number,
           std::uint8_t index, std::uint8_t count, std::int64_t now_ms);
  // A whole one, from a worker.
  void put(const std::string& device, View view);
  std::optional<View> newest(const std::string& device) const;

 private:
  struct Entry {
    View whole;
    std::uint16_t number = 0;  // of the frame that is being put together; 0: none
    std::vector<std::vector<std::uint8_t>> packets;
    std::size_t missing = 0;
    std::int64_t heard_ms = 0;
  };

  Entry& entry_of(const std::string& device, std::int64_t now_ms);

  const std::size_t devices_max_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace meterlens::photo
