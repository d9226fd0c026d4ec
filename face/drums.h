// The register: drums that turn behind the openings of the plate.
#pragma once

#include <vector>

#include "face/canvas.h"
#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

// The window in plate units.
struct Window {
  double x0 = 0, y0 = 0, x1 = 0, y1 = 0;
};

// Draws frame, openings and drums. `positions`: tenths of a digit, one a wheel, left to right.
void draw_register(Canvas& canvas, const Meter& meter, const Window& window,
                   const std::vector<int>& positions, Random& random);

}  // namespace meterlens::face
