#include "cores.h"

#include "board.h"
#include "esp_log.h"
#include "esp_random.h"
#include "sdkconfig.h"

namespace meterlens::esp32cam {

void introduce(const char* build, const MeterlensPower& power) {
  ESP_LOGI("meterlens", "%s %s on %s, reset %d at %08lx", build, version_text(), board.name,
           static_cast<int>(power.reset_cause), static_cast<unsigned long>(power.crash_address));
}

camera::Camera make_camera(CameraPorts& ports, protocol::Dialect first_dialect,
                           const MeterlensLine& line) {
  camera::CameraSettings settings;
  settings.firmware = version_text();
  settings.first_dialect = first_dialect;
  // By chance: unique even after the flash was erased, and far from the end of the numbers.
  settings.first_photo_id = (esp_random() >> 2) + 1;
  settings.first_mark = static_cast<std::uint16_t>(esp_random());
  return camera::Camera(ports.sensor.port(), ports.flash.port(), settings, line);
}

dtu::Dtu make_dtu(const MeterlensMqtt& mqtt, const BrokerAddress& address, std::string_view device,
                  std::string_view imei) {
  dtu::DtuSettings settings;
  settings.session.device = device;
  settings.session.user = address.user.view();
  settings.session.password = address.password.view();
  settings.session.jitter_seed = esp_random() | 1;
  settings.firmware = version_text();
  if (!imei.empty()) settings.imei = imei;
  return dtu::Dtu(mqtt, settings);
}

}  // namespace meterlens::esp32cam
