#include "reader/graph.h"

#include <cmath>
#include <random>

#include "reader/fixture.h"

namespace meterlens::reader {
namespace {

using Bytes = std::vector<unsigned char>;
using Shape = Graph::Shape;

Bytes model(const char* name) {
  EXPECT_TRUE(Graph::start());
  const auto bytes = test::bytes_of(test::models / name);
  const auto* first = reinterpret_cast<const unsigned char*>(bytes.data());
  return {first, first + bytes.size()};
}

Bytes replaced(Bytes bytes, std::string_view old, std::string_view other) {
  const auto found = std::search(bytes.begin(), bytes.end(), old.begin(), old.end());
  EXPECT_NE(found, bytes.end()) << old;
  std::copy(other.begin(), other.end(), found);
  return bytes;
}

std::vector<float> noise_of(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-2, 2);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = value(random);
  return numbers;
}

std::vector<float> said(Graph& graph, const Shape& of, const std::vector<float>& numbers) {
  const std::span<float> input = graph.input(of.count, of.height, of.width);
  EXPECT_EQ(input.size(), numbers.size());
  std::ranges::copy(numbers, input.begin());
  const std::span<const float> result = graph.run();
  return {result.begin(), result.end()};
}

TEST(Graph, SaysWhatOpenCvSaysOfEveryShapeThatThereIs) {
  const struct {
    const char* name;
    std::vector<Shape> shapes;
  } nets[] = {
      {"locator.onnx", {{1, 32, 32}, {1, 192, 192}, {1, 160, 192}, {1, 256, 320}, {1, 320, 32}}},
      {"refiner.onnx", {{1, 80, 160}}},
      {"reader.onnx", {{1, 32, 224}, {2, 32, 224}, {3, 32, 224}}},
      {"wheel.onnx", {{1, 48, 32}, {6, 48, 32}, {18, 48, 32}, {5, 48, 32}}},
      {"display.onnx", {{1, 32, 224}, {2, 32, 224}}}};
  for (const auto& [name, shapes] : nets)
    for (const Engine engine : {Engine::fastest, Engine::everywhere})
      EXPECT_TRUE(Graph::read(model(name), shapes, engine).has_value()) << name;
}

TEST(Graph, TakesNoNetThatItWouldRunWrongly) {
  const std::vector<Shape> proofs{{1, 48, 32}};
  const Bytes good = model("wheel.onnx");
  ASSERT_TRUE(Graph::read(good, proofs).has_value());
  EXPECT_FALSE(Graph::read(replaced(good, "\"\x04" "Relu", "\"\x04" "Tanh"), proofs).has_value());
  const Bytes product = replaced(good, "\"\x03" "Add", "\"\x03" "Mul");
  EXPECT_FALSE(Graph::read(product, proofs).has_value());
  EXPECT_TRUE(Graph::read(product).has_value()) << "only the proof tells";
  EXPECT_FALSE(Graph::read(model("locator.onnx"), std::vector<Shape>{{1, 48, 40}}).has_value())
      << "no multiple of 32";
}

TEST(Graph, OutlivesDamage) {
  const Bytes good = model("refiner.onnx");
  const std::vector<Shape> proofs{{1, 80, 160}};
  for (std::size_t part = 0; part < 8; ++part)
    EXPECT_FALSE(
        Graph::read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(
                                                           good.size() * part / 8)),
                    proofs)
            .has_value())
        << part;
  std::mt19937 random(3);
  for (int round = 0; round < 12; ++round) {
    Bytes damaged = good;
    for (int i = 0; i < 40; ++i) damaged[random() % 4000] = static_cast<unsigned char>(random());
    if (auto graph = Graph::read(damaged, proofs))
      said(*graph, proofs[0], noise_of(80 * 160 * 3, 1));
  }
}

// Its memory grows and moves, and each batch is what counts.
TEST(Graph, SaysTheSameAfterOtherBatches) {
  const Bytes bytes = model("wheel.onnx");
  const Shape one{1, 48, 32}, many{9, 48, 32};
  const std::vector<float> first = noise_of(48 * 32 * 3, 1), others = noise_of(9 * 48 * 32 * 3, 2);
  for (const Engine engine : {Engine::fastest, Engine::everywhere}) {
    auto graph = Graph::read(bytes, {}, engine);
    ASSERT_TRUE(graph.has_value());
    const std::vector<float> alone = said(*graph, one, first);
    const std::vector<float> together = said(*graph, many, others);
    EXPECT_EQ(said(*graph, one, first), alone);
    EXPECT_EQ(said(*graph, many, others), together);
    for (std::size_t i = 0; i < many.count; ++i) {
      const auto begin = others.begin() + static_cast<std::ptrdiff_t>(i * first.size());
      const auto by_itself =
          said(*graph, one, {begin, begin + static_cast<std::ptrdiff_t>(first.size())});
      for (std::size_t c = 0; c < alone.size(); ++c)
        EXPECT_NEAR(by_itself[c], together[i * alone.size() + c], 1e-4) << i << " " << c;
    }
  }
}

// Another net's larger batch moves the rooms that a net was set up for.
TEST(Graph, SaysTheSameInAWorkspaceThatOthersUse) {
  const Shape wheel{1, 48, 32}, row{2, 32, 224};
  const std::vector<float> wheels = noise_of(48 * 32 * 3, 1), rows = noise_of(2 * 32 * 224 * 3, 2);
  for (const Engine engine : {Engine::fastest, Engine::everywhere}) {
    auto alone = Graph::read(model("wheel.onnx"), {}, engine);
    const auto workspace = std::make_shared<Graph::Workspace>();
    auto first = Graph::read(model("wheel.onnx"), {}, engine, workspace);
    auto second = Graph::read(model("reader.onnx"), {}, engine, workspace);
    ASSERT_TRUE(alone && first && second);
    const std::vector<float> wanted = said(*alone, wheel, wheels);
    EXPECT_EQ(said(*first, wheel, wheels), wanted);
    said(*second, row, rows);
    EXPECT_EQ(said(*first, wheel, wheels), wanted);
  }
}

}  // namespace
}  // namespace meterlens::reader
