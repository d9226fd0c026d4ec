#include "reader/nets.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <span>
#include <string>

#include "reader/graph.h"
#include "reader/models.h"
#include "reader/pyramid.h"

namespace meterlens::reader {
namespace {

constexpr int locator_stride = 8;
constexpr std::size_t locator_channels = 9;
constexpr int locator_coarsest = 32;  // its input's sides are multiples of this
constexpr int refiner_width = 160, refiner_height = 80;
constexpr int reader_width = 224, reader_height = 32, reader_columns = 56;
constexpr std::size_t reader_channels = classes + 5;
constexpr int wheel_width = 32, wheel_height = 48;
constexpr double refiner_span_x = 0.60, refiner_span_y = 0.45;
constexpr double reader_span_x = 0.92, reader_span_y = 0.80;
constexpr double wheel_span_x = 0.88, wheel_span_y = 0.88;

// Growth in x and y, shift in x, of the window's size.
struct Cut {
  double grow_x, grow_y, shift_x;
};
constexpr std::array<Cut, cut_count> cuts{{{1.0, 1.0, 0.0},
                                           {1.03, 1.16, 0.006},
                                           {0.985, 0.88, -0.006}}};
// An LCD's digits may begin and end a little outside of what was found.
constexpr std::array<Cut, cut_count> display_cuts{
    {{1.06, 1.0, 0.0}, {1.12, 1.12, 0.01}, {1.02, 0.9, -0.01}}};

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

// Zero mean and unit deviation over all pixels and colours, as in training. `area` counts pixels
// of a larger picture, of which `image` shows all that is not black.
void put(const cv::Mat& image, double area, float* numbers) {
  cv::Scalar mean, deviation;
  cv::meanStdDev(image.reshape(1), mean, deviation);
  const double share = static_cast<double>(image.total()) / area;
  const double middle = share * mean[0];
  const double square = share * (deviation[0] * deviation[0] + mean[0] * mean[0]);
  const double factor = 1 / (std::sqrt(std::max(0.0, square - middle * middle)) + 0.02 * 255);
  cv::Mat to(image.size(), CV_32FC3, numbers);
  image.convertTo(to, CV_32F, factor, -middle * factor);
}

// What a net says of pictures of one size, each by itself.
std::span<const float> run(Graph& net, const std::vector<cv::Mat>& images) {
  const std::size_t pixels = images[0].total();
  const std::span<float> input =
      net.input(images.size(), static_cast<std::size_t>(images[0].rows),
                static_cast<std::size_t>(images[0].cols));
  for (std::size_t i = 0; i < images.size(); ++i)
    put(images[i], static_cast<double>(pixels), input.data() + i * pixels * 3);
  return net.run();
}

}  // namespace

struct Nets::Parts {
  using Files = std::array<std::vector<unsigned char>, model_names.size()>;
  std::shared_ptr<const Files> files;  // one copy for all that came from another()
  Engine engine = Engine::fastest;
  std::array<std::optional<Graph>, model_names.size()> nets;
  Pyramid pyramid;

  Graph& locator() { return *nets[0]; }
  Graph& refiner() { return *nets[1]; }
  Graph& reader() { return *nets[2]; }
  Graph& wheel() { return *nets[3]; }
  Graph& display() { return *nets[4]; }
  std::expected<void, Error> load(const std::string& where, bool is_proven);
};

// Damage shows at the start. Nets that were proven before need no further proof.
std::expected<void, Error> Nets::Parts::load(const std::string& where, bool is_proven) {
  using Shape = Graph::Shape;
  constexpr std::size_t cells = locator_side / locator_stride;
  const struct {
    std::vector<Shape> proofs;  // the locator's smallest, for it has no one size
    Shape wanted;               // of the last proof
  } models[] = {{{{1, locator_coarsest, locator_coarsest}, {1, locator_side, locator_side}},
                 {1, cells, cells, locator_channels}},
                {{{1, refiner_height, refiner_width}}, {1, 1, 1, 12}},
                {{{2, reader_height, reader_width}}, {2, 1, reader_columns, reader_channels}},
                {{{2, wheel_height, wheel_width}}, {2, 1, 1, half_steps + 2}},
                {{{2, reader_height, reader_width}}, {2, 1, reader_columns, reader_channels}}};
  const auto workspace = std::make_shared<Graph::Workspace>();
  for (std::size_t i = 0; i < files->size(); ++i) {
    const auto proofs = is_proven ? std::vector<Shape>{} : models[i].proofs;
    nets[i] = Graph::read((*files)[i], proofs, engine, workspace);
    if (!nets[i] || (!is_proven && nets[i]->result() != models[i].wanted))
      return std::unexpected(Error{Fault::model_damaged, "the model " + where + model_names[i] +
                                                             " is damaged, or no such net"});
  }
  return {};
}

namespace {

Corners nominal(int width, int height, double span_x, double span_y) {
  const auto x0 = static_cast<float>((0.5 - span_x / 2) * width - 0.5);
  const auto x1 = static_cast<float>((0.5 + span_x / 2) * width - 0.5);
  const auto y0 = static_cast<float>((0.5 - span_y / 2) * height - 0.5);
  const auto y1 = static_cast<float>((0.5 + span_y / 2) * height - 0.5);
  return {cv::Point2f(x0, y0), cv::Point2f(x1, y0), cv::Point2f(x1, y1), cv::Point2f(x0, y1)};
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

Columns columns_of(std::span<const float> result) {
  Columns columns(reader_columns);
  for (std::size_t t = 0; t < reader_columns; ++t) {
    const auto value = [&](std::size_t c) {
      return static_cast<double>(result[t * reader_channels + c]);
    };
    double top = -1e9, sum = 0;
    for (std::size_t c = 0; c < classes; ++c) top = std::max(top, value(c));
    for (std::size_t c = 0; c < classes; ++c) sum += columns[t][c] = std::exp(value(c) - top);
    for (double& p : columns[t]) p /= sum;
  }
  return columns;
}

Glimpse glimpse_of(std::span<const float> result, const Cut& cut) {
  Glimpse glimpse;
  glimpse.columns = columns_of(result);
  const auto channel = [&](std::size_t extra, std::size_t t) {
    return static_cast<double>(result[t * reader_channels + classes + extra]);
  };
  double whole = 0;
  for (std::size_t t = 0; t < reader_columns; ++t) {
    glimpse.cosine.push_back(channel(0, t));
    glimpse.sine.push_back(channel(1, t));
    glimpse.centre.push_back(sigmoid(channel(2, t)));
    whole += channel(3, t) / reader_columns;
    glimpse.red.push_back(sigmoid(channel(4, t)));
  }
  glimpse.whole = sigmoid(whole);
  glimpse.step = cut.grow_x / (reader_span_x * reader_columns);
  glimpse.start = 0.5 + cut.shift_x + (0.5 - reader_columns / 2.0) * glimpse.step;
  return glimpse;
}

// One a cut.
std::vector<Glimpse> glimpses(Graph& net, Pyramid& pyramid, const Quad& window,
                              std::span<const Cut> which) {
  const double shrink = frame_of(window).width / (reader_width * reader_span_x);
  const Corners to = nominal(reader_width, reader_height, reader_span_x, reader_span_y);
  std::vector<cv::Mat> seen;
  for (const Cut& cut : which)
    seen.push_back(pyramid.cut(cut_of(window, cut), to, {reader_width, reader_height}, shrink));
  const std::span<const float> result = run(net, seen);
  constexpr std::size_t glimpse_size = reader_columns * reader_channels;
  std::vector<Glimpse> found;
  for (std::size_t i = 0; i < seen.size(); ++i)
    found.push_back(glimpse_of(result.subspan(i * glimpse_size, glimpse_size), which[i]));
  return found;
}

WheelOpinion opinion_of(const float* result, std::size_t wheel) {
  WheelOpinion opinion{wheel, {}, 0, 0};
  const float top = *std::max_element(result, result + half_steps);
  double sum = 0;
  for (std::size_t c = 0; c < half_steps; ++c)
    sum += opinion.spread[c] = std::exp(static_cast<double>(result[c] - top));
  for (double& p : opinion.spread) p /= sum;
  opinion.none = sigmoid(static_cast<double>(result[half_steps]));
  opinion.lcd = sigmoid(static_cast<double>(result[half_steps + 1]));
  return opinion;
}

// The net's map of one cell to a window of the photo; `scale`: its input's pixels per photo pixel.
template <typename Value>
Quad window_at(const Value& value, int x, int y, double scale) {
  double axis = std::atan2(value(6, x, y), value(5, x, y)) / 2;
  if (std::cos(axis) * value(7, x, y) + std::sin(axis) * value(8, x, y) < 0)
    axis += std::numbers::pi;
  const Point middle{((x + value(1, x, y) + 0.5) * locator_stride + 0.5) / scale - 0.5,
                     ((y + value(2, x, y) + 0.5) * locator_stride + 0.5) / scale - 0.5};
  return corners_of(
      {middle, std::exp(value(3, x, y)) * 32 / scale, std::exp(value(4, x, y)) * 32 / scale, axis});
}

}  // namespace

std::expected<Nets, Error> Nets::open(const std::filesystem::path& models, Engine engine) {
  cv::setNumThreads(1);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);  // faults are our Errors
  if (!Graph::start())
    return std::unexpected(Error{Fault::nets_cannot_run,
                                 "the nets cannot run: XNNPACK does not know this processor, or "
                                 "/proc/cpuinfo cannot be read"});
  auto parts = std::make_unique<Parts>();
  auto files = std::make_shared<Parts::Files>();
  for (std::size_t i = 0; i < files->size(); ++i) {
    auto bytes = load_model(models, model_names[i]);
    if (!bytes) return std::unexpected(bytes.error());
    (*files)[i] = std::move(*bytes);
  }
  parts->files = std::move(files), parts->engine = engine;
  if (auto loaded = parts->load(models.string() + "/", false); !loaded)
    return std::unexpected(loaded.error());
  return Nets(std::move(parts));
}

Nets::Nets(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Nets::Nets(Nets&&) noexcept = default;
Nets& Nets::operator=(Nets&&) noexcept = default;
Nets::~Nets() = default;

Nets Nets::another() const {
  auto parts = std::make_unique<Parts>();
  parts->files = parts_->files, parts->engine = parts_->engine;
  const auto loaded = parts->load("", true);  // these bytes loaded before
  CV_Assert(loaded.has_value());
  return Nets(std::move(parts));
}

void Nets::show(const Photo& photo) { parts_->pyramid.show(photo); }

// Only as much of the square is run as the photo fills.
std::vector<Candidate> Nets::locate(int side, int most) {
  Pyramid& pyramid = parts_->pyramid;
  const double scale = static_cast<double>(side) / std::max(pyramid.width(), pyramid.height());
  const cv::Size part(std::max(1, static_cast<int>(pyramid.width() * scale + 0.5)),
                      std::max(1, static_cast<int>(pyramid.height() * scale + 0.5)));
  const auto rounded = [](int length) {
    return (length + locator_coarsest - 1) / locator_coarsest * locator_coarsest;
  };
  const cv::Mat seen = pyramid.whole(part, {rounded(part.width), rounded(part.height)});
  Graph& net = parts_->locator();
  const std::span<float> input =
      net.input(1, static_cast<std::size_t>(seen.rows), static_cast<std::size_t>(seen.cols));
  put(seen, side * side, input.data());
  const std::span<const float> result = net.run();
  const int down = static_cast<int>(net.result().height);
  const int across = static_cast<int>(net.result().width);
  const auto value = [&](int channel, int x, int y) {
    const auto first = static_cast<std::size_t>(y * across + x) * locator_channels;
    return static_cast<double>(result[first + static_cast<std::size_t>(channel)]);
  };
  std::vector<Candidate> found;
  for (int y = 0; y < down; ++y) {
    for (int x = 0; x < across; ++x) {
      const double heat = value(0, x, y);
      bool peak = heat > -3.0;
      for (int ny = std::max(0, y - 2); peak && ny <= std::min(down - 1, y + 2); ++ny)
        for (int nx = std::max(0, x - 2); nx <= std::min(across - 1, x + 2); ++nx)
          if (value(0, nx, ny) > heat) peak = false;
      if (peak) found.push_back({window_at(value, x, y, scale), sigmoid(heat)});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.score > b.score; });
  if (static_cast<int>(found.size()) > most) found.resize(static_cast<std::size_t>(most));
  return found;
}

Refined Nets::refine(const Quad& window) {
  const Frame frame = frame_of(window);
  const cv::Mat seen = parts_->pyramid.cut(
      corners_of(frame), nominal(refiner_width, refiner_height, refiner_span_x, refiner_span_y),
      {refiner_width, refiner_height}, frame.width / (refiner_width * refiner_span_x));
  const std::span<const float> value = run(parts_->refiner(), {seen});
  constexpr double x[] = {-0.5, 0.5, 0.5, -0.5}, y[] = {-0.5, -0.5, 0.5, 0.5};
  Refined refined;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto dx = static_cast<double>(value[2 * i]), dy = static_cast<double>(value[2 * i + 1]);
    refined.window[i] = place(frame, x[i] + dx, y[i] + dy);
    refined.moved = std::max(refined.moved, std::hypot(dx, dy * frame.height / frame.width));
  }
  double e[4], sum = 0;
  for (std::size_t i = 0; i < 4; ++i)
    sum += e[i] = std::exp(std::min(30.0, static_cast<double>(value[8 + i])));
  refined.upright = e[0] / sum, refined.turned = e[1] / sum;
  refined.mirrored = e[2] / sum, refined.nothing = e[3] / sum;
  return refined;
}

std::vector<Glimpse> Nets::read(const Quad& window, Cuts which) {
  return glimpses(parts_->reader(), parts_->pyramid, window,
                  std::span(cuts).subspan(which.first, which.end - which.first));
}

std::vector<Glimpse> Nets::read_display(const Quad& window, Cuts which) {
  return glimpses(parts_->display(), parts_->pyramid, window,
                  std::span(display_cuts).subspan(which.first, which.end - which.first));
}

// One strip holds all wheels of a cut at the net's size; each wheel is taken out at whole pixels.
std::vector<WheelOpinion> Nets::read_wheels(const Quad& window, const std::vector<double>& centres,
                                            double pitch, Cuts which) {
  std::vector<WheelOpinion> opinions;
  if (centres.empty() || which.first >= which.end) return opinions;
  const double scale = wheel_width * wheel_span_x / pitch;  // pixels a window width
  const double shrink = frame_of(window).height / (wheel_height * wheel_span_y);
  std::vector<int> lefts;
  for (const double centre : centres)
    lefts.push_back(static_cast<int>(std::lround((centre - centres.front()) * scale)));
  const cv::Size size(*std::max_element(lefts.begin(), lefts.end()) + wheel_width, wheel_height);
  Corners to = nominal(wheel_width, wheel_height, 0, wheel_span_y);
  for (std::size_t i = 0; i < 4; ++i) {
    const double u = i == 1 || i == 2 ? 1 : 0;
    to[i].x += static_cast<float>((u - centres.front()) * scale);
  }
  std::vector<cv::Mat> seen;
  for (std::size_t i = which.first; i < which.end; ++i) {
    const cv::Mat strip = parts_->pyramid.cut(cut_of(window, cuts[i]), to, size, shrink);
    for (const int left : lefts)
      seen.push_back(strip(cv::Rect(std::max(0, left), 0, wheel_width, wheel_height)));
  }
  const std::span<const float> result = run(parts_->wheel(), seen);
  for (std::size_t i = 0; i < seen.size(); ++i)
    opinions.push_back(opinion_of(result.data() + i * (half_steps + 2), i % centres.size()));
  return opinions;
}

// Its negative, too: the net knows more light digits than dark ones.
WheelOpinion Nets::read_wheel(const Picture& wheel) {
  const cv::Mat from(wheel.height, wheel.width, CV_8UC3,
                     const_cast<std::uint8_t*>(wheel.bgr.data()));
  const cv::Size size(static_cast<int>(wheel_width * wheel_span_x + 0.5),
                      static_cast<int>(wheel_height * wheel_span_y + 0.5));
  const int left = (wheel_width - size.width) / 2, top = (wheel_height - size.height) / 2;
  cv::Mat small, seen, negative;
  const bool shrinks = from.cols >= size.width && from.rows >= size.height;
  cv::resize(from, small, size, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
  cv::copyMakeBorder(small, seen, top, wheel_height - size.height - top, left,
                     wheel_width - size.width - left, cv::BORDER_REPLICATE);
  cv::bitwise_not(seen, negative);
  const std::span<const float> result = run(parts_->wheel(), {seen, negative});
  WheelOpinion opinion = opinion_of(result.data(), 0);
  const Spread other = opinion_of(result.data() + result.size() / 2, 0).spread;
  for (std::size_t c = 0; c < half_steps; ++c)
    opinion.spread[c] = (opinion.spread[c] + other[c]) / 2;
  return opinion;
}

Light Nets::light(const Quad& window) {
  const cv::Mat grey = parts_->pyramid.gray(window, nominal(128, 32, 1, 1), {128, 32});
  cv::Mat slope;
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

// The refiner looks farthest. A window moved by a tenth of its width, or its pixels at the edge of
// a halved plane, reach out further.
Part part_of(const Quad& window) {
  constexpr double moved_most = 0.1, edge = 16;
  Frame frame = frame_of(window);
  const double around = moved_most * frame.width + edge;
  frame.width /= refiner_span_x, frame.height /= refiner_span_y;
  Part part{1e9, 1e9, -1e9, -1e9};
  for (const Point& corner : corners_of(frame)) {
    part.left = std::min(part.left, corner.x - around);
    part.right = std::max(part.right, corner.x + around);
    part.top = std::min(part.top, corner.y - around);
    part.bottom = std::max(part.bottom, corner.y + around);
  }
  return part;
}

Quad turned(const Quad& window) { return {window[2], window[3], window[0], window[1]}; }

}  // namespace meterlens::reader
