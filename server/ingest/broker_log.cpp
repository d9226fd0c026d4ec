#include "server/ingest/broker_log.h"

namespace meterlens::ingest {
namespace {

// "1795363894: " or nothing.
std::string_view without_time(std::string_view line) {
  const std::size_t digits = line.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || !line.substr(digits).starts_with(": "))
    return line;
  return line.substr(digits + 2);
}

}  // namespace

std::optional<ClientChange> parse_broker_log(std::string_view line) {
  line = without_time(line);
  constexpr std::string_view connected = "New client connected from ";
  constexpr std::string_view client = "Client ";
  if (line.starts_with(connected)) {
    const std::size_t as = line.find(" as ");
    const std::size_t end = line.rfind(" (p");
    if (as == std::string_view::npos || end == std::string_view::npos || end < as + 4)
      return std::nullopt;
    return ClientChange{line.substr(as + 4, end - as - 4), true};
  }
  if (!line.starts_with(client)) return std::nullopt;
  line.remove_prefix(client.size());
  for (const std::string_view gone :
       {" disconnected", " closed its connection", " has exceeded timeout", " been disconnected"}) {
    const std::size_t at = line.rfind(gone);
    if (at != std::string_view::npos && at > 0) return ClientChange{line.substr(0, at), false};
  }
  return std::nullopt;
}

}  // namespace meterlens::ingest
