// Foreign bytes as the file of `meterlens read --known`, and as what is known of a meter without a
// file: it is refused in one line, or used and what comes out holds together.
#include <cmath>
#include <cstring>

#include "protocol/require.h"
#include "reader/known.h"

using namespace meterlens;

namespace {

using protocol::require;

reader::Register row_of(std::size_t wheels, std::uint8_t seed) {
  reader::Register row;
  row.count = row.whole = row.evenness = 1;
  for (std::size_t i = 0; i < wheels; ++i) {
    const auto digit = static_cast<std::size_t>((seed + 3 * i) % 10);
    reader::Spread spread;
    spread.fill(0.01);
    spread[2 * digit] += 0.5;
    spread[2 * ((digit + seed) % 10)] += 0.3;
    row.spreads.push_back(spread);
    row.wheels.push_back({static_cast<double>(digit), static_cast<char>('0' + digit), 0.6, 0.4});
    row.turning.push_back(false);
  }
  return row;
}

void use(const reader::Known& known, std::uint8_t seed) {
  const reader::Evidence evidence{0.9, 0.0, 0.0, reader::Light{120, 40, 0, 0.5}};
  const reader::Quad window{{{0, 0}, {90, 0}, {90, 20}, {0, 20}}};
  for (const std::size_t wheels : {std::size_t{5}, known.earlier ? known.earlier->digits.size()
                                                                 : std::size_t{9}}) {
    if (wheels < 1 || wheels > reader::wheels_max) continue;
    const reader::Digits digits = judge(row_of(wheels, seed), evidence, window, known);
    require(digits.status != reader::Status::read || digits.certain > 0);
    require(digits.confidence >= 0 && digits.confidence <= 1 + 1e-9);
    require(digits.digits.empty() || digits.digits.size() == wheels);
    for (const reader::Wheel& wheel : digits.wheels)
      require(wheel.confidence >= 0 && wheel.confidence <= 1 + 1e-9);
  }
}

// Numbers as they lie in the bytes: also those that no JSON can say.
reader::Known raw_known(const std::uint8_t* data, std::size_t size) {
  reader::Known known;
  double numbers[10] = {};
  const std::size_t bytes = std::min(size, sizeof numbers);
  std::memcpy(numbers, data, bytes);
  known.window = {{{numbers[2], numbers[3]},
                   {numbers[4], numbers[5]},
                   {numbers[6], numbers[7]},
                   {numbers[8], numbers[9]}}};
  known.wheels = size > 0 ? static_cast<int>(data[0]) - 9 : 0;
  known.red = size > 1 ? static_cast<int>(data[1]) - 9 : -1;
  known.earlier = reader::Earlier{
      std::string(reinterpret_cast<const char*>(data) + bytes, size - bytes), known.wheels,
      numbers[0], numbers[1]};
  return known;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t seed = size > 0 ? data[size / 2] : 0;
  const auto known =
      reader::parse_known(std::string(reinterpret_cast<const char*>(data), size));
  if (known) {
    require(!known->window || is_window(*known->window));
    require(!known->earlier || !known->earlier->digits.empty());
    use(*known, seed);
  } else {
    require(!known.error().empty() && known.error().find('\n') == std::string::npos);
  }
  use(raw_known(data, size), seed);
  return 0;
}
