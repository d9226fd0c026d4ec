// The reader as the server's pipeline wants it: the only place where reader and server meet.
#pragma once

#include <expected>
#include <string>

#include "server/reading_queue.h"

namespace meterlens::app {

// Reads with up to `threads` readers at the same time, which are loaded here. The error says what
// to do.
std::expected<server::ReadPhoto, std::string> open_photo_reader(const std::string& models_folder,
                                                                int threads);

}  // namespace meterlens::app
