#include "reader/graph.h"

#include <xnnpack.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <opencv2/core.hpp>
#include <opencv2/dnn.hpp>
#include <opencv2/dnn/all_layers.hpp>
#include <set>
#include <stdexcept>
#include <string>

namespace meterlens::reader {
namespace {

constexpr std::size_t colours = 3;
constexpr std::size_t spare = XNN_EXTRA_BYTES / sizeof(float);  // XNNPACK reads so far beyond
constexpr float tolerance = 1e-3f;  // of a proof's largest number; rounding takes up to 3e-4

void promise(bool kept, const char* what) {
  if (!kept) throw std::runtime_error(what);
}

std::size_t side(const cv::Mat& blob, int index) {
  return static_cast<std::size_t>(blob.size[index]);
}

std::uint32_t narrow(std::size_t value) {
  promise(value <= 1024, "too large");
  return static_cast<std::uint32_t>(value);
}

}  // namespace

// From OpenCV's layers, of which a convolution, its batch norm and its ReLU become one.
class Import {
 public:
  Import(const cv::dnn::Net& net, Engine engine, std::shared_ptr<Graph::Workspace> workspace)
      : net_(net) {
    if (engine == Engine::fastest) way_ = WholeConvolution::fastest();
    graph_.work_ = workspace ? std::move(workspace) : std::make_shared<Graph::Workspace>();
    graph_.values_.resize(1);
  }

  Graph graph() {
    channels_ = {colours};
    std::string last;
    for (const std::string& name : net_.getLayerNames()) add(last = name);
    graph_.result_ = value_of_.at(last);
    for (std::size_t i = 0; i < plans_.size(); ++i)
      if (!plans_[i].weights.empty()) pack(graph_.layers_[i].convolution, plans_[i]);
    share_rooms();
    return std::move(graph_);
  }

 private:
  // A convolution before it is packed. Weights: [output][input][y][x].
  struct Plan {
    cv::Mat weights;
    std::vector<float> scale, bias;  // of each output channel
    bool relu = false;
    std::array<std::uint32_t, 4> pads{};  // top, right, bottom, left
  };

  void add(const std::string& name) {
    const int id = net_.getLayerId(name);
    const cv::Ptr<cv::dnn::Layer> layer = net_.getLayer(id);
    std::vector<std::size_t> from;
    for (const auto& input : net_.getLayerInputs(id))
      from.push_back(input->name == "_input" ? 0 : value_of_.at(input->name));
    promise(!from.empty(), "a layer of nothing");
    const std::string& type = layer->type;
    std::size_t value = from[0];
    if (const auto* convolution = dynamic_cast<cv::dnn::ConvolutionLayer*>(layer.get()))
      value = add_convolution(*convolution, from[0]);
    else if (const auto* norm = dynamic_cast<cv::dnn::BatchNormLayer*>(layer.get()))
      add_norm(*norm, plan_of(from[0]));
    else if (type == "ReLU")
      plan_of(from[0]).relu = true;
    else if (type == "Eltwise" && from.size() == 2)
      value = add_layer(Graph::Kind::sum, from, channels_[from[0]]);
    else if (type == "Resize")
      value = add_layer(Graph::Kind::doubled, from, channels_[from[0]]);
    else if (type == "Concat")
      value = add_layer(Graph::Kind::joined, from, sum_of_channels(from));
    else
      promise(type == "Flatten" || type == "Identity", "another kind of layer");
    value_of_[name] = value;
  }

  std::size_t sum_of_channels(const std::vector<std::size_t>& from) const {
    std::size_t sum = 0;
    for (const std::size_t value : from) sum += channels_[value];
    return sum;
  }

  std::size_t add_layer(Graph::Kind kind, const std::vector<std::size_t>& from,
                        std::size_t channels) {
    graph_.layers_.push_back({kind, from, graph_.values_.size()});
    graph_.values_.emplace_back();
    channels_.push_back(channels);
    plans_.emplace_back();
    return graph_.layers_.back().to;
  }

  std::size_t add_convolution(const cv::dnn::ConvolutionLayer& from, std::size_t input) {
    promise(!from.blobs.empty() && from.kernel_size.size() == 2 && from.padMode.empty() &&
                from.dilations == std::vector<std::size_t>{1, 1},
            "another kind of convolution");
    Plan plan;
    plan.weights = from.blobs[0];
    promise(plan.weights.dims == 4 && plan.weights.type() == CV_32F &&
                plan.weights.isContinuous() && side(plan.weights, 1) == channels_[input],
            "another kind of convolution");
    const std::size_t channels = side(plan.weights, 0);
    plan.scale.assign(channels, 1), plan.bias.assign(channels, 0);
    if (from.blobs.size() > 1) {
      promise(from.blobs[1].total() == channels && from.blobs[1].type() == CV_32F, "no bias");
      std::copy_n(from.blobs[1].ptr<float>(), channels, plan.bias.begin());
    }
    plan.pads = {narrow(from.pads_begin.at(0)), narrow(from.pads_end.at(1)),
                 narrow(from.pads_end.at(0)), narrow(from.pads_begin.at(1))};
    const std::size_t value = add_layer(Graph::Kind::convolution, {input}, channels);
    Graph::Convolution& to = graph_.layers_.back().convolution;
    to.channels = channels;
    to.kernel_y = side(plan.weights, 2), to.kernel_x = side(plan.weights, 3);
    to.stride_y = narrow(from.strides.at(0)), to.stride_x = narrow(from.strides.at(1));
    to.pads_y = plan.pads[0] + plan.pads[2], to.pads_x = plan.pads[1] + plan.pads[3];
    plans_.back() = std::move(plan);
    return value;
  }

  // Of the convolution that makes a value, which nothing else has taken part in yet.
  Plan& plan_of(std::size_t value) {
    promise(value > 0 && !plans_[value - 1].weights.empty() && !plans_[value - 1].relu,
            "not after a convolution");
    return plans_[value - 1];
  }

  // Blobs: mean, variance, scale, bias.
  static void add_norm(const cv::dnn::BatchNormLayer& norm, Plan& plan) {
    promise(norm.blobs.size() == 4 && norm.hasWeights && norm.hasBias, "another kind of norm");
    for (const cv::Mat& blob : norm.blobs)
      promise(blob.type() == CV_32F && blob.total() == plan.scale.size(), "another kind of norm");
    for (std::size_t c = 0; c < plan.scale.size(); ++c) {
      const auto blob = [&](std::size_t i) { return norm.blobs[i].ptr<float>()[c]; };
      const float factor = blob(2) / std::sqrt(blob(1) + norm.epsilon);
      plan.scale[c] *= factor;
      plan.bias[c] = (plan.bias[c] - blob(0)) * factor + blob(3);
    }
  }

  // All ways want [output][y][x][input].
  void pack(Graph::Convolution& to, const Plan& plan) const {
    const std::size_t inputs = side(plan.weights, 1), places = to.kernel_y * to.kernel_x;
    std::vector<float> weights(plan.weights.total());
    const auto* from = plan.weights.ptr<float>();
    for (std::size_t o = 0; o < to.channels; ++o)
      for (std::size_t i = 0; i < inputs; ++i)
        for (std::size_t place = 0; place < places; ++place)
          weights[(o * places + place) * inputs + i] = *from++;
    const auto& [top, right, bottom, left] = plan.pads;
    if (way_)
      to.whole = WholeConvolution::make(*way_,
                                        {inputs, to.channels, to.kernel_y, to.kernel_x, to.stride_y,
                                         to.stride_x, top, right, bottom, left, plan.relu},
                                        weights, plan.scale, plan.bias);
    if (to.whole) return;
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights[i] *= plan.scale[i / (places * inputs)];
    constexpr float endless = std::numeric_limits<float>::infinity();
    xnn_operator_t work = nullptr;
    const xnn_status status = xnn_create_convolution2d_nhwc_f32(
        top, right, bottom, left, narrow(to.kernel_y), narrow(to.kernel_x), narrow(to.stride_y),
        narrow(to.stride_x), 1, 1, 1, inputs, to.channels, inputs, to.channels, weights.data(),
        plan.bias.data(), plan.relu ? 0.0f : -endless, endless, 0, &work);
    promise(status == xnn_status_success, "XNNPACK takes no such convolution");
    to.work.reset(work);
  }

  // A value's numbers lie where those were that no later layer asks for, so that they stay in the
  // processor's cache. The input has a room of its own.
  void share_rooms() {
    std::vector<std::size_t> last_use(graph_.values_.size(), 0), free;
    for (std::size_t i = 0; i < graph_.layers_.size(); ++i)
      for (const std::size_t value : graph_.layers_[i].from) last_use[value] = i;
    last_use[0] = last_use[graph_.result_] = graph_.layers_.size();
    std::size_t rooms = 1;
    for (std::size_t i = 0; i < graph_.layers_.size(); ++i) {
      const Graph::Layer& layer = graph_.layers_[i];
      if (free.empty()) free.push_back(rooms++);
      graph_.values_[layer.to].room = free.back();
      free.pop_back();
      for (const std::size_t value : std::set(layer.from.begin(), layer.from.end()))
        if (last_use[value] == i) free.push_back(graph_.values_[value].room);
    }
    if (graph_.work_->rooms.size() < rooms) graph_.work_->rooms.resize(rooms);
  }

  cv::dnn::Net net_;
  std::optional<WholeConvolution::Way> way_;
  Graph graph_;
  std::map<std::string, std::size_t> value_of_;  // of OpenCV's layers
  std::vector<std::size_t> channels_;            // of each value
  std::vector<Plan> plans_;                      // of each layer, which makes the value after it
};

namespace {

// The same of noise as OpenCV says.
bool is_proven(Graph& graph, cv::dnn::Net& net, const Graph::Shape& of) {
  const int sides[] = {static_cast<int>(of.count), static_cast<int>(colours),
                       static_cast<int>(of.height), static_cast<int>(of.width)};
  cv::Mat planes(4, sides, CV_32F);
  cv::RNG(1).fill(planes, cv::RNG::UNIFORM, -2, 2);
  const std::span<float> input = graph.input(of.count, of.height, of.width);
  const std::size_t area = of.height * of.width;
  const auto at = [&](std::size_t picture, std::size_t channel, std::size_t pixel,
                      std::size_t channels, std::size_t pixels) {
    return (picture * channels + channel) * pixels + pixel;
  };
  for (std::size_t i = 0; i < input.size(); ++i)
    input[i] = planes.ptr<float>()[at(i / colours / area, i % colours, i / colours % area, colours,
                                      area)];
  net.setInput(planes);
  const cv::Mat wanted = net.forward();
  const std::span<const float> said = graph.run();
  if (wanted.type() != CV_32F || wanted.total() != said.size()) return false;
  const std::size_t channels = graph.result().channels;
  const std::size_t pixels = graph.result().height * graph.result().width;
  const auto* want = wanted.ptr<float>();
  const float largest = static_cast<float>(cv::norm(wanted, cv::NORM_INF));
  if (!std::isfinite(largest)) return false;
  for (std::size_t i = 0; i < said.size(); ++i) {
    const float right = want[at(i / channels / pixels, i % channels, i / channels % pixels,
                                channels, pixels)];
    // Not a number is wrong, too.
    if (!(std::abs(said[i] - right) <= tolerance * (1 + largest))) return false;
  }
  return true;
}

}  // namespace

bool Graph::start() { return xnn_initialize(nullptr) == xnn_status_success; }

void Graph::Free::operator()(xnn_operator* convolution) const { xnn_delete_operator(convolution); }

std::optional<Graph> Graph::read(const std::vector<unsigned char>& onnx,
                                 std::span<const Shape> proofs, Engine engine,
                                 std::shared_ptr<Workspace> workspace) {
  try {
    cv::dnn::Net net = cv::dnn::readNetFromONNX(onnx);
    if (net.empty()) return std::nullopt;
    Graph graph = Import(net, engine, std::move(workspace)).graph();
    for (const Shape& of : proofs)
      if (!is_proven(graph, net, of)) return std::nullopt;
    return graph;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<Graph::Shape> Graph::shape_after(const Layer& layer) const {
  Shape shape = values_[layer.from[0]].shape;
  const Convolution& c = layer.convolution;
  switch (layer.kind) {
    case Kind::convolution:
      if (shape.height + c.pads_y < c.kernel_y || shape.width + c.pads_x < c.kernel_x)
        return std::nullopt;
      shape.height = (shape.height + c.pads_y - c.kernel_y) / c.stride_y + 1;
      shape.width = (shape.width + c.pads_x - c.kernel_x) / c.stride_x + 1;
      shape.channels = c.channels;
      break;
    case Kind::doubled:
      shape.height *= 2, shape.width *= 2;
      break;
    case Kind::sum:
    case Kind::joined:
      for (std::size_t i = 1; i < layer.from.size(); ++i) {
        Shape other = values_[layer.from[i]].shape;
        const std::size_t channels = other.channels;
        if (layer.kind == Kind::joined) other.channels = values_[layer.from[0]].shape.channels;
        if (other != values_[layer.from[0]].shape) return std::nullopt;
        if (layer.kind == Kind::joined) shape.channels += channels;
      }
  }
  return shape;
}

bool Graph::take(const Shape& input) {
  if (values_[0].shape == input) return true;
  const auto grow = [this](Value& value, const Shape& shape) {
    value.shape = shape;
    const std::size_t size = shape.pixels() * shape.channels + spare;
    std::vector<float>& room = work_->rooms[value.room];
    if (room.size() < size) room.resize(size), ++work_->growths;
  };
  grow(values_[0], input);
  for (Layer& layer : layers_) {
    const auto shape = shape_after(layer);
    if (!shape) return values_[0].shape = {}, false;
    grow(values_[layer.to], *shape);
    layer.convolution.set_up_at.reset();
  }
  return true;
}

std::span<float> Graph::input(std::size_t count, std::size_t height, std::size_t width) {
  const Shape shape{count, height, width, colours};
  if (!take(shape)) throw std::length_error("a net cannot be run at this size");
  return {numbers(0), shape.pixels() * colours};
}

std::span<const float> Graph::run() {
  for (Layer& layer : layers_) run(layer);
  return {numbers(result_), result().pixels() * result().channels};
}

void Graph::convolve(Layer& layer) {
  Convolution& convolution = layer.convolution;
  const Value& from = values_[layer.from[0]];
  if (convolution.whole)
    return convolution.whole->run(numbers(layer.from[0]), from.shape.count, from.shape.height,
                                  from.shape.width, numbers(layer.to), work_->whole);
  if (convolution.set_up_at != work_->growths) {
    const xnn_status status = xnn_setup_convolution2d_nhwc_f32(
        convolution.work.get(), from.shape.count, from.shape.height, from.shape.width,
        numbers(layer.from[0]), numbers(layer.to), nullptr);
    promise(status == xnn_status_success, "XNNPACK takes no such picture");
    convolution.set_up_at = work_->growths;
  }
  promise(xnn_run_operator(convolution.work.get(), nullptr) == xnn_status_success,
          "XNNPACK does not run");
}

void Graph::run(Layer& layer) {
  if (layer.kind == Kind::convolution) return convolve(layer);
  const Shape& shape = values_[layer.to].shape;
  const auto pixels_of = [this](std::size_t value) {
    const Shape& of = values_[value].shape;
    return cv::Mat(static_cast<int>(of.pixels()), static_cast<int>(of.channels), CV_32F,
                   numbers(value));
  };
  cv::Mat to = pixels_of(layer.to);
  if (layer.kind == Kind::sum) {
    cv::add(pixels_of(layer.from[0]), pixels_of(layer.from[1]), to);
  } else if (layer.kind == Kind::joined) {
    int left = 0;
    for (const std::size_t part : layer.from) {
      const cv::Mat pixels = pixels_of(part);
      pixels.copyTo(to.colRange(left, left + pixels.cols));
      left += pixels.cols;
    }
  } else {
    const std::size_t across = shape.width, channels = shape.channels;
    const float* from = numbers(layer.from[0]);
    for (std::size_t row = 0; row < shape.count * shape.height; ++row)
      for (std::size_t x = 0; x < across; ++x)
        std::copy_n(from + (row / 2 * (across / 2) + x / 2) * channels, channels,
                    to.ptr<float>() + (row * across + x) * channels);
  }
}

}  // namespace meterlens::reader
