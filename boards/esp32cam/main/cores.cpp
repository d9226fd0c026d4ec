#include "cores.h"

#include "board.h"
#include "esp_log.h"
#include "esp_random.h"
#include "sdkconfig.h"

namespace meterlens::esp32cam {
namespace {

// All zero, so that no signature is right, unless the configuration has one.
protocol::PublicKey image_key() {
  const auto key = protocol::parse_public_key(CONFIG_METERLENS_IMAGE_KEY);
  if (!key) ESP_LOGW("meterlens", "no image key in the configuration: no remote update");
  return key.value_or(protocol::PublicKey{});
}

}  // namespace

void introduce(const char* build, const MeterlensPower& power) {
  ESP_LOGI("meterlens", "%s %s on %s, reset %d at %08lx", build, version_text(), board.name,
           static_cast<int>(power.reset_cause), static_cast<unsigned long>(power.crash_address));
}

camera::Camera make_camera(CameraPorts& ports, protocol::Dialect first_dialect,
                           const MeterlensLine& line, const MeterlensPower& power) {
  camera::CameraSettings settings;
  settings.firmware = version_text();
  settings.first_dialect = first_dialect;
  // By chance: unique even after the flash was erased, and far from the end of the numbers.
  settings.first_photo_id = (esp_random() >> 2) + 1;
  settings.first_mark = static_cast<std::uint16_t>(esp_random());
  settings.areas = ports.areas.port();
  settings.update.images = ports.images.port();
  settings.update.power = power;
  settings.update.board = board.name;
  settings.update.key = image_key();
  return camera::Camera(ports.sensor.port(), ports.flash.port(), settings, line, power);
}

dtu::Dtu make_dtu(const MeterlensMqtt& mqtt, const BrokerAddress& address, std::string_view device,
                  std::string_view imei, const MeterlensPower& power) {
  dtu::DtuSettings settings;
  settings.session.device = device;
  settings.session.user = address.user.view();
  settings.session.password = address.password.view();
  settings.session.jitter_seed = esp_random() | 1;
  settings.firmware = version_text();
  if (!imei.empty()) settings.imei = imei;
  settings.power = power;
  static SettingsAreas areas(SettingsAreas::Owner::dtu);
  return dtu::Dtu(mqtt, settings, {}, areas.port());
}

}  // namespace meterlens::esp32cam
