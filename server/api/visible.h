// Inside api/: what a caller who is limited to groups of meters may see and change: those meters,
// and the devices that watch or watched one of them, with all their photos. Thread-safe.
#pragma once

#include <optional>
#include <string>

#include "server/api/caller.h"
#include "server/api/http.h"
#include "server/store/store.h"

namespace meterlens::api {

class Visible {
 public:
  Visible(store::Store& store, const Doors& doors) : store_(store), doors_(doors) {}

  // Nothing when the request may go on. Only for limited callers.
  std::optional<Response> refuse(const Request& request, const Caller& caller);
  // Without the things of others; pages become shorter, their cursors stay.
  void narrow(const Request& request, const Caller& caller, Response& response);
  // Of a live event.
  bool may_see(const Caller& caller, const std::string& event_json);

 private:
  bool meter(const Caller& caller, const std::string& meter);
  bool device(const Caller& caller, const std::string& device);
  // Of a path below /api/v1; nothing when such a path is not for limited callers.
  std::optional<bool> is_visible(const Request& request, const Caller& caller);

  store::Store& store_;
  const Doors& doors_;
};

}  // namespace meterlens::api
