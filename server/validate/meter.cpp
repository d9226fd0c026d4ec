#include "server/validate/meter.h"

#include "protocol/require.h"

namespace meterlens::validate {

const char* name(Medium medium) {
  switch (medium) {
    case Medium::unknown: return "unknown";
    case Medium::water: return "water";
    case Medium::gas: return "gas";
    case Medium::electricity: return "electricity";
    case Medium::heat: return "heat";
  }
  protocol::require(false);
  return "";
}

std::optional<Medium> medium_named(const std::string& wanted) {
  for (const auto one : {Medium::unknown, Medium::water, Medium::gas, Medium::electricity,
                         Medium::heat}) {
    if (wanted == name(one)) return one;
  }
  return {};
}

}  // namespace meterlens::validate
