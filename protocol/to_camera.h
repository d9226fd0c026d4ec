// The messages that a camera hears, alone: a camera that calls this in place of decode_message does
// not carry the code for those that it says itself. No heap, any thread.
#pragma once

#include <expected>

#include "protocol/message.h"

namespace meterlens::protocol {

// As decode_message; a message of the other direction is of an unknown type.
std::expected<Message, FrameError> decode_to_camera(Bytes frame);

}  // namespace meterlens::protocol
