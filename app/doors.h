// How `meterlens serve` shuts its doors: who must log in, which devices need a credential, and the
// certificates of both listeners.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "app/settings.h"
#include "server/api/api.h"
#include "server/api/starting_door.h"
#include "server/ingest/broker.h"
#include "server/store/store.h"

namespace meterlens::app {

// 127.0.0.0/8, ::1, localhost: nobody on another machine can ask.
bool is_loopback(const std::string& address);

// The error says which file or setting is wrong.
std::expected<void, std::string> shut_broker(const Settings& settings,
                                             ingest::BrokerSettings& out);
// Makes the first administrator when users must log in and there is none, and prints the password:
// this once, to standard output.
std::expected<void, std::string> shut_api(const Settings& settings, store::Store& store,
                                          api::Settings& out);

// What stands in the API's place while the database is not there yet.
std::expected<std::unique_ptr<api::StartingDoor>, std::string> starting_sign(
    const Settings& settings, const std::string& version);

}  // namespace meterlens::app
