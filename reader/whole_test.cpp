#include "reader/whole.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace meterlens::reader {
namespace {

using Way = WholeConvolution::Way;
using Numbers = std::vector<float>;

constexpr float largest = 3;  // of the inputs

struct Layer {
  WholeConvolution::Form form;
  Numbers weights, scale, bias;
};

class Made {
 public:
  explicit Made(unsigned seed) : random_(seed) {}

  std::size_t one_of(std::size_t least, std::size_t most) {
    return std::uniform_int_distribution(least, most)(random_);
  }
  Numbers numbers(std::size_t count, float most) {
    std::uniform_real_distribution<float> value(-most, most);
    Numbers made(count);
    for (float& number : made) number = value(random_);
    return made;
  }
  Layer layer() {
    Layer made;
    auto& f = made.form;
    f = {one_of(1, 70), one_of(1, 70), one_of(1, 5), one_of(1, 5), one_of(1, 2), one_of(1, 2),
         one_of(0, 2),  one_of(0, 2),  one_of(0, 2), one_of(0, 2), one_of(0, 1) == 1};
    if (one_of(0, 1) == 1) f.kernel_y = f.kernel_x = 3, f.stride_y = f.stride_x = 1;  // Winograd's
    made.weights = numbers(f.outputs * f.kernel_y * f.kernel_x * f.inputs, 127);
    for (float& weight : made.weights) weight = std::trunc(weight);
    made.scale = numbers(f.outputs, 0.01f), made.bias = numbers(f.outputs, 1);
    return made;
  }

 private:
  std::mt19937 random_;
};

// One result, the size of what it is summed from, and of what it would be from largest inputs only.
struct Sum {
  double value = 0, size = 0, most = 0;
};

Sum sum_at(const Layer& layer, const Numbers& picture, std::size_t height, std::size_t width,
           std::size_t y, std::size_t x, std::size_t output) {
  const auto& f = layer.form;
  Sum sum;
  for (std::size_t ky = 0; ky < f.kernel_y; ++ky)
    for (std::size_t kx = 0; kx < f.kernel_x; ++kx) {
      const std::size_t in_y = y * f.stride_y + ky - f.top, in_x = x * f.stride_x + kx - f.left;
      if (in_y >= height || in_x >= width) continue;  // zeros; less than 0 is very much
      for (std::size_t i = 0; i < f.inputs; ++i) {
        const double weight =
            layer.weights[((output * f.kernel_y + ky) * f.kernel_x + kx) * f.inputs + i];
        const double product = weight * picture[(in_y * width + in_x) * f.inputs + i];
        sum.value += product, sum.size += std::abs(product);
        sum.most += std::abs(weight) * largest;
      }
    }
  sum.value = sum.value * layer.scale[output] + layer.bias[output];
  for (double* size : {&sum.size, &sum.most})
    *size = *size * std::abs(layer.scale[output]) + std::abs(layer.bias[output]);
  if (f.relu) sum.value = std::max(0.0, sum.value);
  return sum;
}

class WholeWays : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!WholeConvolution::is_possible(GetParam())) GTEST_SKIP() << "not on this processor";
  }
};

INSTANTIATE_TEST_SUITE_P(Each, WholeWays, testing::Values(Way::tiles, Way::pairs),
                         [](const auto& each) {
                           return each.param == Way::tiles ? "tiles" : "pairs";
                         });

TEST_P(WholeWays, SayWhatSumsSayOfEveryForm) {
  Made made(1);
  WholeConvolution::Room room;
  for (int round = 0; round < 150; ++round) {
    const Layer layer = made.layer();
    const auto& f = layer.form;
    const std::size_t count = made.one_of(1, 18);
    const std::size_t height = made.one_of(f.kernel_y, f.kernel_y + 20);
    const std::size_t width = made.one_of(f.kernel_x, f.kernel_x + 40);
    const std::size_t down = (height + f.top + f.bottom - f.kernel_y) / f.stride_y + 1;
    const std::size_t across = (width + f.left + f.right - f.kernel_x) / f.stride_x + 1;
    const auto whole =
        WholeConvolution::make(GetParam(), f, layer.weights, layer.scale, layer.bias);
    ASSERT_TRUE(whole);
    const std::size_t picture = height * width * f.inputs, result = down * across * f.outputs;
    const Numbers from = made.numbers(count * picture, largest);
    Numbers to(count * result + 64, 1e9f);
    whole->run(from.data(), count, height, width, to.data(), room);
    for (std::size_t i = count * result; i < to.size(); ++i)
      ASSERT_EQ(to[i], 1e9f) << "beyond the end";
    for (int look = 0; look < 100; ++look) {
      const std::size_t i = made.one_of(0, count - 1), y = made.one_of(0, down - 1);
      const std::size_t x = made.one_of(0, across - 1), output = made.one_of(0, f.outputs - 1);
      const Numbers own(from.begin() + static_cast<std::ptrdiff_t>(i * picture),
                        from.begin() + static_cast<std::ptrdiff_t>((i + 1) * picture));
      const Sum sum = sum_at(layer, own, height, width, y, x, output);
      ASSERT_NEAR(to[i * result + (y * across + x) * f.outputs + output], sum.value,
                  2e-5 * (GetParam() == Way::pairs ? sum.most : sum.size))
          << "round " << round;
    }
  }
}

// As large as sums can be of so many inputs: nothing overflows.
TEST_P(WholeWays, HoldTheLargestSums) {
  WholeConvolution::Room room;
  for (const std::size_t kernel : {3UL, 5UL})
    for (const float sign : {1.0f, -1.0f}) {
      Layer layer;
      layer.form = {.inputs = 200, .outputs = 17, .kernel_y = kernel, .kernel_x = kernel};
      layer.weights.assign(17 * kernel * kernel * 200, sign * 127);
      layer.scale.assign(17, 1e-3f), layer.bias.assign(17, 0);
      constexpr std::size_t side = 7;
      const Numbers from(side * side * 200, largest);
      const std::size_t results = side - kernel + 1;
      Numbers to(results * results * 17);
      WholeConvolution::make(GetParam(), layer.form, layer.weights, layer.scale, layer.bias)
          ->run(from.data(), 1, side, side, to.data(), room);
      const double wanted = sum_at(layer, from, side, side, 0, 0, 0).value;
      for (const float said : to) ASSERT_NEAR(said, wanted, 1e-4 * std::abs(wanted)) << kernel;
    }
}

TEST_P(WholeWays, TakeWholeWeightsOfAByteOnly) {
  const WholeConvolution::Form form{.inputs = 2, .outputs = 1};
  const Numbers one{1};
  for (const float weight : {127.0f, -127.0f, 0.0f, -0.0f})
    EXPECT_TRUE(WholeConvolution::make(GetParam(), form, Numbers{weight, 3}, one, one)) << weight;
  for (const float weight : {128.0f, 0.5f, std::nanf(""), INFINITY})
    EXPECT_FALSE(WholeConvolution::make(GetParam(), form, Numbers{weight, 3}, one, one)) << weight;
}

}  // namespace
}  // namespace meterlens::reader
