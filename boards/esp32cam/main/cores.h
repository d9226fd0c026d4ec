// How the camera core and the DTU core are made on this board, in one place for all three builds.
#pragma once

#include "boards/esp32cam/portable/setup.h"
#include "device/camera/camera.h"
#include "device/dtu/dtu.h"
#include "flash.h"
#include "images.h"
#include "loop.h"
#include "power.h"
#include "sensor.h"

namespace meterlens::esp32cam {

// What the camera core stands on. Made once, never destroyed.
struct CameraPorts {
  explicit CameraPorts(Loop& loop) : sensor(loop), areas(SettingsAreas::Owner::camera) {}

  Sensor sensor;
  PhotoFlash flash;
  SettingsAreas areas;
  Images images;
};

// Says on the log what this is and why it was reset.
void introduce(const char* build, const MeterlensPower& power);

// `line` all zero: the DTU core is in the same chip. The chip's image is the camera's part, also
// where both cores are in it.
camera::Camera make_camera(CameraPorts& ports, protocol::Dialect first_dialect,
                           const MeterlensLine& line, const MeterlensPower& power);
// `address` and `device` must outlive the Dtu. Once: its settings' areas are made here.
dtu::Dtu make_dtu(const MeterlensMqtt& mqtt, const BrokerAddress& address, std::string_view device,
                  std::string_view imei, const MeterlensPower& power);

}  // namespace meterlens::esp32cam
