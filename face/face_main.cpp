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
#include "face/random.h"

namespace {

using namespace meterlens;

constexpr const char* usage =
    "usage: meterlens-face --out DIR [--seed S] [--count N] [--hardness 0..1] [--fonts DIR]\n"
    "                      [--width W --height H]\n"
    "Draws N photos of made-up meters into DIR and their truth into DIR/labels.csv.\n";

struct Options {
  std::uint64_t seed = 1;
  int count = 10, width = 640, height = 480;
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

void take(Options& options, const std::string& name, const char* text) {
  if (name == "--seed") return number(text, options.seed);
  if (name == "--count") return number(text, options.count);
  if (name == "--width") return number(text, options.width);
  if (name == "--height") return number(text, options.height);
  if (name == "--hardness") return number(text, options.hardness);
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

std::string row_of(const std::string& file, const face::Truth& truth) {
  std::string row = file + "," + truth.digits + ",";
  for (std::size_t i = 0; i < truth.accepted.size(); ++i)
    row += (i > 0 ? " " : "") + truth.accepted[i];
  row += ",";
  for (std::size_t i = 0; i < truth.positions.size(); ++i)
    row += (i > 0 ? " " : "") + std::to_string(truth.positions[i]);
  row += ",";
  for (std::size_t i = 0; i < 4; ++i) {
    char corner[64];
    std::snprintf(corner, sizeof corner, "%s%.1f %.1f", i > 0 ? " " : "", truth.quad[i].x,
                  truth.quad[i].y);
    row += corner;
  }
  return row + "," + std::to_string(truth.red) + "\n";
}

void write(const std::filesystem::path& path, const std::vector<std::uint8_t>& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

void draw_all(const Options& options) {
  std::filesystem::create_directories(options.out / "images");
  std::ofstream labels(options.out / "labels.csv");
  labels << "file,label,all_accepted,positions,quad,red\n";
  const std::vector<std::string> fonts =
      options.fonts.empty() ? std::vector<std::string>{} : face::fonts_in(options.fonts);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < options.count; ++i) {
    const std::uint64_t seed = options.seed * 1'000'003 + static_cast<std::uint64_t>(i);
    face::Random random(seed);
    const face::Meter meter = face::meter_from_seed(random.next(), fonts);
    face::Conditions conditions = face::conditions_from_seed(random.next(), options.hardness);
    conditions.width = options.width;
    conditions.height = options.height;
    const face::Picture picture = face::render(meter, value_of(random, meter.wheels), conditions);
    const std::string file =
        "images/" + std::to_string(options.seed) + "_" + std::to_string(i) + ".jpg";
    write(options.out / file, picture.jpeg);
    labels << row_of(file, picture.truth);
  }
  if (!labels.flush()) throw std::runtime_error("cannot write labels.csv");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%d photos, %.1f a second\n", options.count, options.count / took.count());
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
