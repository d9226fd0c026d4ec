#include "reader/whole.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "reader/pairs.h"
#include "reader/tiles.h"
#include "reader/winograd.h"

namespace meterlens::reader {
namespace {

constexpr float whole_most = 127;

}  // namespace

bool WholeConvolution::is_possible(Way way) {
  return way == Way::tiles ? TileConvolution::is_possible() : PairConvolution::is_possible();
}

std::optional<WholeConvolution::Way> WholeConvolution::fastest() {
  if (is_possible(Way::tiles)) return Way::tiles;
  if (is_possible(Way::pairs) && PairConvolution::is_faster()) return Way::pairs;
  return std::nullopt;
}

std::unique_ptr<WholeConvolution> WholeConvolution::make(Way way, const Form& form,
                                                         std::span<const float> weights,
                                                         std::span<const float> scale,
                                                         std::span<const float> bias) {
  const bool whole = std::ranges::all_of(
      weights, [](float w) { return std::abs(w) <= whole_most && w == std::trunc(w); });
  const std::size_t products = form.kernel_y * form.kernel_x * form.inputs;
  if (!whole || products > std::numeric_limits<std::uint16_t>::max()) return nullptr;
  std::unique_ptr<WholeConvolution> made;
  if (way == Way::tiles)
    made = std::make_unique<TileConvolution>();
  else if (WinogradConvolution::suits(form))
    made = std::make_unique<WinogradConvolution>();
  else
    made = std::make_unique<PairConvolution>();
  made->form_ = form;
  for (const auto& [from, to] : {std::pair(scale, &made->scale_), std::pair(bias, &made->bias_)}) {
    to->assign(up(form.outputs, side) * side, 0);
    std::ranges::copy(from, to->begin());
  }
  made->pack(weights);
  return made;
}

void WholeConvolution::run(const float* from, std::size_t count, std::size_t height,
                           std::size_t width, float* to, Room& room) const {
  const std::size_t padded_height = height + form_.top + form_.bottom;
  const std::size_t padded_width = width + form_.left + form_.right;
  const std::size_t pitch = padded_width * form_.inputs, picture = padded_height * pitch;
  const std::size_t down = (padded_height - form_.kernel_y) / form_.stride_y + 1;
  const std::size_t across = (padded_width - form_.kernel_x) / form_.stride_x + 1;
  const bool is_covered = down == 1 && across == 1;
  const std::size_t step = is_covered ? picture : form_.stride_x * form_.inputs;
  // What is read beyond the last line or column counts for nothing, whatever it is.
  const std::size_t size = up(count * picture + pitch + side * step, depth) + 1;
  if (size > room.numbers.size()) room.numbers.resize(size);
  if (count > room.units.size()) room.units.resize(count);
  for (std::size_t i = 0; i < count; ++i)
    take(from + i * height * width * form_.inputs, height, width, i, i * picture, room);
  const std::size_t row_step = form_.stride_y * pitch;
  walk(is_covered ? Walk{1, 1, count, 0, 0, step, pitch, true}
                  : Walk{count, down, across, picture, row_step, step, pitch, false},
       room, to);
}

}  // namespace meterlens::reader
