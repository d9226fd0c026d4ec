// The meter round its register: body, plate, print, dials, glass.
#pragma once

#include <vector>

#include "face/canvas.h"
#include "face/drums.h"
#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

// Where the window is on the plate; depends on the meter alone.
Window window_of(const Meter& meter);
// Half the width and height, in units, that the meter with its body takes.
cv::Point2d extent_of(const Meter& meter);

// The kinds of plate that stand in files of their own.
void draw_household(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                    Random& random);
void draw_lcd_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions,
                    Random& random);
void draw_sheet(Canvas& canvas, const Meter& meter, Random& random);

void draw_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions);

}  // namespace meterlens::face
