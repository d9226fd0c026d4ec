#include "server/api/worker_door.h"

#include <utility>

#include "server/api/http.h"
#include "server/api/json.h"

namespace meterlens::api {
namespace {

Settings listening(const std::string& address, std::uint16_t port, const std::string& version) {
  Settings out;
  out.address = address;
  out.port = port;
  out.version = version;
  out.threads = 1;
  out.connection_count_max = 16;
  return out;
}

}  // namespace

struct WorkerDoor::Parts {
  const metrics::Metrics& metrics;
  WorkerSigns signs;
  std::string version;
  std::unique_ptr<HttpServer> http = {};

  Response answer(const Request& request) const {
    if (request.method != "GET")
      return error_response(405, "method_not_allowed", "a worker answers GET alone");
    if (request.path == "/metrics")
      return {200, "text/plain; version=0.0.4; charset=utf-8", metrics.text()};
    if (request.path == "/health") return health();
    return error_response(404, "not_found", "a worker has /metrics and /health; the API is at "
                          "`meterlens serve --no-worker`");
  }
  // A worker that cannot reach RabbitMQ is of no use: its queues go to others.
  Response health() const {
    const std::string fault = signs.storage_fault();
    const Health found{signs.broker_connected(), fault.empty() ? "ok" : fault, "ok"};
    return {found.ok() ? 200 : 503, "application/json", health_json(found, version),
            {{"Cache-Control", "no-store"}}};
  }
};

WorkerDoor::WorkerDoor() = default;
WorkerDoor::~WorkerDoor() = default;

std::uint16_t WorkerDoor::port() const { return parts_->http->port(); }

std::expected<std::unique_ptr<WorkerDoor>, std::string> WorkerDoor::start(
    const std::string& address, std::uint16_t port, const std::string& version,
    const metrics::Metrics& metrics, WorkerSigns signs) {
  std::unique_ptr<WorkerDoor> door(new WorkerDoor);
  door->parts_.reset(new Parts{metrics, std::move(signs), version});
  Parts& parts = *door->parts_;
  auto http = HttpServer::start(listening(address, port, version),
                                [&parts](const Request& request) { return parts.answer(request); });
  if (!http) return std::unexpected(http.error());
  parts.http = *std::move(http);
  return door;
}

}  // namespace meterlens::api
