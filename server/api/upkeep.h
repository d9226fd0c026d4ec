// Inside api/: how the server keeps itself: what is removed with time, the last backups, room on
// the disks; and whether the second reader's provider takes the keys. Asks what the program tells
// it; `try_second` waits for a provider. Thread-safe.
#pragma once

#include <string>

#include "server/api/http.h"
#include "server/api/route_list.h"

namespace meterlens::api {

class UpkeepRoutes {
 public:
  explicit UpkeepRoutes(const Doors& doors) : doors_(doors) {}

  void list(RouteList& routes);

 private:
  Response upkeep(const Request& request, const std::string& id);
  Response try_second(const Request& request, const std::string& id);

  const Doors& doors_;
};

std::string upkeep_json(const Upkeep& upkeep);

}  // namespace meterlens::api
