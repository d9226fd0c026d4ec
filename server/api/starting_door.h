// The HTTP door of a server that is not there yet: the schema of its database is being changed, or
// the database server is waited for. GET /health says what is going on, all else is refused, both
// with 503. Owns its listening socket and one thread; ends before the API takes the port.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "server/api/api.h"

namespace meterlens::api {

class StartingDoor {
 public:
  // Of `settings` the address, port, certificate and version count. The error says what to do.
  static std::expected<std::unique_ptr<StartingDoor>, std::string> start(const Settings& settings);
  ~StartingDoor();
  std::uint16_t port() const;
  // What is going on now. Any thread.
  void say(const std::string& words);

 private:
  StartingDoor();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace meterlens::api
