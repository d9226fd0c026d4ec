#include "boards/ec600s/at/command.h"

#include <array>

namespace meterlens::at {
namespace {

// In the order of `Command`. The times are longer than a healthy modem takes; those of the network
// are bounded by Session's own connect timeout as well.
constexpr std::array<Rule, static_cast<std::size_t>(Command::restart) + 1> rules = {{
    {"", "", 0},
    {"AT", "", 1'000},
    {"ATE0", "", 1'000},
    {"AT+CGSN", "", 1'000},
    {"AT+CPIN?", "", 5'000},
    {"AT+QCCID", "", 2'000},
    {"AT+CCID", "", 2'000},
    {"AT+CEREG?", "", 2'000},
    {"AT+CSQ", "", 2'000},
    {"AT+CCLK?", "", 2'000},
    {"AT+QMTCLOSE=0", "QMTCLOSE", 10'000},
    {"AT+QIDEACT=", "", 40'000},
    {"AT+QIACT=", "", 60'000},
    {"AT+QMTCFG=\"recv/mode\",0,0,1", "", 2'000},
    {"AT+QMTCFG=\"version\",0,4", "", 2'000},
    {"AT+QMTCFG=\"session\",0,", "", 2'000},
    {"AT+QMTCFG=\"keepalive\",0,", "", 2'000},
    {"AT+QMTCFG=\"will\",0,", "", 2'000},
    {"AT+QSSLCFG=\"sslversion\",2,3", "", 2'000},  // TLS 1.2
    {"AT+QSSLCFG=\"ciphersuite\",2,0xFFFF", "", 2'000},
    {"AT+QSSLCFG=\"seclevel\",2,", "", 2'000},
    {"AT+QSSLCFG=\"cacert\",2,", "", 2'000},
    {"AT+QSSLCFG=\"clientcert\",2,", "", 2'000},
    {"AT+QSSLCFG=\"clientkey\",2,", "", 2'000},
    {"AT+QSSLCFG=\"ignorelocaltime\",2,0", "", 2'000},
    {"AT+QSSLCFG=\"sni\",2,1", "", 2'000},
    {"AT+QMTCFG=\"ssl\",0,1,2", "", 2'000},
    {"AT+QMTOPEN=0,", "QMTOPEN", 25'000},
    {"AT+QMTCONN=0,", "QMTCONN", 15'000},
    {"AT+QMTSUB=0,", "QMTSUB", 15'000},
    {"AT+QMTPUBEX=0,", "", 8'000},
    {"AT+QMTDISC=0", "QMTDISC", 5'000},
    {"AT+CFUN=1,1", "", 15'000},
}};

}  // namespace

const Rule& rule_of(Command command) { return rules[static_cast<std::size_t>(command)]; }

void put_quoted(device::TextWriter& out, std::string_view text, Quote quote) {
  out.put("\"");
  for (const char& letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < ' ' || byte == 0x7F) continue;
    const bool special = letter == '"' || letter == '\\';
    if (special && quote == Quote::hex) {
      out.put(letter == '"' ? "\\22" : "\\5C");
      continue;
    }
    if (special) out.put("\\");
    out.put({&letter, 1});
  }
  out.put("\"");
}

void Login::copy(const MeterlensMqttLogin& login) {
  client_id.set(login.client_id);
  user.set(login.user);
  password.set(login.password);
  will_topic.set(login.will_topic != nullptr ? login.will_topic : "");
  will_payload.set(login.will_topic != nullptr ? login.will_payload : "");
  keep_alive_s = login.keep_alive_s;
  clean_session = login.clean_session;
}

void put_tls(device::TextWriter& out, Command command, const Tls& tls, Quote quote) {
  switch (command) {
    // 1: the broker is checked; 2: so is the device.
    case Command::tls_level: out.put(tls.certificate.empty() ? "1" : "2"); break;
    case Command::tls_authority: put_quoted(out, tls.authority, quote); break;
    case Command::tls_certificate: put_quoted(out, tls.certificate, quote); break;
    case Command::tls_key: put_quoted(out, tls.key, quote); break;
    default: break;
  }
}

void put_login(device::TextWriter& out, Command command, const Login& login, Quote quote) {
  const auto quoted = [&](std::string_view text) { put_quoted(out, text, quote); };
  switch (command) {
    case Command::session: out.put(login.clean_session ? "1" : "0"); break;
    case Command::keep_alive: out.put_number(login.keep_alive_s); break;
    case Command::will:
      out.put(login.will_topic.empty() ? "0" : "1,1,1,");
      if (login.will_topic.empty()) break;
      quoted(login.will_topic.view());
      out.put(",");
      quoted(login.will_payload.view());
      break;
    case Command::login:
      quoted(login.client_id.view());
      if (login.user.empty()) break;
      out.put(",");
      quoted(login.user.view());
      out.put(",");
      quoted(login.password.view());
      break;
    default: break;
  }
}

}  // namespace meterlens::at
