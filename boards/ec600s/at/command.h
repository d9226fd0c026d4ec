// The AT commands that are sent, and how their answers are waited for. What the maker's manuals
// leave open is decided here and in answer.h, nowhere else (README.md lists it). Pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "device/port.h"
#include "device/text.h"

namespace meterlens::at {

enum class Command : std::uint8_t {
  none,
  attention,
  echo_off,
  imei,
  sim,
  card,        // the SIM card's number (ICCID)
  card_again,  // by the other name, where the first is not known
  registration,
  signal,
  clock,
  close,
  context_off,
  context_on,
  receive_mode,
  version,
  session,
  keep_alive,
  will,
  tls_version,
  tls_suites,
  tls_level,
  tls_authority,
  tls_certificate,
  tls_key,
  tls_time,
  tls_name,
  tls_on,
  open,
  login,
  subscribe,
  publish,
  disconnect,
  restart,
};

struct Rule {
  // What the command begins with; alone it is the command where there are no parameters.
  std::string_view text;
  // Of the line that tells the outcome after OK; empty: OK is the outcome.
  std::string_view result;
  std::uint32_t timeout_ms;
};

const Rule& rule_of(Command command);

// How a double quote and a backslash inside a text are written. V.250 says hex (\22); makers
// differ.
enum class Quote : std::uint8_t { hex, backslash };

// Characters that a text of so many may take between its quotes.
constexpr std::size_t quoted_chars_max(std::size_t chars) { return 3 * chars + 2; }

// Writes the text in quotes. Control characters, which would end the command, are left out.
void put_quoted(device::TextWriter& out, std::string_view text, Quote quote);

// A text of its own, cut at `chars_max`.
template <std::size_t chars_max>
class Text {
 public:
  void set(std::string_view text) {
    count_ = std::min(text.size(), chars_max);
    std::copy_n(text.begin(), count_, chars_.begin());
  }
  void add(std::string_view text) {
    const std::size_t part = std::min(text.size(), chars_max - count_);
    std::copy_n(text.begin(), part, chars_.begin() + static_cast<std::ptrdiff_t>(count_));
    count_ += part;
  }
  std::string_view view() const { return {chars_.data(), count_}; }
  bool empty() const { return count_ == 0; }

 private:
  std::array<char, chars_max> chars_;
  std::size_t count_ = 0;
};

inline constexpr std::size_t name_chars_max = 144;  // of a topic or a client
inline constexpr std::size_t secret_chars_max = 128;
inline constexpr std::size_t host_chars_max = 128;
// The longest is that of `login`.
inline constexpr std::size_t command_chars_max =
    32 + quoted_chars_max(name_chars_max) + 2 * quoted_chars_max(secret_chars_max);

// TLS to the broker: names of PEM files in the modem's own memory, as "UFS:ca.pem" (README.md).
struct Tls {
  std::string_view authority;    // whose signature the broker must show; empty: no TLS
  std::string_view certificate;  // the device's own, and its key; empty: it shows none
  std::string_view key;
};

// MeterlensMqttLogin with texts of its own.
struct Login {
  Text<name_chars_max> client_id;
  Text<secret_chars_max> user;
  Text<secret_chars_max> password;
  Text<name_chars_max> will_topic;  // empty: no will
  Text<64> will_payload;
  std::uint16_t keep_alive_s = 0;
  bool clean_session = true;

  void copy(const MeterlensMqttLogin& login);
};

// What stands behind the rule's text of `session`, `keep_alive`, `will`, `login`.
void put_login(device::TextWriter& out, Command command, const Login& login, Quote quote);

// What stands behind the rule's text of those of TLS.
void put_tls(device::TextWriter& out, Command command, const Tls& tls, Quote quote);

}  // namespace meterlens::at
