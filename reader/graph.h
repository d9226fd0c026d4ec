// One net: its ONNX file is read by OpenCV, its layers are run on the calling thread by what the
// processor has for whole weights (whole.h), else by XNNPACK.
//
// Owns: the weights; shares what lies between the layers, which grows to the largest batch seen.
// Promises: what OpenCV's dnn would say but for rounding, proven when it is read. Threads: one
// Graph for one thread; start() any.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "reader/reader.h"
#include "reader/whole.h"

struct xnn_operator;

namespace meterlens::reader {

class Graph {
 public:
  // Of a batch: channel c of the pixel (x, y) of picture i is number
  // ((i * height + y) * width + x) * channels + c.
  struct Shape {
    std::size_t count = 0, height = 0, width = 0, channels = 0;
    bool operator==(const Shape&) const = default;
    std::size_t pixels() const { return count * height * width; }
  };

  // Where the values of nets that run in turns lie, so that they stay in the processor's cache.
  struct Workspace {
    std::vector<std::vector<float>> rooms;
    WholeConvolution::Room whole;
    std::size_t growths = 0;  // of the rooms, each of which may have moved one
  };

  // Once before any Graph: false where XNNPACK cannot run (no known processor, no /proc).
  static bool start();
  // Nothing where the bytes are no net, one of other layers than the reader's nets have, or one
  // that says something else than OpenCV's dnn of noise of one of the `proofs`.
  static std::optional<Graph> read(const std::vector<unsigned char>& onnx,
                                   std::span<const Shape> proofs = {},
                                   Engine engine = Engine::fastest,
                                   std::shared_ptr<Workspace> workspace = nullptr);

  // Where a batch is to be put; 3 channels. Valid until the next call of a net in this workspace.
  std::span<float> input(std::size_t count, std::size_t height, std::size_t width);
  // Of the batch that was put there. Valid as long.
  std::span<const float> run();
  const Shape& result() const { return values_[result_].shape; }

 private:
  friend class Import;
  struct Value {
    Shape shape;
    std::size_t room = 0;  // where its numbers are
  };
  struct Free {
    void operator()(xnn_operator* convolution) const;
  };
  struct Convolution {
    std::unique_ptr<WholeConvolution> whole;   // this,
    std::unique_ptr<xnn_operator, Free> work;  // or this
    // The workspace's growths when `work` was set up for the batch in hand.
    std::optional<std::size_t> set_up_at;
    std::size_t channels = 0, kernel_y = 0, kernel_x = 0, stride_y = 1, stride_x = 1;
    std::size_t pads_y = 0, pads_x = 0;  // of both sides together
  };
  enum class Kind { convolution, sum, doubled, joined };
  struct Layer {
    Kind kind = Kind::convolution;
    std::vector<std::size_t> from;  // of the values
    std::size_t to = 0;
    Convolution convolution{};
  };

  Graph() = default;
  // False where the net cannot be run at this size.
  bool take(const Shape& input);
  std::optional<Shape> shape_after(const Layer& layer) const;
  void run(Layer& layer);
  void convolve(Layer& layer);
  float* numbers(std::size_t value) { return work_->rooms[values_[value].room].data(); }

  std::vector<Value> values_;  // the first is the input
  std::shared_ptr<Workspace> work_;
  std::vector<Layer> layers_;
  std::size_t result_ = 0;
};

}  // namespace meterlens::reader
