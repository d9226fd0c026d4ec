// The settings file of an EC600S, torn or written by anyone. What is taken is whole and in range;
// what is refused is refused with a line that the file has (or the one after its last).
#include <cstring>

#include "boards/ec600s/quecopen/config.h"
#include "protocol/ids.h"
#include "protocol/require.h"

using meterlens::protocol::require;

namespace {

template <std::size_t bytes>
void require_text(const char (&text)[bytes]) {
  require(std::memchr(text, '\0', bytes) != nullptr);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MeterlensConfig config;
  std::uint32_t line = 0;
  const auto* text = reinterpret_cast<const char*>(data);
  const char* wrong = meterlens_config_read(text, size, &config, &line);
  require(line >= 1 && line <= size + 1);
  require_text(config.host);
  require_text(config.user);
  require_text(config.password);
  require_text(config.apn);
  if (wrong != nullptr) return 0;
  require(size <= METERLENS_CONFIG_BYTES_MAX && config.port > 0 && config.host[0] != '\0');
  require(meterlens::protocol::is_device_name(config.device));
  require(!config.smartdtu || meterlens::protocol::is_device_name(config.product));
  require(config.baud_max >= 115200 && config.baud_max <= 921600);
  return 0;
}
