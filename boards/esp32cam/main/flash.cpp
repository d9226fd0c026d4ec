#include "flash.h"

#include <algorithm>

#include "esp_err.h"
#include "protocol/require.h"

namespace meterlens::esp32cam {
namespace {

constexpr std::uint32_t sector_bytes = 4096;
constexpr std::uint32_t slot_count_max = 32;

const esp_partition_t& find_partition(const char* name) {
  const esp_partition_t* found =
      esp_partition_find_first(ESP_PARTITION_TYPE_DATA, ESP_PARTITION_SUBTYPE_ANY, name);
  ESP_ERROR_CHECK(found != nullptr ? ESP_OK : ESP_ERR_NOT_FOUND);
  return *found;
}

}  // namespace

PhotoFlash::PhotoFlash() : partition_(find_partition("photos")) {}

MeterlensFlash PhotoFlash::port() {
  MeterlensFlash port{};
  port.context = this;
  port.slot_count =
      std::min(static_cast<std::uint32_t>(partition_.size) / slot_bytes, slot_count_max);
  port.slot_bytes = slot_bytes;
  port.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* out,
                 std::uint32_t bytes) {
    const auto& flash = *static_cast<PhotoFlash*>(self);
    return esp_partition_read(&flash.partition_, flash.address(slot, offset), out, bytes) == ESP_OK;
  };
  port.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                    std::uint32_t bytes) {
    const auto& flash = *static_cast<PhotoFlash*>(self);
    return esp_partition_write(&flash.partition_, flash.address(slot, offset), data, bytes) ==
           ESP_OK;
  };
  port.erase = [](void* self, std::uint32_t slot) {
    return static_cast<PhotoFlash*>(self)->erase(slot);
  };
  return port;
}

std::uint32_t PhotoFlash::address(std::uint32_t slot, std::uint32_t offset) const {
  protocol::require(offset <= slot_bytes);
  return slot * slot_bytes + offset;
}

int PhotoFlash::erase(std::uint32_t slot) {
  if (slot != erasing_slot_) {
    erasing_slot_ = slot;
    erased_bytes_ = 0;
  }
  const esp_err_t error =
      esp_partition_erase_range(&partition_, address(slot, erased_bytes_), sector_bytes);
  erased_bytes_ += sector_bytes;
  if (error == ESP_OK && erased_bytes_ < slot_bytes) return 0;
  erasing_slot_ = UINT32_MAX;
  return error == ESP_OK ? 1 : -1;
}

SettingsAreas::SettingsAreas(Owner owner)
    : partition_(find_partition("settings")), first_(owner == Owner::camera ? 0 : 2 * area_bytes) {}

MeterlensAreas SettingsAreas::port() {
  MeterlensAreas port{};
  port.context = this;
  port.bytes = area_bytes;
  port.read = [](void* self, std::uint8_t area, void* out, std::uint32_t bytes) {
    const auto& areas = *static_cast<SettingsAreas*>(self);
    return bytes <= area_bytes &&
           esp_partition_read(&areas.partition_, areas.address(area), out, bytes) == ESP_OK;
  };
  port.write = [](void* self, std::uint8_t area, const void* data, std::uint32_t bytes) {
    return static_cast<SettingsAreas*>(self)->write(area, data, bytes);
  };
  return port;
}

std::uint32_t SettingsAreas::address(std::uint8_t area) const {
  protocol::require(area < 2);
  return first_ + area * area_bytes;
}

bool SettingsAreas::write(std::uint8_t area, const void* data, std::uint32_t bytes) {
  return bytes <= area_bytes &&
         esp_partition_erase_range(&partition_, address(area), area_bytes) == ESP_OK &&
         esp_partition_write(&partition_, address(area), data, bytes) == ESP_OK;
}

}  // namespace meterlens::esp32cam
