// Shows every meter to Home Assistant: what is said follows from the store alone, is compared with
// what was said before, and only differences are sent. So a restart on either side, or a broker
// that forgot, is put right by saying all once more.
#pragma once

#include <memory>
#include <string>

#include "server/notify/settings.h"
#include "server/notify/sink.h"
#include "server/photo/objects.h"

namespace meterlens::notify {

// `store` outlives it.
std::unique_ptr<Sink> make_home_assistant(const HomeAssistantSettings& settings,
                                          const std::string& sink, const std::string& version,
                                          store::Store& store, photo::ReadFile read_file);

}  // namespace meterlens::notify
