#include "reader/nets.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>
#include <string>

namespace meterlens::reader {
namespace {

constexpr int locator_side = 320, locator_cells = 40;
constexpr int refiner_width = 160, refiner_height = 80;
constexpr int reader_width = 224, reader_height = 32, reader_columns = 56;
constexpr double refiner_span_x = 0.60, refiner_span_y = 0.45;
constexpr double reader_span_x = 0.92, reader_span_y = 0.80;
constexpr int level_count = 4;

// Cuts that are read and averaged: growth in x and y, shift in x, of the window's size.
struct Cut {
  double grow_x, grow_y, shift_x;
};
constexpr std::array<Cut, 5> cuts{{{1.0, 1.0, 0.0},
                                   {1.03, 1.16, 0.006},
                                   {0.985, 0.88, -0.006},
                                   {1.0, 1.05, 0.014},
                                   {1.02, 0.96, -0.014}}};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

Point middle_of(const Quad& q) {
  return {(q[0].x + q[1].x + q[2].x + q[3].x) / 4, (q[0].y + q[1].y + q[2].y + q[3].y) / 4};
}

// A window as a turned rectangle.
struct Frame {
  Point middle;
  double width, height, angle;
};

Frame frame_of(const Quad& q) {
  const Point along{(q[1].x - q[0].x + q[2].x - q[3].x) / 2,
                    (q[1].y - q[0].y + q[2].y - q[3].y) / 2};
  const Point down{(q[3].x - q[0].x + q[2].x - q[1].x) / 2,
                   (q[3].y - q[0].y + q[2].y - q[1].y) / 2};
  return {middle_of(q), std::hypot(along.x, along.y), std::hypot(down.x, down.y),
          std::atan2(along.y, along.x)};
}

// The photo's point for n in units of the frame, (0, 0) its middle.
Point place(const Frame& f, double nx, double ny) {
  const double x = nx * f.width, y = ny * f.height;
  return {f.middle.x + std::cos(f.angle) * x - std::sin(f.angle) * y,
          f.middle.y + std::sin(f.angle) * x + std::cos(f.angle) * y};
}

Quad corners_of(const Frame& f) {
  return {place(f, -0.5, -0.5), place(f, 0.5, -0.5), place(f, 0.5, 0.5), place(f, -0.5, 0.5)};
}

// Zero mean and unit deviation over all pixels and colours, as in training.
cv::Mat blob_of(const cv::Mat& image) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(image, mean, deviation);
  double middle = 0, square = 0;
  for (int c = 0; c < 3; ++c) {
    middle += mean[c] / 3;
    square += (deviation[c] * deviation[c] + mean[c] * mean[c]) / 3;
  }
  const double spread = std::sqrt(std::max(0.0, square - middle * middle));
  return cv::dnn::blobFromImage(image, 1 / (spread + 0.02 * 255), {}, cv::Scalar::all(middle));
}

std::expected<std::vector<unsigned char>, Error> bytes_of_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::unexpected(Error{Fault::model_missing, "cannot open the model " + path.string()});
  return std::vector<unsigned char>(std::istreambuf_iterator<char>(file), {});
}

// Parses a model and runs it once, so that damage shows at the start.
std::expected<cv::dnn::Net, Error> net_of(const std::vector<unsigned char>& bytes, cv::Size input,
                                          const std::vector<int>& wanted, const std::string& name) {
  const std::unexpected<Error> damaged(
      Error{Fault::model_damaged, "the model " + name + " is damaged"});
  try {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(bytes);
    if (net.empty()) return damaged;
    net.setInput(cv::dnn::blobFromImage(cv::Mat::zeros(input, CV_8UC3)));
    const cv::Mat result = net.forward();
    const std::vector<int> shape(result.size.p, result.size.p + result.dims);
    if (shape != wanted) return damaged;
    return net;
  } catch (const std::exception&) {
    return damaged;
  }
}

}  // namespace

struct Nets::Parts {
  std::array<std::vector<unsigned char>, 3> files;
  cv::dnn::Net locator, refiner, reader;
  std::array<cv::Mat, level_count> levels;  // the photo at 1, 1/2, 1/4, 1/8
  int filled = 0;
  Picture picture;

  std::expected<void, Error> load(const std::string& where);
  const cv::Mat& level(int index);
  int level_for(double shrink) const;
};

std::expected<void, Error> Nets::Parts::load(const std::string& where) {
  struct Model {
    cv::dnn::Net& net;
    cv::Size input;
    std::vector<int> wanted;
    const char* name;
  };
  const Model models[] = {
      {locator, {locator_side, locator_side}, {1, 9, locator_cells, locator_cells}, "locator.onnx"},
      {refiner, {refiner_width, refiner_height}, {1, 12}, "refiner.onnx"},
      {reader, {reader_width, reader_height}, {1, classes + 5, 1, reader_columns}, "reader.onnx"}};
  for (std::size_t i = 0; i < 3; ++i) {
    auto net = net_of(files[i], models[i].input, models[i].wanted, where + models[i].name);
    if (!net) return std::unexpected(net.error());
    models[i].net = std::move(*net);
  }
  return {};
}

const cv::Mat& Nets::Parts::level(int index) {
  for (; filled <= index; ++filled) {
    const cv::Mat& finer = levels[static_cast<std::size_t>(filled - 1)];
    const cv::Size half(std::max(1, finer.cols / 2), std::max(1, finer.rows / 2));
    cv::resize(finer, levels[static_cast<std::size_t>(filled)], half, 0, 0, cv::INTER_AREA);
  }
  return levels[static_cast<std::size_t>(index)];
}

// The coarsest level that still has `shrink` or fewer source pixels for a pixel wanted.
int Nets::Parts::level_for(double shrink) const {
  int index = 0;
  while (index + 1 < level_count && shrink >= 2.0) {
    shrink /= 2;
    ++index;
  }
  return index;
}

namespace {

// A point of the photo in pixels of a level.
cv::Point2f on_level(const Point& p, const cv::Mat& full, const cv::Mat& level) {
  const double sx = static_cast<double>(level.cols) / full.cols,
               sy = static_cast<double>(level.rows) / full.rows;
  return {static_cast<float>((p.x + 0.5) * sx - 0.5), static_cast<float>((p.y + 0.5) * sy - 0.5)};
}

cv::Mat warp(const cv::Mat& level, const std::array<cv::Point2f, 4>& from,
             const std::array<cv::Point2f, 4>& to, cv::Size size) {
  cv::Mat seen;
  cv::warpPerspective(level, seen, cv::getPerspectiveTransform(to.data(), from.data()), size,
                      cv::INTER_LINEAR | cv::WARP_INVERSE_MAP, cv::BORDER_CONSTANT);
  return seen;
}

std::array<cv::Point2f, 4> nominal(int width, int height, double span_x, double span_y) {
  const auto x0 = static_cast<float>((0.5 - span_x / 2) * width - 0.5);
  const auto x1 = static_cast<float>((0.5 + span_x / 2) * width - 0.5);
  const auto y0 = static_cast<float>((0.5 - span_y / 2) * height - 0.5);
  const auto y1 = static_cast<float>((0.5 + span_y / 2) * height - 0.5);
  return {cv::Point2f(x0, y0), cv::Point2f(x1, y0), cv::Point2f(x1, y1), cv::Point2f(x0, y1)};
}

std::array<cv::Point2f, 4> corners_on(const Quad& quad, const cv::Mat& full, const cv::Mat& level) {
  std::array<cv::Point2f, 4> corners;
  for (std::size_t i = 0; i < 4; ++i) corners[i] = on_level(quad[i], full, level);
  return corners;
}

Quad cut_of(const Quad& q, const Cut& cut) {
  const Point along{(q[1].x - q[0].x + q[2].x - q[3].x) / 4,
                    (q[1].y - q[0].y + q[2].y - q[3].y) / 4};
  const Point down{(q[3].x - q[0].x + q[2].x - q[1].x) / 4,
                   (q[3].y - q[0].y + q[2].y - q[1].y) / 4};
  constexpr double side_x[] = {-1, 1, 1, -1}, side_y[] = {-1, -1, 1, 1};
  Quad result;
  for (std::size_t i = 0; i < 4; ++i) {
    const double dx = side_x[i] * (cut.grow_x - 1) + 2 * cut.shift_x,
                 dy = side_y[i] * (cut.grow_y - 1);
    result[i] = {q[i].x + along.x * dx + down.x * dy, q[i].y + along.y * dx + down.y * dy};
  }
  return result;
}

Columns columns_of(const float* result) {
  Columns columns(reader_columns);
  for (std::size_t t = 0; t < reader_columns; ++t) {
    double top = -1e9, sum = 0;
    for (std::size_t c = 0; c < classes; ++c)
      top = std::max(top, static_cast<double>(result[c * reader_columns + t]));
    for (std::size_t c = 0; c < classes; ++c)
      sum += std::exp(static_cast<double>(result[c * reader_columns + t]) - top);
    for (std::size_t c = 0; c < classes; ++c)
      columns[t][c] = static_cast<double>(result[c * reader_columns + t]) - top - std::log(sum);
  }
  return columns;
}

Glimpse glimpse_of(const float* result) {
  Glimpse glimpse;
  glimpse.columns = columns_of(result);
  const auto channel = [&](int extra, std::size_t t) {
    return static_cast<double>(
        result[static_cast<std::size_t>(classes + extra) * reader_columns + t]);
  };
  double whole = 0;
  for (std::size_t t = 0; t < reader_columns; ++t) {
    glimpse.cosine.push_back(channel(0, t));
    glimpse.sine.push_back(channel(1, t));
    glimpse.red.push_back(sigmoid(channel(2, t)));
    glimpse.centre.push_back(sigmoid(channel(3, t)));
    whole += channel(4, t) / reader_columns;
  }
  glimpse.whole = sigmoid(whole);
  return glimpse;
}

}  // namespace

std::expected<Nets, Error> Nets::open(const std::filesystem::path& models) {
  cv::setNumThreads(1);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);  // faults are our Errors
  auto parts = std::make_unique<Parts>();
  const char* names[] = {"locator.onnx", "refiner.onnx", "reader.onnx"};
  for (std::size_t i = 0; i < 3; ++i) {
    auto bytes = bytes_of_file(models / names[i]);
    if (!bytes) return std::unexpected(bytes.error());
    parts->files[i] = std::move(*bytes);
  }
  if (auto loaded = parts->load(models.string() + "/"); !loaded)
    return std::unexpected(loaded.error());
  return Nets(std::move(parts));
}

Nets::Nets(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Nets::Nets(Nets&&) noexcept = default;
Nets& Nets::operator=(Nets&&) noexcept = default;
Nets::~Nets() = default;

Nets Nets::another() const {
  auto parts = std::make_unique<Parts>();
  parts->files = parts_->files;
  const auto loaded = parts->load("");  // these bytes loaded before
  CV_Assert(loaded.has_value());
  return Nets(std::move(parts));
}

void Nets::show(Picture picture) {
  parts_->picture = std::move(picture);
  Picture& shown = parts_->picture;
  parts_->levels = {};
  parts_->levels[0] = cv::Mat(shown.height, shown.width, CV_8UC3, shown.bgr.data());
  parts_->filled = 1;
}

std::vector<Candidate> Nets::locate(int most) {
  const cv::Mat& full = parts_->levels[0];
  const double scale = static_cast<double>(locator_side) / std::max(full.cols, full.rows);
  const cv::Size size(std::max(1, static_cast<int>(full.cols * scale + 0.5)),
                      std::max(1, static_cast<int>(full.rows * scale + 0.5)));
  cv::Mat canvas = cv::Mat::zeros(locator_side, locator_side, CV_8UC3);
  cv::Mat part = canvas(cv::Rect({0, 0}, size));
  cv::resize(full, part, size, 0, 0, scale < 1 ? cv::INTER_AREA : cv::INTER_LINEAR);
  parts_->locator.setInput(blob_of(canvas));
  const cv::Mat result = parts_->locator.forward();
  const auto* data = result.ptr<float>();
  const auto value = [&](int channel, int x, int y) {
    return static_cast<double>(data[(channel * locator_cells + y) * locator_cells + x]);
  };
  std::vector<Candidate> found;
  for (int y = 0; y < locator_cells; ++y) {
    for (int x = 0; x < locator_cells; ++x) {
      const double heat = value(0, x, y);
      bool peak = heat > -3.0;
      for (int ny = std::max(0, y - 2); peak && ny <= std::min(locator_cells - 1, y + 2); ++ny)
        for (int nx = std::max(0, x - 2); nx <= std::min(locator_cells - 1, x + 2); ++nx)
          if (value(0, nx, ny) > heat) peak = false;
      if (!peak) continue;
      double axis = std::atan2(value(6, x, y), value(5, x, y)) / 2;
      if (std::cos(axis) * value(7, x, y) + std::sin(axis) * value(8, x, y) < 0)
        axis += std::numbers::pi;
      const Point middle{((x + value(1, x, y) + 0.5) * 8 + 0.5) / scale - 0.5,
                         ((y + value(2, x, y) + 0.5) * 8 + 0.5) / scale - 0.5};
      const Frame frame{middle, std::exp(value(3, x, y)) * 32 / scale,
                        std::exp(value(4, x, y)) * 32 / scale, axis};
      found.push_back({corners_of(frame), sigmoid(heat)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.score > b.score; });
  if (static_cast<int>(found.size()) > most) found.resize(static_cast<std::size_t>(most));
  return found;
}

Refined Nets::refine(const Quad& window) {
  const Frame frame = frame_of(window);
  const cv::Mat& full = parts_->levels[0];
  const int index = parts_->level_for(frame.width / (refiner_width * refiner_span_x));
  const cv::Mat& level = parts_->level(index);
  const cv::Mat seen = warp(level, corners_on(corners_of(frame), full, level),
                            nominal(refiner_width, refiner_height, refiner_span_x, refiner_span_y),
                            {refiner_width, refiner_height});
  parts_->refiner.setInput(blob_of(seen));
  const cv::Mat result = parts_->refiner.forward();
  const auto* value = result.ptr<float>();
  constexpr double x[] = {-0.5, 0.5, 0.5, -0.5}, y[] = {-0.5, -0.5, 0.5, 0.5};
  Refined refined;
  for (std::size_t i = 0; i < 4; ++i)
    refined.window[i] = place(frame, x[i] + static_cast<double>(value[2 * i]),
                              y[i] + static_cast<double>(value[2 * i + 1]));
  double e[4], sum = 0;
  for (std::size_t i = 0; i < 4; ++i)
    sum += e[i] = std::exp(std::min(30.0, static_cast<double>(value[8 + i])));
  refined.upright = e[0] / sum, refined.turned = e[1] / sum;
  refined.mirrored = e[2] / sum, refined.nothing = e[3] / sum;
  return refined;
}

std::vector<Glimpse> Nets::read(const Quad& window) {
  const cv::Mat& full = parts_->levels[0];
  const int index = parts_->level_for(frame_of(window).width / (reader_width * reader_span_x));
  const cv::Mat& level = parts_->level(index);
  const auto to = nominal(reader_width, reader_height, reader_span_x, reader_span_y);
  const int shape[] = {static_cast<int>(cuts.size()), 3, reader_height, reader_width};
  cv::Mat blob(4, shape, CV_32F);
  constexpr std::size_t plane = 3UL * reader_height * reader_width;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const cv::Mat one = blob_of(warp(level, corners_on(cut_of(window, cuts[i]), full, level), to,
                                     {reader_width, reader_height}));
    std::copy_n(one.ptr<float>(), plane, blob.ptr<float>() + i * plane);
  }
  parts_->reader.setInput(blob);
  const cv::Mat result = parts_->reader.forward();
  std::vector<Glimpse> glimpses;
  for (std::size_t i = 0; i < cuts.size(); ++i)
    glimpses.push_back(glimpse_of(result.ptr<float>() + i * (classes + 5) * reader_columns));
  return glimpses;
}

Light Nets::light(const Quad& window) const {
  const cv::Mat& full = parts_->levels[0];
  const cv::Mat seen =
      warp(full, corners_on(window, full, full), nominal(128, 32, 1, 1), {128, 32});
  cv::Mat grey, slope;
  cv::cvtColor(seen, grey, cv::COLOR_BGR2GRAY);
  cv::Scalar mean, deviation;
  cv::meanStdDev(grey, mean, deviation);
  cv::Sobel(grey, slope, CV_32F, 1, 0, 3, 0.25);
  std::vector<float> steep(slope.begin<float>(), slope.end<float>());
  for (float& s : steep) s = std::abs(s);
  std::nth_element(steep.begin(),
                   steep.begin() + static_cast<std::ptrdiff_t>(steep.size() * 95 / 100),
                   steep.end());
  Light light;
  light.mean = mean[0], light.contrast = deviation[0];
  light.glaring =
      static_cast<double>(cv::countNonZero(grey > 248)) / static_cast<double>(grey.total());
  light.sharpness = static_cast<double>(steep[steep.size() * 95 / 100]) / (2 * deviation[0] + 4);
  return light;
}

Quad turned(const Quad& window) { return {window[2], window[3], window[0], window[1]}; }

}  // namespace meterlens::reader
