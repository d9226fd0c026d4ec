// Where new photos go, as [store] photos says.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "app/settings.h"
#include "server/photo/objects.h"

namespace meterlens::app {

bool photos_are_files(const Settings& settings);
// Nothing: into files. The error is one line, without keys.
std::expected<std::shared_ptr<photo::Objects>, std::string> photo_objects(
    const Settings& settings);

}  // namespace meterlens::app
