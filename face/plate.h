// The meter round its register: body, plate, print, dials, glass.
#pragma once

#include <vector>

#include "face/canvas.h"
#include "face/drums.h"
#include "face/face.h"

namespace meterlens::face {

// Where the window is on the plate; depends on the meter alone.
Window window_of(const Meter& meter);
// Half the width and height, in units, that the meter with its body takes.
cv::Point2d extent_of(const Meter& meter);

void draw_meter(Canvas& canvas, const Meter& meter, const std::vector<int>& positions);

}  // namespace meterlens::face
