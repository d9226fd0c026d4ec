// Seven-segment displays.
#pragma once

#include <vector>

#include "face/canvas.h"
#include "face/drums.h"
#include "face/face.h"
#include "face/random.h"

namespace meterlens::face {

// Leading zeros that the meter's LCD does not show. `positions`: tenths of a digit, one a digit.
int hidden_digits(const Meter& meter, const std::vector<int>& positions);

// The display with its ground and the signs round the digits; the digits' row fills `window`.
void draw_lcd(Canvas& canvas, const Meter& meter, const Window& window,
              const std::vector<int>& positions, Random& random);

}  // namespace meterlens::face
