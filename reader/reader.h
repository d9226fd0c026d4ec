// Photo in, digits out: the local reader of mechanical counters.
//
// Owns: three small nets (models/*.onnx), held in memory. No set-up, no state between photos.
// Promises: any photo of one meter, at any angle: the counter window is found, straightened and
// every wheel is read as a position in tenths. `read` means that the reader stands behind the
// leading `certain` wheels; everything else is a best guess with a reason. Foreign bytes give an
// Error, never a crash. The same bytes give the same result. Threads: one Reader for one thread;
// another() makes a second one of the same models for a next thread. A read uses one core. Memory:
// about 60 MB a Reader, and 4 bytes a pixel of the photo while it is read.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace meterlens::reader {

enum class Fault {
  model_missing,  // a model file is not there or cannot be opened
  model_damaged,  // it is there, but no model of the expected shape
  not_a_jpeg,     // the bytes do not begin as a JPEG does
  damaged_jpeg,   // they do, but nothing of them can be shown
  too_large,      // more than pixels_max
};

struct Error {
  Fault fault;
  std::string text;  // one line for people, names the file or the limit
};

inline constexpr std::size_t pixels_max = 64'000'000;

enum class Status { read, doubtful, unreadable };

// Why a photo was not `read`, or why wheels are missing from `certain`.
enum class Reason {
  none,
  no_meter,        // no counter window in the photo
  damaged,         // the JPEG is cut off or has a piece missing; never `read`
  mirrored,        // the photo is a mirror image
  dark,            // too little light on the window
  glare,           // the window is overexposed or lies under a reflection
  blur,            // the window is out of focus or too small
  turning,         // wheels stand between two digits
  wheel_count,     // the number of wheels is unclear, e.g. the window is cut off
  low_confidence,  // the nets do not agree on a wheel
};

const char* name_of(Status status);
const char* name_of(Reason reason);

struct Point {
  double x = 0, y = 0;
};

struct Wheel {
  double position = 0;    // 0.0 to 9.99: tenths between two digits, 3.7 is on its way to 4
  char digit = '0';       // as decided together with its neighbours
  double confidence = 0;  // 0..1, that `digit` is right
  double red = 0;         // 0..1, that this wheel has the decimals' colour
};

struct Digits {
  Status status = Status::unreadable;
  Reason reason = Reason::no_meter;
  std::string digits;             // the best guess of every wheel, leading zeros kept; empty: none
  int certain = 0;                // this many leading wheels are stood behind
  int red = 0;                    // trailing wheels that are decimals, 0 if unknown
  std::string value;              // `digits` as an exact decimal without leading zeros: "195.419"
  double confidence = 0;          // 0..1, that the certain wheels are right
  std::array<Point, 4> window{};  // corners in reading order from top left, in pixels of the photo
                                  // as it is shown, that is after its EXIF rotation
  double ms = 0;              // the whole time for the photo
  std::vector<Wheel> wheels;  // left to right
};

class Reader {
 public:
  // Loads locator.onnx, refiner.onnx and reader.onnx from a folder.
  static std::expected<Reader, Error> open(const std::filesystem::path& models);

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // A second reader of the same models, for another thread.
  Reader another() const;

  std::expected<Digits, Error> read(std::span<const std::byte> jpeg);

 private:
  struct Parts;
  explicit Reader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The object that `meterlens read --json` prints for one photo, on one line without its end. Adds
// "reason" and "wheels" to the agreed fields.
std::string to_json_line(const std::string& file, const Digits& digits);
std::string to_json_line(const std::string& file, const Error& error);

}  // namespace meterlens::reader
