// Inside api/: what is asked of many devices: groups and labels, switches and deletion, records,
// controls of SmartDTUs, profiles of settings, campaigns. Asks the store and the pipeline, never
// the network; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/api/query.h"
#include "server/api/route_list.h"
#include "server/store/fleet.h"

namespace meterlens::api {

class FleetRoutes {
 public:
  using Changed = std::function<void(Subject, const std::string& id)>;
  using StoreError = std::function<Response(const store::Error&, const char* what)>;
  using ShowDevice = std::function<Response(const std::string& id)>;
  FleetRoutes(store::Store& store, const Doors& doors, Changed changed, StoreError store_error,
              ShowDevice show_device);

  void list(RouteList& routes);

 private:
  Response groups(const Request& request, const std::string& id);
  Response device_tags(const Request& request, const std::string& id);
  Response change_device_tags(const Request& request, const std::string& id);
  Response meter_tags(const Request& request, const std::string& id);
  Response change_meter_tags(const Request& request, const std::string& id);
  Response change_device(const Request& request, const std::string& id);
  Response remove_device(const Request& request, const std::string& id);
  Response reset_device(const Request& request, const std::string& id);
  Response messages(const Request& request, const std::string& id);
  Response health(const Request& request, const std::string& id);
  Response controls(const Request& request, const std::string& id);
  Response control(const Request& request, const std::string& id);
  template <fleet::ControlKind kind>
  Response order_control(const Request& request, const std::string& id);

  Response profiles(const Request& request, const std::string& id);
  Response add_profile(const Request& request, const std::string& id);
  Response profile(const Request& request, const std::string& id);
  Response change_profile(const Request& request, const std::string& id);
  Response remove_profile(const Request& request, const std::string& id);
  Response push_profile(const Request& request, const std::string& id);
  Response profile_devices(const Request& request, const std::string& id);
  Response campaigns(const Request& request, const std::string& id);
  Response add_campaign(const Request& request, const std::string& id);
  Response campaign(const Request& request, const std::string& id);
  Response campaign_devices(const Request& request, const std::string& id);
  Response pause_campaign(const Request& request, const std::string& id);
  Response resume_campaign(const Request& request, const std::string& id);
  Response abort_campaign(const Request& request, const std::string& id);

  Response tags(fleet::Kind kind, const std::string& id);
  Response change_tags(fleet::Kind kind, const Request& request, const std::string& id);
  // Nothing when it is there; else the answer that says so.
  std::optional<Response> missing(fleet::Kind kind, const std::string& id);
  Response order(const fleet::Order& order, const std::string& done_json);
  Response set_state(const std::string& id, std::vector<fleet::CampaignState> from,
                     fleet::CampaignState to, std::optional<int> error_percent_max = {});
  Response show_campaign(const fleet::Campaign& campaign, int status);
  store::Result<std::vector<std::string>> campaign_targets(const fleet::Campaign& campaign);

  store::Store& store_;
  store::Fleet rows_;
  const Doors& doors_;
  const Changed changed_;
  const StoreError store_error_;
  const ShowDevice show_device_;
};

// What a query says of a page: limit (1 to 1000, else 100) and cursor; the error names what is
// wrong.
struct Page {
  int count_max = 100;
  std::string cursor;
};
std::expected<Page, std::string> page_of(const Query& query, int count_max = 1000);

// The same with the cursor judged: an id (0: the first page) or, with `by_name`, a device's name.
struct Cursor {
  int count_max = 100;
  std::int64_t id = 0;
  std::string name;
};
std::expected<Cursor, std::string> cursor_of(const Request& request, bool by_name);

// Whether one more than the page was found; that one is taken away.
template <class Item>
bool cut(std::vector<Item>& items, int count_max) {
  if (items.size() <= static_cast<std::size_t>(count_max)) return false;
  items.pop_back();
  return true;
}

// The answer to an order that was refused.
Response refused(fleet::OrderError error);

}  // namespace meterlens::api
