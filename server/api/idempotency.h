// Inside api/: a POST that names an Idempotency-Key is done once. The same key and body get the
// same answer for a day, also after a restart; another body under the same key is refused. Each
// caller has keys of their own; who may not ask is refused before (doorkeeper.h). Thread-safe.
#pragma once

#include <functional>

#include "server/api/http.h"
#include "server/store/fleet.h"

namespace meterlens::api {

inline constexpr std::size_t idempotency_key_bytes_max = 128;
inline constexpr std::int64_t idempotency_ms = 86'400'000;

class Idempotency {
 public:
  explicit Idempotency(store::Store& store) : rows_(store) {}

  // `work` is done unless the key is known. An answer that says "not now" (429, 5xx) is not kept.
  Response answer(const Request& request, const std::function<Response()>& work);

 private:
  store::Fleet rows_;
};

}  // namespace meterlens::api
