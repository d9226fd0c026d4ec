#include "boards/esp32cam/portable/setup.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "protocol/ids.h"

namespace meterlens::esp32cam {
namespace {

bool is_letter_or_digit(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
         (letter >= '0' && letter <= '9');
}

int hex_digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
  if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
  return -1;
}

// false: cut within an escape, no hexadecimal digits, a zero byte, or too long.
template <std::size_t N>
bool decode(std::string_view encoded, bool plus_is_space, at::Text<N>& out) {
  std::array<char, N> decoded;
  std::size_t count = 0;
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    char letter = encoded[i];
    if (letter == '+' && plus_is_space) letter = ' ';
    if (letter == '%') {
      if (encoded.size() - i < 3) return false;
      const int high = hex_digit(encoded[i + 1]);
      const int low = hex_digit(encoded[i + 2]);
      if (high < 0 || low < 0) return false;
      letter = static_cast<char>(high << 4 | low);
      i += 2;
    }
    if (letter == '\0' || count == N) return false;
    decoded[count++] = letter;
  }
  out.set({decoded.data(), count});
  return true;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter < 127; });
}

bool is_host(std::string_view host) {
  if (host.empty() || host.front() == '-' || host.front() == '.') return false;
  return std::ranges::all_of(host, [](char letter) {
    return is_letter_or_digit(letter) || letter == '-' || letter == '.';
  });
}

template <class Number>
std::optional<Number> read_number(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// Takes the text up to `end` off `rest`; all of it when it does not come.
std::string_view take(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return taken;
}

bool read_login(std::string_view login, BrokerAddress& address) {
  const std::string_view user = take(login, ':');
  return !user.empty() && decode(user, false, address.user) &&
         decode(login, false, address.password);
}

struct Fields {
  Setup setup;
  unsigned seen = 0;  // a bit a field

  Flaw take(Flaw field, std::string_view value) {
    const unsigned bit = 1U << static_cast<unsigned>(field);
    if ((seen & bit) != 0) return Flaw::form;
    seen |= bit;
    return read(field, value) ? Flaw::none : field;
  }

 private:
  bool read(Flaw field, std::string_view value) {
    switch (field) {
      case Flaw::ssid: return decode(value, true, setup.ssid);
      case Flaw::wifi_password: return decode(value, true, setup.wifi_password);
      case Flaw::broker: return decode(value, true, setup.broker);
      default: return decode(value, true, setup.device);
    }
  }
};

std::string_view field_name(Flaw field) { return name(field); }

constexpr Flaw fields[] = {Flaw::ssid, Flaw::wifi_password, Flaw::broker, Flaw::device};

}  // namespace

const char* name(Flaw flaw) {
  switch (flaw) {
    case Flaw::none: return "none";
    case Flaw::form: return "form";
    case Flaw::ssid: return "ssid";
    case Flaw::wifi_password: return "wifi_password";
    case Flaw::broker: return "broker";
    case Flaw::device: return "device";
  }
  return "form";
}

Flaw check(const Setup& setup) {
  if (setup.ssid.view().empty()) return Flaw::ssid;
  // WPA2 and WPA3: a passphrase of 8 to 63 printable characters.
  const std::string_view password = setup.wifi_password.view();
  const bool printable =
      std::ranges::all_of(password, [](char letter) { return letter >= ' ' && letter < 127; });
  if (!password.empty() && (password.size() < 8 || !printable)) return Flaw::wifi_password;
  if (!read_broker(setup.broker.view())) return Flaw::broker;
  if (!protocol::is_device_name(setup.device.view())) return Flaw::device;
  return Flaw::none;
}

std::expected<Setup, Flaw> read_form(std::string_view body) {
  if (body.size() > form_bytes_max) return std::unexpected(Flaw::form);
  Fields form;
  while (!body.empty()) {
    std::string_view value = take(body, '&');
    const std::string_view key = take(value, '=');
    const auto field = std::ranges::find(fields, key, field_name);
    if (field == std::end(fields)) continue;
    if (const Flaw flaw = form.take(*field, value); flaw != Flaw::none)
      return std::unexpected(flaw);
  }
  if (const Flaw flaw = check(form.setup); flaw != Flaw::none) return std::unexpected(flaw);
  return form.setup;
}

std::expected<BrokerAddress, Flaw> read_broker(std::string_view url) {
  const auto wrong = std::unexpected(Flaw::broker);
  BrokerAddress address;
  if (url.size() > broker_chars_max || !is_printable(url)) return wrong;
  const std::size_t scheme_chars = url.find("://");
  if (scheme_chars == std::string_view::npos) return wrong;
  const std::string_view scheme = url.substr(0, scheme_chars);
  address.tls = scheme == "mqtts";
  if (!address.tls && scheme != "mqtt") return wrong;
  std::string_view rest = url.substr(scheme_chars + 3);
  if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
    if (!read_login(rest.substr(0, at), address)) return wrong;
    rest.remove_prefix(at + 1);
  }
  const bool has_port = rest.find(':') != std::string_view::npos;
  const std::string_view host = take(rest, ':');
  if (!is_host(host) || host.size() > at::host_chars_max) return wrong;
  address.host.set(host);
  address.port = address.tls ? 8883 : 1883;
  if (!has_port) return address;
  const auto port = read_number<std::uint16_t>(rest);
  if (!port || *port == 0) return wrong;
  address.port = *port;
  return address;
}

std::uint32_t version_number(std::string_view text) {
  std::uint32_t number = 0;
  for (int part = 0; part < 3; ++part) {
    const bool last = part == 2;
    if (!last && text.find('.') == std::string_view::npos) return 0;
    const auto value = read_number<std::uint32_t>(last ? text : take(text, '.'));
    if (!value || *value > 999) return 0;
    number = number * 1000 + *value;
  }
  return number;
}

}  // namespace meterlens::esp32cam
