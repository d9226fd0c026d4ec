// `meterlens serve`: store, pipeline and API put together, until SIGINT or SIGTERM.
#pragma once

#include <string>

#include "app/settings.h"
#include "server/pipeline.h"

namespace meterlens::app {

// The exit status: 0 after a signal, 1 when something cannot start (said on standard error).
int serve(const Settings& settings, const std::string& version,
          server::Role role = server::Role::whole);

}  // namespace meterlens::app
