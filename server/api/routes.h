// Inside api/: which request gets which answer. Asks the store, never the network; thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "server/api/fleet.h"
#include "server/api/http.h"
#include "server/api/idempotency.h"
#include "server/api/json.h"
#include "server/api/kept.h"
#include "server/api/meters.h"
#include "server/api/notify_routes.h"
#include "server/api/route_list.h"
#include "server/api/second.h"
#include "server/api/upkeep.h"
#include "server/store/summary.h"

namespace meterlens::api {

class Routes {
 public:
  using Changed = std::function<void(Subject, const std::string& id)>;
  // All must outlive it but the settings. `changed` is told after a request changed something.
  Routes(const Settings& settings, store::Store& store, metrics::Metrics& metrics,
         const Doors& doors, Changed changed);

  Response answer(const Request& request, bool live_is_full);
  // The same without counting.
  Response dispatch(const Request& request);
  // The object of a change, for the live clients; nothing when it is gone.
  std::optional<std::string> render(Subject subject, const std::string& id);

 private:
  void list();
  Response devices(const Request& request, const std::string& id);
  Response device(const Request& request, const std::string& id);
  Response capture(const Request& request, const std::string& id);
  Response aim(const Request& request, const std::string& id);
  Response newest_view(const Request& request, const std::string& id);
  Response camera_settings(const Request& request, const std::string& id);
  Response dtu_settings(const Request& request, const std::string& id);
  Response settings_of(protocol::Part part, const std::string& id);
  Response change_camera(const Request& request, const std::string& id);
  Response change_dtu(const Request& request, const std::string& id);
  Response change(const Request& request, protocol::Part part, const std::string& id);
  Response command(const Request& request, const std::string& id);
  Response photos(const Request& request, const std::string& id);
  Response photo_file(const Request& request, const std::string& id);
  Response readings(const Request& request, const std::string& id);
  Response reading(const Request& request, const std::string& id);
  Response review(const Request& request, const std::string& id);
  Response schedules(const Request& request, const std::string& id);
  Response add_schedule(const Request& request, const std::string& id);
  Response schedule(const Request& request, const std::string& id);
  Response change_schedule(const Request& request, const std::string& id);
  Response delete_schedule(const Request& request, const std::string& id);
  Response images(const Request& request, const std::string& id);
  Response add_image(const Request& request, const std::string& id);
  Response updates(const Request& request, const std::string& id);
  Response order_update(const Request& request, const std::string& id);
  Response update(const Request& request, const std::string& id);
  Response summary(const Request& request, const std::string& id);
  Response events(const Request& request, const std::string& id);
  Response health(const Request& request, const std::string& id);
  Response metrics(const Request& request, const std::string& id);
  Response openapi(const Request& request, const std::string& id);
  Response console_file(const Request& request);

  // `what` is named when it is not there.
  Response store_error(const store::Error& error, const char* what = "object");
  std::string store_state();

  const Settings settings_;
  store::Store& store_;
  metrics::Metrics& metrics_;
  const Doors& doors_;
  const Changed changed_;
  MeterRoutes meters_;
  SecondRoutes second_;
  NotifyRoutes notify_;
  FleetRoutes fleet_;
  UpkeepRoutes upkeep_;
  Idempotency idempotency_;
  store::Fleet rows_;
  RouteList list_;
  Kept<store::Summary> summaries_;
  std::mutex health_mutex_;
  std::string store_state_ = "not checked yet";
  bool store_checking_ = false;
  std::chrono::steady_clock::time_point store_checked_at_{};
};

}  // namespace meterlens::api
