// A mechanical meter's face drawn as a photo from a true value.
//
// Owns: what a meter looks like (Meter), under what conditions it is photographed (Conditions), and
// the rule by which a register's wheels turn (positions_of). Used by the demo's cameras, the
// simulator and the training of the reader.
//
// Promises: everything here is a pure function of its arguments: the same Meter, value and
// Conditions give the same JPEG bytes on one machine and build. The ground truth is computed from
// the geometry, never measured in the picture. The counter window always lies inside the picture.
// What a seed draws stays the same for good: something new comes in behind a field whose default
// draws as before.
// Threads: every function may be called from any thread at once.
// Memory: values only; a render needs about 12 bytes a pixel of the picture while it runs. Opened
// font files stay open per thread.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace meterlens::face {

enum class Medium { water, electricity, gas };
// wheels: a mechanical register; lcd: seven segments a digit; none: no counter at all.
enum class Display { wheels, lcd, none };
// usual: made up after the medium; household: dials of domestic water meters as phones photograph
// them; sheet: no meter but something printed, only with Display::none.
enum class Plate { usual, household, sheet };
enum class Ink { black_on_white, white_on_black, red_on_white, white_on_red };
// one: all wheels behind one opening; framed: the same inside a thick dark frame; split: the
// decimals (or the last wheel) have an opening of their own; cells: an opening for each wheel.
enum class Opening { one, framed, split, cells };

// Digit typefaces. Empty `file`: strokes of our own, which need no font file.
struct Typeface {
  std::string file;
  double stretch = 1.0;  // width of a digit against the typeface's own, 0.7..1.5
  double weight = 0.0;  // for strokes: line width in digit heights; for files: emboldening, 0..0.05
  bool flat_three = false;
};

struct Meter {
  std::uint64_t seed = 0;  // chooses every printed text, number and place not named below
  Medium medium = Medium::water;
  Display display = Display::wheels;
  Plate plate = Plate::usual;
  int wheels = 5;    // 4..9; of an LCD: digits
  int decimals = 0;  // trailing wheels that are decimals, 0..wheels - 1
  Ink ink = Ink::black_on_white;
  Ink decimal_ink = Ink::red_on_white;
  Typeface digits;
  std::string print_file;  // font of the plate's printed texts; empty: none are printed
  Opening opening = Opening::one;
  double window_width = 95;     // plate units; the plate is 200 units wide
  double window_aspect = 1.15;  // height of the opening against a wheel's pitch
  double digit_height = 0.72;   // digit against the opening's height
  double drum_step = 1.35;      // distance of two digits on a drum, in digit heights
  double gap = 0.08;            // share of a wheel's pitch that is gap
  double slack = 0.02;          // wheels stand this far off their true place, in digits (deviation)
  double gloss = 0.2;           // of the drums, 0..1
  bool gear_marks = false;      // the drive's dashes show at the wheels' edge
  bool graduated = false;       // the last wheel carries a scale of tenths
  bool rolls_down = false;      // the next digit comes from above
  double edge_light = 0;        // 0..1, light caught by the edges of the drums
  double top_light = 0;         // 0..1, light on the drums falls off downwards
  bool divider = false;         // a white line and a drop stand before the last wheel
  bool pointer = false;         // a line beside the last wheel shows where to read it
  bool leading_zeros = true;    // of an LCD
  int dials = 0;                // pointer dials on the plate, 0..4
  bool serial = true, bar_code = false, sticker = false, screws = false;
};

// pole: a dark pole between sky and leaves, as behind meters in a street.
enum class Scenery { any, pole };

struct Conditions {
  std::uint64_t seed = 0;  // chooses background, noise, dirt
  std::uint64_t shot = 0;  // not 0: noise of its own in what is otherwise the same scene
  Scenery scenery = Scenery::any;
  int width = 640, height = 480;
  double angle_deg = 0;               // of the meter in the picture, clockwise
  double tilt_x_deg = 0;              // camera looks from the left or right
  double tilt_y_deg = 0;              // camera looks from above or below
  double size = 0.8;                  // plate's width in picture heights or widths, the smaller
  double offset_x = 0, offset_y = 0;  // of the plate's centre, in picture widths and heights
  double light = 1.0;                 // 0.1 dark .. 1 right .. 2 overexposed
  double uneven = 0;                  // 0..1, light falls off across the picture
  double shadow = 0;                  // 0..1, a hard shadow lies over part of it
  double glare = 0;                   // 0..1, reflections of an LED and of the sky on the glass
  double lamp = 0;                    // 0..1, a lamp above the meter, its light falls off downwards
  double patch = 0;                   // 0..1, glare that hides a part of the register
  double haze = 0;                    // 0..1, loss of contrast
  double defocus_px = 0, motion_px = 0;
  double noise = 2;                     // deviation in grey levels
  std::array<double, 3> cast{1, 1, 1};  // gain of red, green, blue
  double saturation = 1;
  double sharpening = 0;              // the sensor's own, 0..2: halos as an ESP32-CAM makes them
  double condensation = 0, dirt = 0;  // 0..1
  bool time_stamp = false;            // printed over a corner, as phone cameras do
  int jpeg_quality = 85;
};

struct Point {
  double x = 0, y = 0;
};

struct Truth {
  Display display = Display::wheels;  // none: all that follows is empty
  std::string digits;  // the digit that shows most on every wheel; of an LCD as shown
  std::vector<std::string> accepted;  // `digits` first; both neighbours while the last wheel turns
  std::vector<int> positions;         // of each wheel, 0..99 tenths of a digit, left to right
  std::array<Point, 4> quad;          // window in photo pixels: top left, top right, bottom right,
                                      // bottom left of the text
  int red = 0;                        // trailing wheels that are decimals
};

struct Picture {
  std::vector<std::uint8_t> jpeg;
  int width = 0, height = 0;
  Truth truth;
  std::optional<Truth> second;  // of the second meter where two were drawn
};

// `value` counts tenths of the last wheel: 9995 on four wheels is 0999.5, where all four turn.
// Taken modulo 10^(wheels + 1). A wheel turns only while the wheel to its right goes from 9 to 0.
std::vector<int> positions_of(std::int64_t value, int wheels);
// The readings a person accepts, the one that shows most first: both while |fraction - 0.5| < 0.25.
std::vector<std::string> accepted_of(std::int64_t value, int wheels);

// Font files (.ttf, .otf) anywhere under `folder`, sorted; none there gives an empty list. Leaves
// out monospaced ones, whose zero is dotted or slashed.
std::vector<std::string> fonts_in(const std::filesystem::path& folder);

// A meter that could exist. `extra_fonts` widens the choice of typefaces; by default only strokes
// of our own and the DejaVu core fonts (when installed) are used.
Meter meter_from_seed(std::uint64_t seed, const std::vector<std::string>& extra_fonts = {});
// hardness 0: upright, near, well lit, sharp; 1: any angle and every fault a photo can have while a
// person could still read it.
Conditions conditions_from_seed(std::uint64_t seed, double hardness);

Picture render(const Meter& meter, std::int64_t value, const Conditions& conditions);

struct Subject {
  Meter meter;
  std::int64_t value = 0;
};
// Two meters in one photo, side by side in a wide one, else one above the other. Size and offset
// of `conditions` count in each one's half; a size is cut to 0.62, so that none hides the other.
Picture render_two(const Subject& first, const Subject& second, const Conditions& conditions);

}  // namespace meterlens::face
