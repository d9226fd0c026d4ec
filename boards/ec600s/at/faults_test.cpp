// What goes wrong with a modem.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "boards/ec600s/at/test_modem.h"

namespace meterlens::at {
namespace {

using ModemFaults = ModemTest;

// Each command of the way to the broker, and an answer to it that ends the way.
TEST_F(ModemFaults, EveryWrongResultEndsTheAttempt) {
  struct Case {
    std::size_t turn;
    std::string_view answer;
    std::string_view trouble;
    bool closes;  // the modem may hold a connection
  };
  for (const Case& c :
       {Case{1, error, "AT+QMTCFG=\"recv/mode\",0,0,1: ERROR", false},
        {2, "\r\n+CME ERROR: 3\r\n", "AT+QMTCFG=\"version\",0,4: +CME ERROR: 3", false},
        {6, error, "AT+QMTOPEN=0,: ERROR", true},
        {6, "\r\nOK\r\n\r\n+QMTOPEN: 0,-1\r\n", "+QMTOPEN: 0,-1", true},
        {6, "\r\nOK\r\n\r\n+QMTOPEN: 0,2\r\n", "+QMTOPEN: 0,2", true},
        {6, "\r\n+QMTOPEN: 0,3\r\n\r\nOK\r\n", "+QMTOPEN: 0,3", true},
        {6, "\r\nOK\r\n\r\n+QMTOPEN: 0,4\r\n", "+QMTOPEN: 0,4", true},
        {6, "\r\nOK\r\n\r\n+QMTOPEN: 0,5\r\n", "+QMTOPEN: 0,5", true},
        {6, "\r\nOK\r\n", "no answer to AT+QMTOPEN=0,", true},
        {7, error, "AT+QMTCONN=0,: ERROR", true},
        {7, "\r\nOK\r\n\r\n+QMTCONN: 0,2\r\n", "+QMTCONN: 0,2", true},
        {7, "\r\nOK\r\n\r\n+QMTCONN: 0,0,5\r\n", "+QMTCONN: 0,0,5", true},
        {7, "\r\nOK\r\n\r\n+QMTCONN: 0,1\r\n\r\n+QMTCONN: 0,2\r\n", "+QMTCONN: 0,2", true},
        {7, "\r\nOK\r\n\r\n+QMTSTAT: 0,4\r\n", "+QMTSTAT: 0,4 CONNECT unanswered", false}}) {
    SCOPED_TRACE(c.trouble);
    modem.start(now);
    play(bring_up);
    connect();
    play({connecting.begin(), connecting.begin() + static_cast<std::ptrdiff_t>(c.turn)});
    EXPECT_EQ(next(), connecting[c.turn].command);
    say(c.answer);
    const std::vector<Turn> close = {{"AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n"}};
    if (c.closes) play(close);
    EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
    EXPECT_EQ(modem.trouble(), c.trouble);
    EXPECT_TRUE(modem.closed());
    EXPECT_TRUE(modem.ready());
    prosper();
  }
}

TEST_F(ModemFaults, AWillThatIsRefusedOrASecondTryOfLoginIsNoFailure) {
  play(bring_up);
  connect();
  std::vector<Turn> turns = connecting;
  turns[5].answer = error;
  turns[7].answer = "\r\nOK\r\n\r\n+QMTCONN: 0,1\r\n\r\n+QMTCONN: 0,0,0\r\n";
  play(turns);
  EXPECT_EQ(state(), METERLENS_MQTT_UP);
}

TEST_F(ModemFaults, ADeafConnectionIsGivenUp) {
  for (const std::string_view answer : {error, std::string_view("\r\nOK\r\n\r\n+QMTSUB: 0,1,2\r\n"),
                                        std::string_view("\r\nOK\r\n\r\n+QMTSUB: 0,1,0,128\r\n")}) {
    modem.start(now);
    come_up();
    EXPECT_TRUE(mqtt.subscribe(mqtt.context, "m/down", 1));
    EXPECT_EQ(next(), "AT+QMTSUB=0,1,\"m/down\",1");
    say(answer);
    EXPECT_EQ(state(), METERLENS_MQTT_DOWN) << answer;
    play({{"AT+QMTDISC=0", "\r\nOK\r\n\r\n+QMTDISC: 0,0\r\n"},
          {"AT+QMTCLOSE=0", "\r\nOK\r\n\r\n+QMTCLOSE: 0,0\r\n"}});
  }
}

// Every +QMTSTAT, at every moment of a connection's life.
TEST_F(ModemFaults, AStatEndsTheConnectionWheneverItComes) {
  for (int stat = 1; stat <= 8; ++stat) {
    for (int moment = 0; moment < 4; ++moment) {
      SCOPED_TRACE(std::to_string(stat) + " at " + std::to_string(moment));
      modem.start(now);
      prosper();
      if (moment > 0) hand_over("x");
      if (moment > 1) {
        ASSERT_TRUE(publish("y"));
        next();
      }
      if (moment > 2) {
        say("\r\n> ");
        pull();
      }
      const std::uint32_t cut = modem.counters().cut;
      say("\r\n+QMTSTAT: 0," + std::to_string(stat) + "\r\n");
      EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
      EXPECT_EQ(unacknowledged(), 0U);
      EXPECT_EQ(modem.counters().cut, cut + 1);
      if (moment > 1) say(error);
      connect();
      EXPECT_EQ(next(), "AT+QMTCLOSE=0");
      say(error);
      EXPECT_EQ(next(), stat == 2 ? "AT+QIDEACT=1" : "AT+QMTCFG=\"recv/mode\",0,0,1");
    }
  }
}

TEST_F(ModemFaults, AnUnansweredPingCyclesTheContextOnce) {
  come_up();
  say("\r\n+QMTSTAT: 0,2\r\n");
  connect();
  play({{"AT+QMTCLOSE=0", "\r\nERROR\r\n"},
        {"AT+QIDEACT=1", "\r\nOK\r\n"},
        {"AT+QIACT=1", "\r\nOK\r\n"}});
  play({connecting.begin() + 1, connecting.end()});
  EXPECT_EQ(state(), METERLENS_MQTT_UP);
  EXPECT_EQ(modem.counters().contexts, 1U);
  say("\r\n+QMTSTAT: 0,1\r\n");
  come_up();
}

TEST_F(ModemFaults, FailuresInARowCycleTheContextAndThenRestartTheModem) {
  play(bring_up);
  std::vector<std::uint32_t> cycles;
  for (std::uint32_t attempt = 1; attempt <= failures_a_restart; ++attempt) {
    if (attempt > 1) play({{"AT+QMTCLOSE=0", "\r\nERROR\r\n"}});
    connect();
    std::string command = next();
    for (int i = 0; i < 20 && !command.starts_with("AT+QMTOPEN"); ++i, command = next()) {
      if (command == "AT+QIACT=1") cycles.push_back(attempt);
      say(ok);
      if (command == "AT+QMTCLOSE=0") say("\r\n+QMTCLOSE: 0,0\r\n");
    }
    say("\r\nOK\r\n\r\n+QMTOPEN: 0,-1\r\n");
  }
  EXPECT_EQ(next(), "AT+CFUN=1,1");
  EXPECT_EQ(cycles, (std::vector<std::uint32_t>{4, 7, 10, 13, 16, 19, 22, 25, 28}));
  say(ok);
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_FALSE(modem.ready());
  play(bring_up);
}

TEST_F(ModemFaults, ASilentModemIsAskedLessAndLessOften) {
  std::vector<std::uint64_t> pauses;
  std::uint64_t before = now;
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(next(), "AT");
    pauses.push_back(now - before);
    before = now;
  }
  EXPECT_TRUE(std::is_sorted(pauses.begin(), pauses.end()));
  EXPECT_EQ(pauses.back(), silence_pause_last_ms + 1000);
  EXPECT_EQ(modem.counters().silences, 11U);
  say(ok);
  play({bring_up.begin() + 1, bring_up.end()});
  EXPECT_TRUE(modem.ready());
}

TEST_F(ModemFaults, SilenceInAConnectionIsFoundByTheHealthQuestion) {
  come_up();
  const std::uint64_t since = now;
  EXPECT_EQ(next(), "AT+CSQ");
  EXPECT_LE(now - since, 60'000U);
  EXPECT_EQ(next(), "AT");
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_EQ(modem.trouble(), "no answer to AT+CSQ");
}

// The modem may still wait for bytes of the payload: empty commands fill it up.
TEST_F(ModemFaults, APublishThatGetsNoAnswerIsFilledUp) {
  for (const bool prompted : {false, true}) {
    modem.start(now);
    come_up();
    ASSERT_TRUE(publish("0123456789"));
    next();
    if (prompted) {
      say("\r\n> ");
      pull();
    }
    now = modem.due_ms(now);
    modem.step(now);
    EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
    EXPECT_EQ(unacknowledged(), 0U);
    std::array<std::uint8_t, 64> out;
    EXPECT_EQ(modem.pull(out, now), 10U);
    EXPECT_EQ(out[0], '\r');
    EXPECT_EQ(out[9], '\r');
    play(bring_up);
  }
}

TEST_F(ModemFaults, AnAnswerOutOfStepBeginsAnew) {
  come_up();
  ASSERT_TRUE(publish("x"));
  next();
  say(ok);  // before the prompt
  EXPECT_EQ(modem.counters().out_of_step, 1U);
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  play(bring_up);
  say(ok);  // nothing was asked
  EXPECT_EQ(modem.counters().out_of_step, 2U);
  EXPECT_TRUE(modem.ready());
}

TEST_F(ModemFaults, ARestartOfTheModemIsNoticedAtEveryCommand) {
  std::vector<Turn> all = bring_up;
  all.insert(all.end(), connecting.begin(), connecting.end());
  for (std::size_t turn = 0; turn < all.size(); ++turn) {
    SCOPED_TRACE(all[turn].command);
    modem.start(now);
    connect();
    play({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(turn)});
    ASSERT_EQ(next(), all[turn].command);
    say("\r\n+QMTOP\xFF\r\nRDY\r\n");
    EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
    EXPECT_FALSE(modem.ready());
    come_up();
  }
}

TEST_F(ModemFaults, ACutMessageDoesNotSwallowTheRestForEver) {
  come_up();
  say("\r\n+QMTRECV: 0,0,\"m/down\",900,\"abc");
  now = modem.due_ms(now);
  modem.step(now);
  say("\r\nRDY\r\n");
  EXPECT_EQ(modem.counters().restarts, 1U);
  EXPECT_TRUE(received.empty());
}

TEST_F(ModemFaults, ErrorInPlaceOfThePromptIsTriedAgainAndThenGivenUp) {
  come_up();
  ASSERT_TRUE(publish("x"));
  for (std::uint32_t i = 1; i <= publish_tries; ++i) {
    EXPECT_EQ(state(), METERLENS_MQTT_UP);
    EXPECT_EQ(next(), "AT+QMTPUBEX=0," + std::to_string(i) + ",1,0,\"m/up\",1");
    say(error);
  }
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_EQ(next(), "AT+QMTDISC=0");
}

TEST_F(ModemFaults, ErrorAfterThePayloadCostsThatMessageOnly) {
  come_up();
  ASSERT_TRUE(publish("x"));
  next();
  say("\r\n> ");
  pull();
  say(error);
  EXPECT_EQ(state(), METERLENS_MQTT_UP);
  EXPECT_EQ(unacknowledged(), 0U);
  EXPECT_EQ(modem.counters().publish_failed, 1U);
  hand_over("y");
}

TEST_F(ModemFaults, AResultThatNeverComesEndsTheConnection) {
  come_up();
  hand_over("x");
  for (int i = 0; i < 200 && state() == METERLENS_MQTT_UP; ++i) {
    if (pull().starts_with("AT+C")) say(ok);
    now = std::max(modem.due_ms(now), now + 1);
    modem.step(now);
  }
  EXPECT_EQ(state(), METERLENS_MQTT_DOWN);
  EXPECT_EQ(modem.trouble(), "no result of AT+QMTPUBEX");
}

TEST_F(ModemFaults, ANetworkThatStaysAwayRestartsTheModem) {
  play({bring_up.begin(), bring_up.end() - 2});
  const std::uint64_t since = now;
  std::string command = next();
  for (; command == "AT+CEREG?"; command = next()) say("\r\n+CEREG: 0,2\r\n\r\nOK\r\n");
  EXPECT_EQ(command, "AT+CFUN=1,1");
  EXPECT_GE(now - since, registration_patience_ms);
  say(ok);
  play(bring_up);
}

// Whatever comes whenever: bounds hold, time goes on, and a modem that answers is up again.
TEST_F(ModemFaults, ComesUpAfterAnyBytes) {
  std::mt19937 random(7);
  const std::vector<std::string> words = {"\r\n",
                                          "OK",
                                          "ERROR",
                                          ">",
                                          "RDY",
                                          "+QMTRECV: 0,1,\"t\",9,\"",
                                          "+QMTSTAT: 0,2",
                                          "+QMTOPEN: 0,0",
                                          "+QMTCONN: 0,0,0",
                                          "+QMTPUBEX: 0,1,0",
                                          "+CPIN: READY",
                                          "+CEREG: 0,1",
                                          "+QMTSUB: 0,1,0,1"};
  for (int round = 0; round < 300; ++round) {
    modem.start(now);
    for (int i = 0; i < 200; ++i) {
      if (random() % 8 == 0) connect();
      if (random() % 16 == 0) mqtt.disconnect(mqtt.context);
      publish("payload", random() % 2);
      if (random() % 4 == 0) mqtt.subscribe(mqtt.context, "m/down", 1);
      pull();
      say(words[random() % words.size()] + (random() % 3 == 0 ? "" : "\r\n"));
      EXPECT_LE(unacknowledged(), publishes_limit + 1);
      if (random() % 4 == 0) now += random() % 3000;
    }
    say("\r\n\r\n");
    now += 10 * payload_pause_ms;
    modem.step(now);
    say("\r\nRDY\r\n");
    come_up();
  }
}

}  // namespace
}  // namespace meterlens::at
