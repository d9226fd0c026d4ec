// Inside api/: the second reader, photos that people send, and the life of commands. Asks the
// store, never the network; thread-safe.
#pragma once

#include <functional>
#include <string>

#include "server/api/route_list.h"
#include "server/store/store.h"

namespace meterlens::api {

class SecondRoutes {
 public:
  using StoreError = std::function<Response(const store::Error&, const char* what)>;
  SecondRoutes(const Settings& settings, store::Store& store, const Doors& doors,
               StoreError store_error);

  void list(RouteList& routes);

 private:
  Response state(const Request& request, const std::string& id);
  Response resume(const Request& request, const std::string& id);
  Response uses(const Request& request, const std::string& id);
  Response policy(const Request& request, const std::string& id);
  Response change_policy(const Request& request, const std::string& id);
  Response said(const Request& request, const std::string& id);
  Response upload(const Request& request, const std::string& id);
  Response commands(const Request& request, const std::string& id);
  Response command_life(const Request& request, const std::string& id);
  Response light_tries(const Request& request, const std::string& id);

  const Settings settings_;
  store::Store& store_;
  const Doors& doors_;
  const StoreError store_error_;
};

}  // namespace meterlens::api
