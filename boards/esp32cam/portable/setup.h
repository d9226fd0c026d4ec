// What a one-chip device must be told before it can work: its Wi-Fi, its broker, its name. Reads it
// from the page's form, which is foreign text, and says what is wrong with it. No heap, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>

#include "boards/ec600s/at/command.h"

namespace meterlens::esp32cam {

inline constexpr std::size_t form_bytes_max = 1024;
inline constexpr std::size_t broker_chars_max = 320;

// Each at most as long as its standard or the DTU program allows.
struct Setup {
  at::Text<32> ssid;
  at::Text<63> wifi_password;         // empty: an open network
  at::Text<broker_chars_max> broker;  // mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts://
  at::Text<64> device;
};

enum class Flaw : std::uint8_t { none, form, ssid, wifi_password, broker, device };
// The name of the form's field, for the page; "form" when it could not be read at all.
const char* name(Flaw flaw);

struct BrokerAddress {
  bool tls = false;
  at::Text<128> user;
  at::Text<128> password;
  at::Text<at::host_chars_max> host;
  std::uint16_t port = 0;
};

// Flaw::none when all fields are such as the device can use.
Flaw check(const Setup& setup);
// The body of a form (application/x-www-form-urlencoded) with the fields ssid, wifi_password,
// broker and device, each once; unknown fields are passed over. At most form_bytes_max.
std::expected<Setup, Flaw> read_form(std::string_view body);
// User and password may be percent-encoded. The host is a name or an IPv4 address; port 1883, with
// TLS 8883, unless it is given.
std::expected<BrokerAddress, Flaw> read_broker(std::string_view url);

// "2.14.3" as 2014003, so that a later release has a larger number. 0: not of this form, or a part
// above 999.
std::uint32_t version_number(std::string_view text);

}  // namespace meterlens::esp32cam
