#include "images.h"

#include "boards/esp32cam/portable/setup.h"
#include "esp_app_desc.h"
#include "esp_ota_ops.h"

namespace meterlens::esp32cam {
namespace {

constexpr std::uint32_t sector_bytes = 4096;

bool is_on_trial() {
  esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
  return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
         state == ESP_OTA_IMG_PENDING_VERIFY;
}

}  // namespace

const char* version_text() { return esp_app_get_description()->version; }

Images::Images() : room_(esp_ota_get_next_update_partition(nullptr)) {}

MeterlensImages Images::port() {
  MeterlensImages port{};
  if (room_ == nullptr) return port;
  port.context = this;
  port.image_bytes_max = static_cast<std::uint32_t>(room_->size);
  port.version = version_number(version_text());
  port.on_trial = is_on_trial();
  port.erase = [](void* self) { return static_cast<Images*>(self)->erase(); };
  port.program = [](void* self, std::uint32_t offset, const void* data, std::uint32_t bytes) {
    return esp_partition_write(static_cast<Images*>(self)->room_, offset, data, bytes) == ESP_OK;
  };
  port.read = [](void* self, std::uint32_t offset, void* out, std::uint32_t bytes) {
    return esp_partition_read(static_cast<Images*>(self)->room_, offset, out, bytes) == ESP_OK;
  };
  port.try_new = [](void* self) {
    return esp_ota_set_boot_partition(static_cast<Images*>(self)->room_) == ESP_OK;
  };
  port.confirm = [](void*) { return esp_ota_mark_app_valid_cancel_rollback() == ESP_OK; };
  return port;
}

int Images::erase() {
  const esp_err_t error = esp_partition_erase_range(room_, erased_bytes_, sector_bytes);
  erased_bytes_ += sector_bytes;
  if (error == ESP_OK && erased_bytes_ < room_->size) return 0;
  erased_bytes_ = 0;
  return error == ESP_OK ? 1 : -1;
}

}  // namespace meterlens::esp32cam
