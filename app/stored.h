// The store of a server, for programs beside it.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "app/settings.h"
#include "server/store/store.h"

namespace meterlens::app {

// Where the settings say that the rows are: a file, or a URL of PostgreSQL.
std::string store_place(const Settings& settings);
// How to open it. The error is one line: the password cannot be had.
std::expected<store::Options, std::string> store_options(const Settings& settings);
std::expected<Settings, std::string> settings_of(const std::string& config);

// The database that the settings file names (empty: the defaults), which must be there. Leaves
// its schema alone. The error is one line.
std::expected<std::unique_ptr<store::Store>, std::string> open_store(const std::string& config);

// A person has said that the reading is right, or what is.
bool is_labelled(const validate::Reading& reading);

}  // namespace meterlens::app
