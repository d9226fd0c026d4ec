// A Modem whose far end is the test: what it sends is compared, what it hears is said, and time is
// the test's. For the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "boards/ec600s/at/modem.h"
#include "protocol/frame.h"

namespace meterlens::at {

inline constexpr std::string_view ok = "\r\nOK\r\n";
inline constexpr std::string_view error = "\r\nERROR\r\n";

struct Turn {
  std::string command;
  std::string answer;
};

inline const std::vector<Turn> bring_up = {
    {"AT", "\r\nOK\r\n"},
    {"ATE0", "\r\nOK\r\n"},
    {"AT+CGSN", "\r\n860000000000001\r\n\r\nOK\r\n"},
    {"AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
    {"AT+QCCID", "\r\n+QCCID: 89860012345678901234\r\n\r\nOK\r\n"},
    {"AT+CSQ", "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"},
    {"AT+CEREG?", "\r\n+CEREG: 0,1\r\n\r\nOK\r\n"},
    {"AT+CCLK?", "\r\n+CCLK: \"24/01/01,08:00:00+32\"\r\n\r\nOK\r\n"},
};

inline const std::vector<Turn> connecting = {
    {"AT+QMTCLOSE=0", "\r\nERROR\r\n"},
    {"AT+QMTCFG=\"recv/mode\",0,0,1", "\r\nOK\r\n"},
    {"AT+QMTCFG=\"version\",0,4", "\r\nOK\r\n"},
    {"AT+QMTCFG=\"session\",0,1", "\r\nOK\r\n"},
    {"AT+QMTCFG=\"keepalive\",0,30", "\r\nOK\r\n"},
    {"AT+QMTCFG=\"will\",0,1,1,1,\"m/s\",\"{\\22online\\22:false}\"", "\r\nOK\r\n"},
    {"AT+QMTOPEN=0,\"broker\",1884", "\r\nOK\r\n\r\n+QMTOPEN: 0,0\r\n"},
    {"AT+QMTCONN=0,\"m-1\",\"u\",\"p\"", "\r\nOK\r\n\r\n+QMTCONN: 0,0,0\r\n"},
};

class ModemTest : public testing::Test {
 protected:
  ModemTest() { modem.start(now); }

  // What it sends next, without the line end; time goes on until there is something.
  std::string next() {
    for (int i = 0; i < 200; ++i) {
      if (std::string text = pull(); !text.empty()) {
        if (text.ends_with('\r')) text.pop_back();
        return text;
      }
      const std::uint64_t due = modem.due_ms(now);
      if (due == std::numeric_limits<std::uint64_t>::max()) break;
      now = std::max(due, now + 1);
      modem.step(now);
    }
    return "";
  }
  // Without time passing; in pieces, as a line takes them.
  std::string pull() {
    std::string all;
    std::array<std::uint8_t, 7> piece;
    while (const std::size_t count = modem.pull(piece, now))
      all.append(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count));
    all.erase(0, std::min(all.find_first_not_of('\r'), all.size()));  // filler
    return all;
  }
  void say(std::string_view bytes) {
    modem.receive({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, now);
    modem.step(now);
  }
  void play(const std::vector<Turn>& turns) {
    for (const Turn& turn : turns) {
      ASSERT_EQ(next(), turn.command);
      say(turn.answer);
    }
  }
  void connect() {
    const MeterlensMqttLogin login{"m-1", "u", "p", 30, true, "m/s", "{\"online\":false}"};
    mqtt.connect(mqtt.context, &login);
  }
  void come_up() {
    if (!modem.ready()) play(bring_up);
    connect();
    play(connecting);
    ASSERT_EQ(state(), METERLENS_MQTT_UP);
  }
  MeterlensMqttState state() { return mqtt.state(mqtt.context); }
  std::uint32_t unacknowledged() { return mqtt.unacknowledged(mqtt.context); }
  bool publish(std::string_view payload, std::uint8_t qos = 1) {
    return mqtt.publish(mqtt.context, "m/up", payload.data(),
                        static_cast<std::uint32_t>(payload.size()), qos, false);
  }
  // A message as far as the modem's OK; returns its id.
  std::string hand_over(std::string_view payload, std::uint8_t qos = 1) {
    EXPECT_TRUE(publish(payload, qos));
    const std::string command = next();
    say("\r\n> ");
    EXPECT_EQ(pull(), payload);
    say(ok);
    const std::size_t begin = command.find('=') + 3;
    return command.substr(begin, command.find(',', begin) - begin);
  }

  // A connection that is good for something: failures are no longer in a row.
  void prosper() {
    come_up();
    say("\r\n+QMTPUBEX: 0," + hand_over("x") + ",0\r\n");
  }

  std::uint64_t now = 1000;
  std::array<std::uint8_t, protocol::frame_bytes_max> memory{};
  std::vector<std::string> received;
  Modem modem{{.host = "broker", .port = 1884},
              memory,
              {this, [](void* self, std::string_view topic, Bytes payload) {
                 static_cast<ModemTest*>(self)->received.push_back(
                     std::string(topic) + "=" + std::string(payload.begin(), payload.end()));
               }}};
  MeterlensMqtt mqtt = modem.port();
};

}  // namespace meterlens::at
