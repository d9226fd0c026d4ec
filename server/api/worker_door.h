// A worker's own small HTTP door: GET /metrics, with the names that the server's have, and GET
// /health. Nobody logs in there, so it belongs on loopback or on an inner network. Owns its
// listening socket and one thread.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "server/metrics/metrics.h"

namespace meterlens::api {

struct WorkerSigns {
  std::function<bool()> broker_connected;      // called from the door's thread
  std::function<std::string()> storage_fault;  // empty: none
};

class WorkerDoor {
 public:
  // `port` 0: any free one. `metrics` outlives the door. The error says what to do.
  static std::expected<std::unique_ptr<WorkerDoor>, std::string> start(
      const std::string& address, std::uint16_t port, const std::string& version,
      const metrics::Metrics& metrics, WorkerSigns signs);
  ~WorkerDoor();
  std::uint16_t port() const;

 private:
  WorkerDoor();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace meterlens::api
