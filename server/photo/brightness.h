// How bright a photo is, judged on the server as a camera of ours judges it (protocol/luminance.h),
// so that it is known of every photo, whatever took it. No state; any thread.
#pragma once

#include <cstdint>

#include "protocol/luminance.h"
#include "server/photo/photo.h"

namespace meterlens::photo {

// Of a whole JPEG; light unknown and zeros when its data are not understood. The levels, 0 to 255,
// are the camera's settings of these names.
Brightness brightness_of(protocol::Bytes jpeg, std::int32_t dark_level, std::int32_t bright_level);

}  // namespace meterlens::photo
