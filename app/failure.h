// Inside app/: how a command of one run ends when it cannot go on: with a line for people and 1.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <string>
#include <type_traits>
#include <utility>

#include "server/store/store.h"

namespace meterlens::app {

inline int fail(const std::string& what) {
  fmt::print(stderr, "meterlens: {}\n", what);
  return 1;
}

// Thrown inside of one command; one line for people.
struct Failure {
  std::string text;
};

// What was found, or its error thrown.
template <class T>
T must(std::expected<T, std::string> result) {
  if (!result) throw Failure{result.error()};
  return *std::move(result);
}
template <class T>
T must(store::Result<T> result) {
  if (!result) throw Failure{result.error().message};
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

}  // namespace meterlens::app
