// Inside api/: how the server keeps itself: what is removed with time, the last backups, room on
// the disks; and whether the second reader's provider takes the keys. Asks what the program tells
// it; `try_second` waits for a provider. Thread-safe.
#pragma once

#include <optional>

#include "server/api/http.h"

namespace meterlens::api {

class UpkeepRoutes {
 public:
  explicit UpkeepRoutes(const Doors& doors) : doors_(doors) {}

  // Nothing when the path is none of these.
  std::optional<Response> answer(const Request& request);

 private:
  Response upkeep() const;
  Response try_second() const;

  const Doors& doors_;
};

std::string upkeep_json(const Upkeep& upkeep);

}  // namespace meterlens::api
