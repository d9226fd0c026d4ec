// Where RabbitMQ asks whether a device may come in and what it may do (rabbitmq_auth_backend_http,
// by POST): an HTTP listener of its own, away from the API, with `allow` or `deny` as its answers.
// Credentials are those of the store, which is asked each time; RabbitMQ keeps what was allowed.
// There is no lock-out that could shut a device out: its password is a random secret, which nobody
// guesses, and judging one takes a tenth of a millisecond. Owns the listener and its threads.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "server/metrics/metrics.h"
#include "server/store/store.h"

namespace meterlens::api {

struct BrokerDoorSettings {
  std::string address = "127.0.0.1";  // devices' passwords cross it, without TLS
  std::uint16_t port = 0;             // 0: any free one
  std::string vhost = "/";            // of RabbitMQ, where devices come in
};

class BrokerDoor {
 public:
  // The error says what to do. `store` and `metrics` outlive it.
  static std::expected<std::unique_ptr<BrokerDoor>, std::string> start(
      const BrokerDoorSettings& settings, store::Store& store, metrics::Metrics& metrics);
  ~BrokerDoor();
  BrokerDoor(const BrokerDoor&) = delete;
  BrokerDoor& operator=(const BrokerDoor&) = delete;

  std::uint16_t port() const;

 private:
  struct Parts;
  explicit BrokerDoor(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace meterlens::api
