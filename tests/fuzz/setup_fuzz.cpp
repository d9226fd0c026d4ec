// What anybody in reach of the set-up network can send: a form, or a question for a name. The first
// byte chooses. Only a set-up that the device can use is taken; an answer repeats its question and
// stays within its bounds.
#include <algorithm>
#include <array>
#include <string_view>

#include "boards/esp32cam/portable/dns.h"
#include "boards/esp32cam/portable/setup.h"
#include "protocol/require.h"

using namespace meterlens;
using protocol::require;

namespace {

void read_form(std::string_view body) {
  const auto setup = esp32cam::read_form(body);
  esp32cam::read_broker(body);
  esp32cam::version_number(body);
  if (!setup) return require(setup.error() != esp32cam::Flaw::none);
  require(check(*setup) == esp32cam::Flaw::none);
  require(!setup->ssid.empty() && !setup->device.empty());
  const auto broker = esp32cam::read_broker(setup->broker.view());
  require(broker && broker->port != 0 && !broker->host.empty());
}

void answer_dns(protocol::Bytes query) {
  std::array<std::uint8_t, esp32cam::dns_bytes_max> out;
  const std::size_t count = esp32cam::answer_dns(query, {192, 168, 4, 1}, out);
  require(count <= query.size() + 16 && count <= out.size());
  if (count == 0) return;
  require((out[2] & 0x80) != 0 && out[7] <= 1);
  require(std::equal(query.begin(), query.begin() + 2, out.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const protocol::Bytes rest(data + 1, size - 1);
  if (data[0] % 2 == 0)
    answer_dns(rest);
  else
    read_form({reinterpret_cast<const char*>(rest.data()), rest.size()});
  return 0;
}
