// The five nets and the geometry between them. The only files of this folder that know OpenCV are
// nets.cpp, graph.cpp and pyramid.*.
//
// Owns: the loaded models. Threads: one Nets for one thread. Shapes are those of
// tools/train/layout.py.
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <memory>
#include <vector>

#include "reader/ctc.h"
#include "reader/jpeg.h"
#include "reader/reader.h"

namespace meterlens::reader {

using Quad = std::array<Point, 4>;  // reading order: top left, top right, bottom right, bottom left

// Sides of the square that the locator sees the photo in, pixels.
inline constexpr int locator_side = 192, locator_side_close = 320;

struct Candidate {
  Quad window;
  double score = 0;  // 0..1, of the locator
};

struct Refined {
  Quad window;
  double upright = 0, turned = 0, mirrored = 0, nothing = 0;  // probabilities of what is seen
  double moved = 0;  // the farthest corner's way, in widths of the window
};

// Slightly different cuts of one window that are read and averaged; the first is the plain one.
inline constexpr std::size_t cut_count = 3;
struct Cuts {
  std::size_t first = 0, end = cut_count;
};

// What the row's or the display's net says of one cut of a straightened window.
struct Glimpse {
  Columns columns;
  std::vector<double> cosine, sine;  // of 2 pi position / 10, a value a column
  std::vector<double> red, centre;   // probabilities, a value a column
  double whole = 0;                  // probability of a whole upright register
  double start = 0, step = 0;        // column t has its middle at start + t * step window widths
};

// What the wheel's net says of one cut of one wheel.
struct WheelOpinion {
  std::size_t wheel = 0;     // its index from the left
  Spread spread{};           // sums to one
  double none = 0, lcd = 0;  // probabilities that no wheel, or an LCD's digit is seen
};

class Nets {
 public:
  static std::expected<Nets, Error> open(const std::filesystem::path& models,
                                         Engine engine = Engine::fastest);
  Nets(Nets&&) noexcept;
  Nets& operator=(Nets&&) noexcept;
  ~Nets();
  Nets another() const;

  // The photo that the calls below look at; it stays unchanged as long.
  void show(const Photo& photo);

  // At most `most`, the likeliest first. `side`: one of the two above.
  std::vector<Candidate> locate(int side, int most);
  Refined refine(const Quad& window);
  // One glimpse a cut.
  std::vector<Glimpse> read(const Quad& window, Cuts which = {});
  // The same of the digits of an LCD, whose window may be wider than they.
  std::vector<Glimpse> read_display(const Quad& window, Cuts which = {});
  // One opinion a wheel and cut. centres, pitch: in widths of the window.
  std::vector<WheelOpinion> read_wheels(const Quad& window, const std::vector<double>& centres,
                                        double pitch, Cuts which = {});
  // Of a picture that one wheel fills.
  WheelOpinion read_wheel(const Picture& wheel);
  Light light(const Quad& window);

 private:
  struct Parts;
  explicit Nets(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

Quad turned(const Quad& window);  // by half a turn

// All that refine(), read() and the others look at of this window, and of one that is a little off.
Part part_of(const Quad& window);

}  // namespace meterlens::reader
