// The store of a server, for programs beside it.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "server/store/store.h"

namespace meterlens::app {

// The database that the settings file names (empty: the defaults), which must be there. The error
// is one line.
std::expected<std::unique_ptr<store::Store>, std::string> open_store(const std::string& config);

// A person has said that the reading is right, or what is.
bool is_labelled(const validate::Reading& reading);

}  // namespace meterlens::app
