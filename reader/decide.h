// From glimpses of one window to the most likely consistent digits, and how far they can be
// trusted.
//
// Pure functions; any thread. A wheel stands between two digits only while the wheel to its right
// goes from 9 to 0: that rule, applied from the right, decides every turning wheel.
#pragma once

#include <array>
#include <vector>

#include "reader/nets.h"

namespace meterlens::reader {

struct Register {
  std::vector<Wheel> wheels;
  std::vector<bool> turning;    // wheels that stand between two digits
  std::vector<Spread> spreads;  // of the wheels, all nets together, not calibrated
  std::vector<double> centres;  // of the wheels, in widths of the window
  double pitch = 0;             // from one wheel to the next, likewise
  double count = 0;             // probability that the number of wheels is right
  double whole = 0;             // probability of a whole upright register
  double evenness = 0;          // 0..1, how evenly the wheels are spaced
  double shown = 1;             // lowest probability that there is a wheel at all
  double lcd = 0;               // probability that these are an LCD's digits
  bool wheels_alone = false;    // the row's net was not asked
  bool is_display = false;      // the display's net read it
  double trust = 0;             // calibrated probability of a whole register, see trust.h
};

// What the row's or the display's net sees of one window, its cuts together.
struct Sight {
  struct Direction {
    double x = 0, y = 0;  // sums over the cuts, of 2 pi position / 10
    double red = 0;
  };
  Register row;                       // all but what is said of each wheel
  std::vector<Spread> spreads;        // of the wheels; empty when there is no row at all
  std::vector<Direction> directions;  // of the wheels
};

Sight sight_of(const std::vector<Glimpse>& glimpses);

// Empty wheels when nothing is seen. Opinions are of the wheels at the sight's centres; those of
// other wheels are left out. Without opinions the row's net decides alone.
Register decide(const Sight& sight, const std::vector<WheelOpinion>& opinions = {});

// The digits of an LCD, as the display's net sees them. Nothing turns.
Register decide_display(const Sight& sight, const std::vector<WheelOpinion>& opinions);

// The opinions decide alone, of wheels whose number and places were known.
Register decide_alone(const std::vector<WheelOpinion>& opinions);

// Whether more cuts of the window would hardly change the row.
bool is_sure(const Register& row);

// Indices of the wheels that more cuts may make clearer: not those that both nets agree upon, nor a
// last one that turns.
std::vector<std::size_t> unsure_wheels(const Register& row);

// The digit of each wheel with its probability, from the spreads and measured positions, left to
// right.
struct Choice {
  int digit = 0;
  double probability = 0;
};
std::vector<Choice> choose_digits(const std::vector<Spread>& spreads,
                                  const std::vector<double>& positions);

// The wheel by itself: its position and nearest digit.
Wheel wheel_of(const WheelOpinion& opinion);

// No wheel to the right of the last one.
inline constexpr int no_wheel = -1;

// What a wheel at this half step counts as: half-way as the lower digit while the wheel to its
// right shows 8 or 9, as the higher one at 0 or 1, else as the one nearer to its measured position;
// with no wheel there as the lower one unless it is clearly past half-way or leaves 9. right: that
// wheel's digit, or no_wheel.
int digit_of(std::size_t half_step, double position, int right);

// Of the ten digits, each from all half steps that count as it. Not calibrated.
std::array<double, 10> digit_probabilities(const Spread& spread, double position, int right);

// Of the photo alone, a row whose confidences come true (trust.h); known.h has the one for a known
// meter. Fills all but window and ms.
Digits judge(const Register& row, const Evidence& evidence);

}  // namespace meterlens::reader
