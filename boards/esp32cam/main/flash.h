// The partitions of the on-board flash: the photo ring, and the areas that settings are kept in.
// Their calls are for the loop's task; one takes as long as its sectors take (typically 45 ms to
// erase one, at worst 400 ms by the data sheets of the chips in use).
#pragma once

#include <cstdint>

#include "device/port.h"
#include "esp_partition.h"

namespace meterlens::esp32cam {

// The partition `photos` as slots of slot_bytes.
class PhotoFlash {
 public:
  static constexpr std::uint32_t slot_bytes = 128 * 1024;

  // Stops the program when the partition table has no such partition: it is not ours.
  PhotoFlash();
  // Holds as long as this object.
  MeterlensFlash port();

 private:
  int erase(std::uint32_t slot);
  std::uint32_t address(std::uint32_t slot, std::uint32_t offset) const;

  const esp_partition_t& partition_;
  std::uint32_t erasing_slot_ = UINT32_MAX;
  std::uint32_t erased_bytes_ = 0;  // of that slot
};

// Two sectors of the partition `settings` each: those of the camera first, then those of the DTU.
class SettingsAreas {
 public:
  static constexpr std::uint32_t area_bytes = 4096;
  enum class Owner : std::uint8_t { camera, dtu };

  explicit SettingsAreas(Owner owner);
  MeterlensAreas port();

 private:
  std::uint32_t address(std::uint8_t area) const;
  bool write(std::uint8_t area, const void* data, std::uint32_t bytes);

  const esp_partition_t& partition_;
  std::uint32_t first_;
};

}  // namespace meterlens::esp32cam
