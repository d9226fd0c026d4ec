// The table [fleet] of the settings, as the pipeline wants it.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/settings.h"
#include "server/api/broker_door.h"
#include "server/pipeline.h"

namespace meterlens::app {

// Whether this program may run as `role` with these settings; the error says what to do.
std::expected<void, std::string> check_role(const Settings& settings, server::Role role);
// Fills in `out` what a part of a fleet needs. The error says what to do.
std::expected<void, std::string> fleet_settings(const Settings& settings, server::Role role,
                                                server::Settings& out);
// Where a server answers RabbitMQ; nothing: nowhere.
std::optional<api::BrokerDoorSettings> broker_door_settings(const Settings& settings);
// The server's database. A part of a fleet waits for it, and says so, until `is_ending`. `say` is
// told, while it is being opened, what takes long: a schema that is changed, a server that is
// waited for.
std::expected<std::unique_ptr<store::Store>, std::string> open_served(
    const Settings& settings, server::Role role, const std::function<void(const std::string&)>& say,
    const std::function<bool()>& is_ending);

}  // namespace meterlens::app
