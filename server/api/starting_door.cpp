#include "server/api/starting_door.h"

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/api/http.h"

namespace meterlens::api {

struct StartingDoor::Parts {
  std::string version;
  std::mutex mutex = {};
  std::string words = {};
  std::unique_ptr<HttpServer> http = {};

  Response answer(const Request& request) {
    Response out = request.path == "/health" || request.path == "/api/v1/health"
                       ? health()
                       : error_response(503, "busy", "the server is starting; /health says how "
                                        "far it is");
    out.headers.emplace_back("Cache-Control", "no-store");
    out.headers.emplace_back("Retry-After", "5");
    return out;
  }
  Response health() {
    const std::lock_guard lock(mutex);
    const nlohmann::ordered_json body{{"status", "starting"},
                                      {"version", version},
                                      {"broker", false},
                                      {"store", words},
                                      {"reader", "ok"}};
    return {503, "application/json",
            body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)};
  }
};

StartingDoor::StartingDoor() = default;
StartingDoor::~StartingDoor() = default;

std::uint16_t StartingDoor::port() const { return parts_->http->port(); }

void StartingDoor::say(const std::string& words) {
  const std::lock_guard lock(parts_->mutex);
  parts_->words = words;
}

std::expected<std::unique_ptr<StartingDoor>, std::string> StartingDoor::start(
    const Settings& settings) {
  std::unique_ptr<StartingDoor> door(new StartingDoor);
  door->parts_.reset(new Parts{settings.version});
  Parts& parts = *door->parts_;
  Settings listening;
  listening.address = settings.address;
  listening.port = settings.port;
  listening.certificate = settings.certificate;
  listening.threads = 1;
  listening.connection_count_max = 64;
  auto http = HttpServer::start(
      listening, [&parts](const Request& request) { return parts.answer(request); });
  if (!http) return std::unexpected(http.error());
  parts.http = *std::move(http);
  return door;
}

}  // namespace meterlens::api
