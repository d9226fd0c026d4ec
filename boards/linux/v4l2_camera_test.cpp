#include "boards/linux/v4l2_camera.h"

#include <gtest/gtest.h>
#include <linux/videodev2.h>

#include <algorithm>
#include <map>

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

// A camera of these controls.
struct Controls {
  std::map<std::uint32_t, ControlRange> ranges;
  AskControl ask() const {
    return [this](std::uint32_t id) {
      const auto found = ranges.find(id);
      return found == ranges.end() ? std::nullopt : std::optional(found->second);
    };
  }
  // What is set of one for a shot; nothing: it is left alone.
  std::optional<std::int32_t> value(std::uint32_t id, const MeterlensShot& shot) const {
    for (const ControlValue& wish : control_values(shot, ask()))
      if (wish.id == id) return wish.value;
    return std::nullopt;
  }
};

MeterlensShot initial_shot() {
  MeterlensShot shot{};
  shot.jpeg_quality = 12;
  shot.exposure = shot.gain = -1;
  return shot;
}

TEST(V4l2Controls, ScalesEachSettingToTheCamerasRange) {
  const Controls camera{{{V4L2_CID_BRIGHTNESS, {-64, 64, 0}},
                         {V4L2_CID_CONTRAST, {0, 100, 20}},
                         {V4L2_CID_JPEG_COMPRESSION_QUALITY, {1, 100, 80}},
                         {V4L2_CID_EXPOSURE_AUTO, {0, 3, 3}},
                         {V4L2_CID_EXPOSURE_ABSOLUTE, {1, 5000, 156}},
                         {V4L2_CID_WHITE_BALANCE_TEMPERATURE, {2800, 6000, 4600}}}};
  MeterlensShot shot = initial_shot();
  EXPECT_EQ(camera.value(V4L2_CID_BRIGHTNESS, shot), 0);
  EXPECT_EQ(camera.value(V4L2_CID_CONTRAST, shot), 20);
  EXPECT_EQ(camera.value(V4L2_CID_JPEG_COMPRESSION_QUALITY, shot), 80);
  EXPECT_EQ(camera.value(V4L2_CID_EXPOSURE_AUTO, shot), V4L2_EXPOSURE_APERTURE_PRIORITY);
  EXPECT_EQ(camera.value(V4L2_CID_EXPOSURE_ABSOLUTE, shot), std::nullopt);
  EXPECT_EQ(camera.value(V4L2_CID_SATURATION, shot), std::nullopt);
  shot.brightness = -1;
  shot.contrast = 2;
  shot.jpeg_quality = 63;
  shot.exposure = 1200;
  shot.white_balance = 2;
  EXPECT_EQ(camera.value(V4L2_CID_BRIGHTNESS, shot), -32);
  EXPECT_EQ(camera.value(V4L2_CID_CONTRAST, shot), 100);
  EXPECT_EQ(camera.value(V4L2_CID_JPEG_COMPRESSION_QUALITY, shot), 1);
  EXPECT_EQ(camera.value(V4L2_CID_EXPOSURE_AUTO, shot), V4L2_EXPOSURE_MANUAL);
  EXPECT_EQ(camera.value(V4L2_CID_EXPOSURE_ABSOLUTE, shot), 5000);
  EXPECT_EQ(camera.value(V4L2_CID_WHITE_BALANCE_TEMPERATURE, shot), 6000) << "6500 is past its end";
}

TEST(V4l2Controls, WhatIsNotThereIsDeaf) {
  const auto has = [](const std::vector<std::string_view>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  const Controls some{{{V4L2_CID_BRIGHTNESS, {0, 255, 128}}, {V4L2_CID_EXPOSURE_AUTO, {0, 3, 3}}}};
  const auto deaf = deaf_settings(some.ask());
  EXPECT_FALSE(has(deaf, "brightness"));
  EXPECT_TRUE(has(deaf, "contrast"));
  EXPECT_TRUE(has(deaf, "exposure")) << "it cannot be set by hand";
  V4l2Camera none("/dev/no_such_device", 640, 480);
  EXPECT_TRUE(has(none.deaf_settings(), "brightness"));
  EXPECT_TRUE(has(none.deaf_settings(), "light"));
  EXPECT_FALSE(has(none.deaf_settings(), "mirror"));
  EXPECT_NE(deaf_keys(none.deaf_settings()), 0U);
}

}  // namespace
}  // namespace meterlens::boards
