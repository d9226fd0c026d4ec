// Who came and who went, from the lines that a mosquitto writes to $SYS/broker/log: the only sign
// of a SmartDTU's presence, for it has no last will. Pure function, no heap.
#pragma once

#include <optional>
#include <string_view>

namespace meterlens::ingest {

struct ClientChange {
  std::string_view client_id;  // points into the line
  bool connected = false;
};

// Nothing for a line about anything else.
std::optional<ClientChange> parse_broker_log(std::string_view line);

}  // namespace meterlens::ingest
