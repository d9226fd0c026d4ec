// Inside store/: rows of meters and watches within somebody's transaction.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "server/store/engine.h"

namespace meterlens::store {

std::optional<validate::Meter> find_meter(soci::session& sql, const std::string& id);
// A device that never watched anything gets a meter of its own name and watches it.
void adopt(soci::session& sql, const std::string& device, std::int64_t at_ms);

// Of a transaction that may fail by itself, or find that what is wished must not be.
template <class T>
Result<T> flat(Result<Result<T>> result) {
  if (!result) return std::unexpected(result.error());
  return *std::move(result);
}

}  // namespace meterlens::store
