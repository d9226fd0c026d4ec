#include "boards/ec600s/at/modem.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "boards/ec600s/at/test_modem.h"

namespace meterlens::at {
namespace {

TEST_F(ModemTest, BringsUpConnectsSubscribesPublishes) {
  play(bring_up);
  EXPECT_TRUE(modem.ready());
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_EQ(mqtt.unix_ms(mqtt.context), 1704067200000U);
  come_up();
  EXPECT_TRUE(mqtt.subscribe(mqtt.context, "m/down", 1));
  play({{"AT+QMTSUB=0,1,\"m/down\",1", "\r\nOK\r\n\r\n+QMTSUB: 0,1,0,1\r\n"}});
  const std::string_view binary("\0\r\n>\"\xFF+QMTSTAT: 0,1\r\n", 20);
  EXPECT_TRUE(publish(binary));
  EXPECT_FALSE(publish("one at a time"));
  EXPECT_EQ(unacknowledged(), 1U);
  EXPECT_EQ(next(), "AT+QMTPUBEX=0,1,1,0,\"m/up\",20");
  say("\r\n>");
  EXPECT_EQ(pull(), binary);
  EXPECT_EQ(unacknowledged(), 1U);
  say(ok);
  EXPECT_EQ(unacknowledged(), 1U);
  say("\r\n+QMTPUBEX: 0,1,0\r\n");
  EXPECT_EQ(unacknowledged(), 0U);
  say("\r\n+QMTRECV: 0,0,\"m/down\",3,\"a\"b\"\r\n");
  EXPECT_EQ(received, std::vector<std::string>{"m/down=a\"b"});
  EXPECT_EQ(modem.counters().out_of_step, 0U);
  EXPECT_EQ(modem.trouble(), "");
}

TEST_F(ModemTest, QoS0IsPublishedWithId0AndDoneWhenSent) {
  come_up();
  EXPECT_EQ(hand_over("x", 0), "0");
  EXPECT_EQ(unacknowledged(), 1U);
  say("\r\n+QMTPUBEX: 0,0,0\r\n");
  EXPECT_EQ(unacknowledged(), 0U);
}

// The same talk, each answer in single bytes, with echo, and with something unasked for at every
// line end of it.
TEST_F(ModemTest, UnaskedForLinesAndEchoChangeNothing) {
  for (const std::string_view extra :
       {"\r\n+CEREG: 5\r\n", "\r\n+QMTPUBEX: 0,999,0\r\n", "\r\nAPP RDY\r\n", "\r\n+CSQ: 9,9\r\n",
        "\r\n+QMTRECV: 0,0,\"m/down\",12,\"\r\nOK\r\nERROR\"\r\n", "\r\n+QMTSTAT: 3,1\r\n",
        "\r\n\xFF\xFE+QIND: SMS DONE\r\n", "\r\n+QMTCONN: 1,2,5\r\n"}) {
    SCOPED_TRACE(extra);
    modem.start(now);
    const auto disturb = [&](const std::vector<Turn>& turns) {
      for (const Turn& turn : turns) {
        const std::string command = next();
        ASSERT_EQ(command, turn.command);
        std::string answer = command + "\r" + std::string(extra);
        for (std::size_t i = 0; i < turn.answer.size(); ++i) {
          answer += turn.answer[i];
          if (turn.answer[i] == '\n') answer += extra;
        }
        for (const char& byte : answer) say({&byte, 1});
      }
    };
    disturb(bring_up);
    connect();
    disturb(connecting);
    EXPECT_EQ(state(), METERLENS_MQTT_UP);
    ASSERT_TRUE(publish("abc"));
    const std::string command = next();
    say(command + "\r" + std::string(extra) + "\r\n> ");
    EXPECT_EQ(pull(), "abc");
    say("abc" + std::string(extra) + std::string(ok) + std::string(extra));
    EXPECT_EQ(unacknowledged(), 1U);
  }
}

TEST_F(ModemTest, OneBurstMayAnswerSeveralThings) {
  come_up();
  const std::string id = hand_over("first");
  ASSERT_TRUE(publish("second"));
  next();
  say("\r\n+QMTPUBEX: 0," + id + ",0\r\n\r\n+QMTRECV: 0,0,\"d\",1,\"x\"\r\n\r\n> ");
  EXPECT_EQ(pull(), "second");
  say("\r\n+QMTPUBEX: 0,2,0\r\n\r\nOK\r\n\r\n+QMTRECV: 0,0,\"d\",1,\"y\"\r\n");
  EXPECT_EQ(unacknowledged(), 0U);
  EXPECT_EQ(received, (std::vector<std::string>{"d=x", "d=y"}));
}

TEST_F(ModemTest, TheModemsWindowIsKept) {
  come_up();
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(hand_over("x"));
  EXPECT_EQ(unacknowledged(), 4U);
  ASSERT_TRUE(publish("fifth"));
  EXPECT_EQ(pull(), "");
  say("\r\n+QMTPUBEX: 0," + ids[2] + ",1\r\n");
  EXPECT_EQ(pull(), "");
  EXPECT_EQ(modem.counters().publish_again, 1U);
  say("\r\n+QMTPUBEX: 0," + ids[2] + ",2\r\n");
  EXPECT_EQ(modem.counters().publish_failed, 1U);
  EXPECT_EQ(next(), "AT+QMTPUBEX=0,5,1,0,\"m/up\",5");
}

TEST_F(ModemTest, AMessageLongerThanTheSettingIsDroppedAndCounted) {
  come_up();
  EXPECT_TRUE(publish(std::string(memory.size() + 1, 'x')));
  EXPECT_EQ(modem.counters().too_long, 1U);
  EXPECT_EQ(unacknowledged(), 0U);
  hand_over(std::string(memory.size(), 'x'));
}

TEST_F(ModemTest, WaitsForSimAndNetwork) {
  play({bring_up.begin(), bring_up.begin() + 3});
  play({{"AT+CPIN?", "\r\n+CME ERROR: 10\r\n"}, {"AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"}});
  EXPECT_EQ(modem.trouble(), "+CPIN: SIM PIN");
  play({{"AT+CPIN?", "\r\n+CPIN: READY\r\n\r\nOK\r\n"},
        {"AT+QCCID", "\r\nERROR\r\n"},
        {"AT+CCID", "\r\n+CCID: \"89860012345678901234\"\r\n\r\nOK\r\n"},
        {"AT+CSQ", "\r\n+CSQ: 99,99\r\n\r\nOK\r\n"},
        {"AT+CEREG?", "\r\n+CEREG: 0,2\r\n\r\nOK\r\n"},
        {"AT+CEREG?", "\r\n+CEREG: 0,3\r\n\r\nOK\r\n"},
        {"AT+CEREG?", "\r\n+CEREG: 0,5\r\n\r\nOK\r\n"},
        {"AT+CCLK?", "\r\n+CCLK: \"80/01/06,00:00:07+00\"\r\n\r\nOK\r\n"}});
  EXPECT_TRUE(modem.ready());
  EXPECT_EQ(mqtt.unix_ms(mqtt.context), 0U);
  EXPECT_EQ(modem.identity().card(), "89860012345678901234");
}

TEST_F(ModemTest, SaysGoodbyeAndAnAttemptToConnectWaitsForIt) {
  come_up();
  mqtt.disconnect(mqtt.context);
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_FALSE(modem.closed());
  EXPECT_EQ(next(), "AT+QMTDISC=0");
  connect();
  say("\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n");
  play({{"AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n"}});
  play(connecting);
  EXPECT_EQ(state(), METERLENS_MQTT_UP);
}

TEST_F(ModemTest, GivenUpWhileOpeningItClosesFirst) {
  play(bring_up);
  connect();
  play({connecting.begin(), connecting.end() - 2});
  EXPECT_EQ(next(), "AT+QMTOPEN=0,\"broker\",1884");
  say(ok);
  mqtt.disconnect(mqtt.context);
  say("\r\n+QMTOPEN: 0,0\r\n");
  play({{"AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n"}});
  EXPECT_TRUE(modem.closed());
}

TEST_F(ModemTest, TellsItsHealth) {
  come_up();
  std::array<char, Modem::health_chars_max> out;
  EXPECT_EQ(modem.health({out.data(), 100}), 0U);
  const std::string json(out.data(), modem.health(out));
  EXPECT_EQ(json, R"(,"imei":"860000000000001","iccid":"89860012345678901234","signal_dbm":-73,)"
                  R"("modem_restarts":0,"modem_silences":0,"modem_cut":0,)"
                  R"("modem_publish_failed":0)");
}

class TlsTest : public ModemTest {
 protected:
  // The turns up to the will, those of TLS, and the rest.
  std::vector<Turn> with(const std::vector<Turn>& tls) {
    std::vector<Turn> turns(connecting.begin(), connecting.end() - 2);
    turns.insert(turns.end(), tls.begin(), tls.end());
    turns.insert(turns.end(), connecting.end() - 2, connecting.end());
    return turns;
  }
  void use(const Tls& tls) {
    secure.emplace(ModemSettings{.host = "broker", .port = 1884, .tls = tls}, memory, Receiver{});
  }
  // The turns on the secure modem; returns the first that does not come.
  void play_secure(const std::vector<Turn>& turns) {
    std::array<std::uint8_t, 256> piece;
    for (const Turn& turn : turns) {
      std::string text;
      for (int i = 0; i < 200 && text.empty(); ++i) {
        text.assign(piece.begin(),
                    piece.begin() + static_cast<std::ptrdiff_t>(secure->pull(piece, now)));
        text.erase(0, std::min(text.find_first_not_of('\r'), text.size()));
        if (text.empty()) now = std::max(secure->due_ms(now), now + 1);
      }
      ASSERT_EQ(text, turn.command + "\r");
      secure->receive({reinterpret_cast<const std::uint8_t*>(turn.answer.data()),
                       turn.answer.size()}, now);
      secure->step(now);
    }
  }
  void connect_secure() {
    const MeterlensMqttLogin login{"m-1", "u", "p", 30, true, "m/s", "{\"online\":false}"};
    const MeterlensMqtt port = secure->port();
    port.connect(port.context, &login);
  }

  std::optional<Modem> secure;
};

TEST_F(TlsTest, IsConfiguredBeforeTheConnectionIsOpened) {
  use({"UFS:ca.pem", "UFS:m1.pem", "UFS:m1.key"});
  secure->start(now);
  play_secure(bring_up);
  connect_secure();
  play_secure(with({{"AT+QSSLCFG=\"sslversion\",2,3", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"ciphersuite\",2,0xFFFF", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"seclevel\",2,2", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"cacert\",2,\"UFS:ca.pem\"", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"clientcert\",2,\"UFS:m1.pem\"", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"clientkey\",2,\"UFS:m1.key\"", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"ignorelocaltime\",2,0", "\r\nOK\r\n"},
                    {"AT+QSSLCFG=\"sni\",2,1", "\r\nERROR\r\n"},  // not every firmware has it
                    {"AT+QMTCFG=\"ssl\",0,1,2", "\r\nOK\r\n"}}));
  EXPECT_EQ(secure->port().state(&*secure), METERLENS_MQTT_UP);
}

TEST_F(TlsTest, AFirmwareThatRefusesACheckGetsNoConnection) {
  use({"UFS:ca.pem", "", ""});
  secure->start(now);
  play_secure(bring_up);
  connect_secure();
  std::vector<Turn> turns(connecting.begin(), connecting.end() - 2);
  turns.insert(turns.end(), {{"AT+QSSLCFG=\"sslversion\",2,3", "\r\nOK\r\n"},
                             {"AT+QSSLCFG=\"ciphersuite\",2,0xFFFF", "\r\nOK\r\n"},
                             {"AT+QSSLCFG=\"seclevel\",2,1", "\r\nERROR\r\n"}});
  play_secure(turns);
  EXPECT_EQ(secure->port().state(&*secure), METERLENS_MQTT_DOWN);
}

}  // namespace
}  // namespace meterlens::at
