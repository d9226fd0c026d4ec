// Inside api/: what is asked of meters, watches, exchanges, values by hand, estimates, histories.
// Asks the store, never the network; thread-safe.
#pragma once

#include <functional>
#include <string>

#include "server/api/route_list.h"
#include "server/store/store.h"

namespace meterlens::api {

class MeterRoutes {
 public:
  using Changed = std::function<void(Subject, const std::string& id)>;
  using StoreError = std::function<Response(const store::Error&, const char* what)>;
  // `changed` is told of every reading that has another verdict after a request.
  MeterRoutes(store::Store& store, const Doors& doors, Changed changed, StoreError store_error);

  void list(RouteList& routes);
  // What a person's word on a reading means for the meter's others.
  store::Result<void> reconsider(const validate::Reading& reading);

 private:
  Response meters(const Request& request, const std::string& id);
  Response add_meter(const Request& request, const std::string& id);
  Response meter(const Request& request, const std::string& id);
  Response change_meter(const Request& request, const std::string& id);
  Response remove_meter(const Request& request, const std::string& id);
  Response meter_history(const Request& request, const std::string& id);
  Response watches(const Request& request, const std::string& id);
  Response add_watch(const Request& request, const std::string& id);
  Response watch(const Request& request, const std::string& id);
  Response change_watch(const Request& request, const std::string& id);
  Response watch_history(const Request& request, const std::string& id);
  Response exchanges(const Request& request, const std::string& id);
  Response add_exchange(const Request& request, const std::string& id);
  Response add_reading(const Request& request, const std::string& id);
  Response add_estimates(const Request& request, const std::string& id);
  Response reading_history(const Request& request, const std::string& id);
  Response missing(const Request& request, const std::string& id);  // missing.cpp

  void tell(const store::Judged& judged);

  store::Store& store_;
  const Doors& doors_;
  const Changed changed_;
  const StoreError store_error_;
};

}  // namespace meterlens::api
