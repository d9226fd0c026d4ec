// Inside api/: what is asked of alarms and sinks, billing and imports. Asks the store, and for a
// test the sink; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/api/import.h"
#include "server/api/route_list.h"
#include "server/store/alarms.h"
#include "server/store/store.h"

namespace meterlens::api {

class NotifyRoutes {
 public:
  using Changed = std::function<void(Subject, const std::string& id)>;
  using StoreError = std::function<Response(const store::Error&, const char* what)>;
  NotifyRoutes(store::Store& store, const Doors& doors, Changed changed, StoreError store_error);

  void list(RouteList& routes);
  // For the live clients; nothing when it is gone.
  std::optional<std::string> alarm_text(std::int64_t id);

 private:
  Response alarms(const Request& request, const std::string& id);
  Response alarm(const Request& request, const std::string& id);
  Response acknowledge(const Request& request, const std::string& id);
  Response sinks(const Request& request, const std::string& id);
  Response test(const Request& request, const std::string& id);
  Response export_csv(const Request& request, const std::string& id);
  Response export_json(const Request& request, const std::string& id);
  Response take_meters(const Request& request, const std::string& id);
  Response take_readings(const Request& request, const std::string& id);
  Response imported(const Request& request,
                    ImportResult (*take)(store::Store&, const ImportOrder&));

  store::Store& store_;
  const Doors& doors_;
  const Changed changed_;
  const StoreError store_error_;
  store::AlarmBook alarms_;
};

}  // namespace meterlens::api
