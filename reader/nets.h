// The three nets and the geometry between them. The only files of this folder that know OpenCV are
// nets.cpp and its helpers there.
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

struct Candidate {
  Quad window;
  double score = 0;  // 0..1, of the locator
};

struct Refined {
  Quad window;
  double upright = 0, turned = 0, mirrored = 0, nothing = 0;  // probabilities of what is seen
};

// What the wheel reader says of one straightened window.
struct Glimpse {
  Columns columns;
  std::vector<double> cosine, sine;  // of 2 pi position / 10, a value a column
  std::vector<double> red, centre;   // probabilities, a value a column
  double whole = 0;                  // probability of a whole upright register
};

struct Light {
  double mean = 0;       // 0..255 in the window
  double contrast = 0;   // deviation of grey levels in the window
  double glaring = 0;    // share of the window's pixels near white with no detail
  double sharpness = 0;  // steepest edges against contrast, about 0..1
};

class Nets {
 public:
  static std::expected<Nets, Error> open(const std::filesystem::path& models);
  Nets(Nets&&) noexcept;
  Nets& operator=(Nets&&) noexcept;
  ~Nets();
  Nets another() const;

  // Takes the photo that the calls below look at.
  void show(Picture picture);

  std::vector<Candidate> locate(int most);
  Refined refine(const Quad& window);
  // One glimpse for each of a few slightly different cuts of the window.
  std::vector<Glimpse> read(const Quad& window);
  Light light(const Quad& window) const;

 private:
  struct Parts;
  explicit Nets(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

Quad turned(const Quad& window);  // by half a turn

}  // namespace meterlens::reader
