#include "server/api/upkeep.h"

#include "server/api/answers.h"
#include "server/api/json_text.h"

namespace meterlens::api {

std::string upkeep_json(const Upkeep& upkeep) {
  Json backups = Json::array(), folders = Json::array();
  for (const BackupDone& one : upkeep.backups) {
    backups.push_back({{"at_ms", one.at_ms},
                       {"place", one.place},
                       {"photos", one.photos},
                       {"images", one.images},
                       {"whole", one.whole},
                       {"note", one.note}});
  }
  for (const Folder& one : upkeep.folders) {
    folders.push_back({{"path", one.path},
                       {"free_bytes", one.free_bytes},
                       {"all_bytes", one.all_bytes}});
  }
  const Retained& retained = upkeep.retained;
  return text({{"store", upkeep.store},
               {"retention", {{"photo_days", retained.photo_days},
                              {"reading_days", retained.reading_days},
                              {"looked_ms", or_null(retained.looked_ms)},
                              {"photos", retained.photos},
                              {"readings", retained.readings},
                              {"error", retained.error}}},
               {"backups", std::move(backups)},
               {"folders", std::move(folders)}});
}

void UpkeepRoutes::list(RouteList& routes) {
  routes.add(*this, {
      {"GET", "/api/v1/upkeep", &UpkeepRoutes::upkeep},
      {"POST", "/api/v1/second/test", &UpkeepRoutes::try_second},
  });
}

Response UpkeepRoutes::upkeep(const Request&, const std::string&) {
  return json_response(upkeep_json(doors_.upkeep ? doors_.upkeep() : Upkeep()));
}

Response UpkeepRoutes::try_second(const Request&, const std::string&) {
  const auto tried = doors_.try_second ? doors_.try_second()
                                       : std::unexpected(std::string("there is no second reader"));
  return json_response(text({{"ok", tried.has_value()}, {"error", tried ? "" : tried.error()}}));
}

}  // namespace meterlens::api
