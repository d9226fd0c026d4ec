// meterlens-face: draws labelled photos of meters for training and tests.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <opencv2/core/utility.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "face/face.h"
#include "face/kinds.h"
#include "face/random.h"

namespace {

using namespace meterlens;

constexpr const char* usage =
    "usage: meterlens-face --out DIR [--seed S] [--count N] [--hardness 0..1] [--fonts DIR]\n"
    "                      [--width W --height H] [--kind any|water|power|gas|lcd|street|\n"
    "                      household|none] [--series FRAMES | --meters 1|2]\n"
    "Draws N photos of made-up meters into DIR and their truth into DIR/labels.csv. --series: N\n"
    "times so many photos of one meter by a fixed camera, in order; --meters 2: two in each "
    "photo.\n"
    "Two meters of one photo are two rows; without a meter the row has no label and no quad.\n";

struct Options {
  std::uint64_t seed = 1;
  int count = 10, width = 640, height = 480, series = 0, meters = 1;
  face::Kind kind = face::Kind::any;
  double hardness = 0.5;
  std::filesystem::path out, fonts;
};

template <typename Number>
void number(const char* text, Number& value) {
  const char* end = text + std::strlen(text);
  const auto [stopped, failed] = std::from_chars(text, end, value);
  if (failed != std::errc{} || stopped != end)
    throw std::invalid_argument(std::string("not a number: ") + text);
}

face::Kind kind(const char* text) {
  const auto known = face::kind_of(text);
  if (!known) throw std::invalid_argument(std::string("no such kind: ") + text);
  return *known;
}

void take(Options& options, const std::string& name, const char* text) {
  if (name == "--seed") return number(text, options.seed);
  if (name == "--count") return number(text, options.count);
  if (name == "--width") return number(text, options.width);
  if (name == "--height") return number(text, options.height);
  if (name == "--hardness") return number(text, options.hardness);
  if (name == "--series") return number(text, options.series);
  if (name == "--meters") return number(text, options.meters);
  if (name == "--kind") return void(options.kind = kind(text));
  if (name == "--out") return void(options.out = text);
  if (name == "--fonts") return void(options.fonts = text);
  throw std::invalid_argument("unknown option " + name);
}

Options parsed(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 == argc) throw std::invalid_argument(std::string("no value for ") + argv[i]);
    take(options, argv[i], argv[i + 1]);
  }
  if (options.out.empty()) throw std::invalid_argument("--out is missing");
  if (options.meters < 1 || options.meters > 2) throw std::invalid_argument("--meters is 1 or 2");
  if (options.series < 0) throw std::invalid_argument("--series is negative");
  if (options.series > 0 && options.meters == 2)
    throw std::invalid_argument("a series has one meter");
  return options;
}

// A true value: usually at rest on a digit, often turning, sometimes with a carry under way.
std::int64_t value_of(face::Random& random, int wheels) {
  std::int64_t value = 0;
  const int zeros = random.chance(0.4) ? random.below(wheels) : 0;
  for (int i = 0; i < wheels; ++i) value = value * 10 + (i < zeros ? 0 : random.below(10));
  if (random.chance(0.2)) {
    std::int64_t nines = 10;
    for (int i = random.below(3); i > 0; --i) nines *= 10;
    value = value / nines * nines + nines - 1;
  }
  return value * 10 + (random.chance(0.35) ? 0 : random.below(10));
}

const char* name_of(face::Display display) {
  switch (display) {
    case face::Display::wheels: return "wheels";
    case face::Display::lcd: return "lcd";
    default: return "none";
  }
}

std::string row_of(const std::string& file, const face::Truth& truth, const std::string& meter) {
  std::string row = file + "," + truth.digits + ",";
  for (std::size_t i = 0; i < truth.accepted.size(); ++i)
    row += (i > 0 ? " " : "") + truth.accepted[i];
  row += ",";
  for (std::size_t i = 0; i < truth.positions.size(); ++i)
    row += (i > 0 ? " " : "") + std::to_string(truth.positions[i]);
  row += ",";
  for (std::size_t i = 0; i < 4 && truth.display != face::Display::none; ++i) {
    char corner[64];
    std::snprintf(corner, sizeof corner, "%s%.1f %.1f", i > 0 ? " " : "", truth.quad[i].x,
                  truth.quad[i].y);
    row += corner;
  }
  return row + "," + std::to_string(truth.red) + "," + name_of(truth.display) + "," + meter + "\n";
}

void write(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// The files of one run and what is written about them.
class Folder {
 public:
  explicit Folder(const std::filesystem::path& path) : path_(path) {
    std::filesystem::create_directories(path_ / "images");
    labels_.open(path_ / "labels.csv");
    labels_ << "file,label,all_accepted,positions,quad,red,display,meter\n";
  }
  // `name` without ending; `meter` names the meter.
  void add(const std::string& name, const std::string& meter, const face::Picture& picture) {
    const std::string file = "images/" + name + ".jpg";
    write(path_ / file, picture.jpeg);
    labels_ << row_of(file, picture.truth, meter);
    if (picture.second) labels_ << row_of(file, *picture.second, meter + "b");
    ++photos_;
  }
  int finish() {
    if (!labels_.flush()) throw std::runtime_error("cannot write labels.csv");
    return photos_;
  }

 private:
  std::filesystem::path path_;
  std::ofstream labels_;
  int photos_ = 0;
};

// One meter, or two, or a series of one: what number `i` of the run is.
void draw(const Options& options, const std::vector<std::string>& fonts, int i, Folder& folder) {
  const std::string name = std::to_string(options.seed) + "_" + std::to_string(i);
  face::Random random(options.seed * 1'000'003 + static_cast<std::uint64_t>(i));
  const face::Meter meter = face::meter_of(options.kind, random.next(), fonts);
  const std::uint64_t seed = random.next();
  const std::int64_t value = value_of(random, meter.wheels);
  const auto [width, height] = std::pair(options.width, options.height);
  if (options.series > 0) {
    int number = 0;
    for (const face::Frame& frame :
         face::series_of(meter, value, seed, options.hardness, width, height, options.series))
      folder.add(name + "_" + std::to_string(number++), name,
                 face::render(meter, frame.value, frame.conditions));
    return;
  }
  const face::Conditions conditions =
      face::conditions_of(options.kind, seed, options.hardness, width, height);
  if (options.meters == 1) return folder.add(name, name, face::render(meter, value, conditions));
  const face::Meter beside = face::meter_of(options.kind, random.next(), fonts);
  const std::int64_t beside_value = value_of(random, beside.wheels);
  folder.add(name, name, face::render_two({meter, value}, {beside, beside_value}, conditions));
}

void draw_all(const Options& options) {
  Folder folder(options.out);
  const std::vector<std::string> fonts =
      options.fonts.empty() ? std::vector<std::string>{} : face::fonts_in(options.fonts);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < options.count; ++i) draw(options, fonts, i, folder);
  const int photos = folder.finish();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%d photos, %.1f a second\n", photos, photos / took.count());
}

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);  // several of these run side by side
  try {
    draw_all(parsed(argc, argv));
    return 0;
  } catch (const std::invalid_argument& wrong) {
    std::fprintf(stderr, "meterlens-face: %s\n%s", wrong.what(), usage);
    return 2;
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "meterlens-face: %s\n", failed.what());
    return 1;
  }
}
