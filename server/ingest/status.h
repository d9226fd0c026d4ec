// The native status message (SPEC.md section 6). Stateless; no exceptions come out.
#pragma once

#include <optional>
#include <string_view>

#include "server/ingest/packet.h"

namespace meterlens::ingest {

// Nothing when it is not JSON or says nothing about being online.
std::optional<Presence> decode_status(std::string_view payload);

}  // namespace meterlens::ingest
