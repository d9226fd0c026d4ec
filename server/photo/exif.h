// When a phone took a photo, from its EXIF data. Foreign bytes give nothing, never a crash. Pure
// but for the machine's time zone; any thread. How it is to be turned is the reader's matter.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/checksum.h"

namespace meterlens::photo {

// Unix ms of DateTimeOriginal (or DateTime). With the offset that the phone has noted; without one
// it is taken as this machine's local time.
std::optional<std::int64_t> exif_time_ms(protocol::Bytes jpeg);

}  // namespace meterlens::photo
