#include "boards/linux/v4l2_camera.h"

#include <gtest/gtest.h>

namespace meterlens::boards {
namespace {

// The shot itself needs a camera; what is none must be a refused shot, as often as it is asked.
TEST(V4l2Camera, WhatIsNoCameraRefusesTheShot) {
  for (const char* device : {"/dev/null", "/dev/no_such_device", "/"}) {
    V4l2Camera camera(device, 640, 480);
    const MeterlensSensor sensor = camera.port();
    EXPECT_FALSE(sensor.start(sensor.context)) << device;
    EXPECT_FALSE(sensor.start(sensor.context)) << device;
    sensor.release(sensor.context);
  }
}

}  // namespace
}  // namespace meterlens::boards
