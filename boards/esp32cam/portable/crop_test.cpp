#include "boards/esp32cam/portable/crop.h"

#include <gtest/gtest.h>

namespace meterlens::esp32cam {
namespace {

MeterlensShot shot(int size, int left, int top, int width, int height) {
  MeterlensShot made{};
  made.frame_size = size;
  made.crop_left = left;
  made.crop_top = top;
  made.crop_width = width;
  made.crop_height = height;
  return made;
}

TEST(Crop, ShowsThePartThatWasAskedFor) {
  struct Case {
    const char* why;
    MeterlensShot shot;
    Window window;
  };
  const Case cases[] = {
      {"all of 800x600", shot(2, 0, 0, 1000, 1000), {1, 0, 0, 800, 600, 800, 592}},
      {"the middle of 800x600", shot(2, 250, 250, 500, 500), {1, 200, 148, 400, 300, 400, 288}},
      {"the middle of 1600x1200", shot(5, 250, 250, 500, 500), {0, 400, 300, 800, 600, 800, 592}},
      {"a strip of 640x480", shot(1, 100, 400, 800, 200), {1, 80, 240, 640, 120, 512, 96}},
      {"5:4 is the middle of 4:3", shot(4, 0, 0, 1000, 1000), {0, 48, 0, 1500, 1200, 1280, 1024}},
      {"beyond the right edge", shot(2, 900, 0, 500, 1000), {1, 400, 0, 400, 600, 400, 592}},
      {"tiny", shot(2, 0, 0, 1, 1), {1, 0, 0, 64, 64, 64, 64}},
  };
  for (const Case& c : cases) {
    const auto window = crop_window(c.shot);
    ASSERT_TRUE(window) << c.why;
    EXPECT_EQ(window->mode, c.window.mode) << c.why;
    EXPECT_EQ(window->left, c.window.left) << c.why;
    EXPECT_EQ(window->top, c.window.top) << c.why;
    EXPECT_EQ(window->width, c.window.width) << c.why;
    EXPECT_EQ(window->height, c.window.height) << c.why;
    EXPECT_EQ(window->out_width, c.window.out_width) << c.why;
    EXPECT_EQ(window->out_height, c.window.out_height) << c.why;
  }
}

TEST(Crop, AlwaysFitsTheArrayAndTheScaler) {
  for (int size = 0; size <= 5; ++size)
    for (int from = 0; from <= 999; from += 37)
      for (int length = 1; length <= 1000; length += 27) {
        const auto window = crop_window(shot(size, from, from, length, length));
        ASSERT_TRUE(window);
        const FrameSize array = *frame_size(window->mode == 0 ? 5 : 2);
        EXPECT_LE(window->left + window->width, array.width);
        EXPECT_LE(window->top + window->height, array.height);
        EXPECT_LE(window->out_width, window->width);
        EXPECT_LE(window->out_height, window->height);
        EXPECT_EQ((window->out_width | window->out_height) % 16, 0);
        EXPECT_EQ((window->left | window->top | window->width | window->height) % 4, 0);
      }
}

TEST(Crop, IsNone) {
  EXPECT_FALSE(crop_window(shot(2, 0, 0, 0, 500)));
  EXPECT_FALSE(crop_window(shot(2, 0, 0, 500, 0)));
  EXPECT_FALSE(crop_window(shot(6, 0, 0, 500, 500)));
  EXPECT_FALSE(crop_window(shot(-1, 0, 0, 500, 500)));
}

}  // namespace
}  // namespace meterlens::esp32cam
