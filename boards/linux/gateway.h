// The stations of a gateway's cameras, or of one, until a signal (loop.h). A device without a
// password comes in once it has registered; none waits for another. One thread, and the
// registrar's.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boards/linux/loop.h"
#include "boards/linux/registration.h"
#include "boards/linux/station.h"

namespace meterlens::boards {

class Gateway {
 public:
  explicit Gateway(RegistrationOptions registration) : registration_(std::move(registration)) {}

  // The error is of a line or a folder, or the server's refusal, when it refuses all.
  std::expected<void, std::string> run(const std::vector<StationOptions>& wanted);

 private:
  using Done = std::expected<void, std::string>;

  Done open(StationOptions options, const std::string& password);
  void begin_to_register();
  Done let_newcomers_in();
  void step(Loop& loop);

  const RegistrationOptions registration_;
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<StationOptions> newcomers_;
  std::optional<Registrar> registrar_;
};

}  // namespace meterlens::boards
