// The settings of the second reader as the server wants them: keys read, numbers in its units.
#pragma once

#include <expected>
#include <string>

#include "app/settings.h"
#include "server/second_queue.h"

namespace meterlens::app {

// Without keys nobody is asked; that is an error when the policy wants it, or when a file is named
// that cannot be taken. The error says what to do and shows no key.
std::expected<server::SecondSettings, std::string> second_settings(const Settings& settings);

}  // namespace meterlens::app
