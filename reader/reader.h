// Photo in, digits out: the local reader of mechanical counters.
//
// Owns: five small nets (models/*.onnx), held in memory. No set-up, no state between photos.
// Promises: any photo of one meter, at any angle: the counter window is found, straightened and
// every wheel is read as a position in tenths. `read` means that the reader stands behind the
// leading `certain` wheels; everything else is a best guess with a reason. Foreign bytes give an
// Error, never a crash. The same bytes give the same result. Threads: one Reader for one thread;
// another() makes a second one of the same models for a next thread. A read uses one core. Memory:
// about 10 to 20 MB a Reader, by what runs its nets, beside the 38 of a program that reads, and 2
// to 4 bytes a pixel of its largest photo; up to 6 more while a progressive one is decoded.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace meterlens::reader {

enum class Fault {
  model_missing,    // a model file is not there or cannot be opened
  model_damaged,    // it is there, but no model of the expected shape
  nets_cannot_run,  // this processor is unknown to XNNPACK, or there is no /proc
  not_a_jpeg,       // the bytes do not begin as a JPEG does
  damaged_jpeg,     // they do, but nothing of them can be shown
  too_large,        // more than pixels_max
};

struct Error {
  Fault fault;
  std::string text;  // one line for people, names the file or the limit
};

inline constexpr std::size_t pixels_max = 64'000'000;

// What runs the nets: the fastest that the processor has (whole.h), or what runs everywhere.
enum class Engine { fastest, everywhere };

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
  several_meters,  // two registers in one photo, none chosen; or one, not where it was drawn
  display,         // an LCD whose digits, or the way up that they stand, are unclear
};

enum class Display { wheels, lcd };

const char* name_of(Status status);
const char* name_of(Reason reason);
const char* name_of(Display display);

struct Point {
  double x = 0, y = 0;
};

// What is known of the meter in the photo beforehand. Every part may be missing. A part that makes
// no sense (no number, not convex, other than digits) counts as missing.
struct Earlier {
  std::string digits;        // the last accepted reading, every wheel, leading zeros kept
  int certain = 0;           // its leading wheels that were stood behind
  double hours = 0;          // since then, >= 0
  double most_per_hour = 0;  // highest plausible use, in units of the last wheel; 0: unknown
};
struct Known {
  std::optional<std::array<Point, 4>> window;  // where it was, pixels of the photo as shown
  int wheels = 0;                              // 0: unknown
  int red = -1;                                // trailing decimals, -1: unknown
  std::optional<Earlier> earlier;
  bool is_drawn = false;  // `window`, by a person: what is elsewhere is another meter
};

struct Wheel {
  double position = 0;    // 0.0 to 9.99: tenths between two digits, 3.7 is on its way to 4
  char digit = '0';       // as decided together with its neighbours
  double confidence = 0;  // 0..1, that `digit` is right
  double red = 0;         // 0..1, that this wheel has the decimals' colour
  // Natural logarithm of the odds for `digit`, as the row's net and the wheel's net have them; 0:
  // that net was not asked.
  std::array<double, 2> odds{};
};

struct Light {
  double mean = 0;       // 0..255 in the window
  double contrast = 0;   // deviation of grey levels in the window
  double glaring = 0;    // share of the window's pixels near white with no detail
  double sharpness = 0;  // steepest edges against contrast, about 0..1
};

// What the photo gave to judge by, before anything was calibrated. Probabilities but for the light.
struct Evidence {
  double located = 0;                // that there is a window
  // That the window is a mirror image, of a display that it is upside down; or none.
  double mirrored = 0, nothing = 0;
  Light light{};
  double count = 0;     // that the number of wheels is right
  double whole = 0;     // of a whole upright register
  double evenness = 0;  // 0..1, how evenly the wheels are spaced
  double shown = 0;     // lowest that there is a wheel at all
  double lcd = 0;       // that they are an LCD's digits
};

// What the photo alone says, beside what the earlier reading made of it.
struct Alone {
  std::string digits;
  int certain = 0;
  double confidence = 0;
};

// The program stands behind the number of decimals from this `red_confidence` on. Set on rendered
// photos of the calibration part, of which it leaves one in two hundred another number.
inline constexpr double red_sure = 0.967;

struct Digits {
  Status status = Status::unreadable;
  Reason reason = Reason::no_meter;
  std::string digits;             // the best guess of every wheel, leading zeros kept; empty: none
  int certain = 0;                // this many leading wheels are stood behind
  int red = 0;                    // trailing wheels that are decimals, 0 if unknown
  double red_confidence = 0;      // 0..1, that they are so many
  std::string value;              // `digits` as an exact decimal without leading zeros: "195.419"
  double confidence = 0;          // 0..1, that the certain wheels are right
  std::array<Point, 4> window{};  // corners in reading order from top left, in pixels of the photo
                                  // as it is shown, that is after its EXIF rotation
  double ms = 0;                  // the whole time for the photo
  std::vector<Wheel> wheels;      // left to right
  Display display = Display::wheels;
  Evidence evidence{};
  // Only when Known::earlier was used and changed digits, certain or confidence.
  std::optional<Alone> alone;
};

// The files of a folder of models, one a net.
inline constexpr std::array<const char*, 5> model_names{
    "locator.onnx", "refiner.onnx", "reader.onnx", "wheel.onnx", "display.onnx"};

class Reader {
 public:
  // Loads `model_names` from a folder.
  static std::expected<Reader, Error> open(const std::filesystem::path& models,
                                           Engine engine = Engine::fastest);

  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  // A second reader of the same models, for another thread.
  Reader another() const;

  std::expected<Digits, Error> read(std::span<const std::byte> jpeg, const Known& known = {});

  // One wheel that fills its picture. `confidence`: that `digit`, the nearest one, is right.
  std::expected<Wheel, Error> read_wheel(std::span<const std::byte> jpeg);

 private:
  struct Parts;
  explicit Reader(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// The object that `meterlens read --json` prints for one photo, on one line without its end. Adds
// "reason" and "wheels" to the agreed fields, "display" when it is an LCD, and "alone" when there
// is one; `with_evidence` adds "evidence" and the wheels' "odds".
std::string to_json_line(const std::string& file, const Digits& digits, bool with_evidence = false);
std::string to_json_line(const std::string& file, const Error& error);

}  // namespace meterlens::reader
