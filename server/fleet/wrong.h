// Inside fleet/: the error of its checks, words for the person who asked. Pure, any thread.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace meterlens::fleet {

inline std::unexpected<std::string> wrong(std::string text) {
  return std::unexpected(std::move(text));
}

}  // namespace meterlens::fleet
