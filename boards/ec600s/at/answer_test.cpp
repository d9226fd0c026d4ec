#include "boards/ec600s/at/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "boards/ec600s/at/command.h"
#include "boards/ec600s/at/identity.h"

namespace meterlens::at {
namespace {

TEST(NumbersOf, ReadsNumbersAndNothingElse) {
  struct Case {
    const char* text;
    std::vector<int> expected;
  };
  for (const Case& c : {Case{"0", {0}},
                        {"0,1", {0, 1}},
                        {" 0, -2 ,65535", {0, -2, 65535}},
                        {"0,1,", {0, 1}},
                        {"1,2,3,4,5,6", {1, 2, 3, 4, 5, 6}},
                        {"1,2,3,4,5,6,7", {}},
                        {"", {}},
                        {",", {}},
                        {"1,,2", {}},
                        {"1,\"2\"", {}},
                        {"1234567", {}},
                        {"99999999999999999999", {}},
                        {"0x1", {}},
                        {"+1", {}}}) {
    const Numbers numbers = numbers_of(c.text);
    EXPECT_EQ(std::vector(numbers.values.begin(),
                          numbers.values.begin() + static_cast<std::ptrdiff_t>(numbers.count)),
              c.expected)
        << c.text;
  }
}

TEST(WordOf, TellsAnswersFromTheRest) {
  struct Case {
    const char* line;
    Word expected;
  };
  for (const Case& c : {Case{"OK", Word::ok},
                        {"ERROR", Word::error},
                        {"+CME ERROR: 10", Word::error},
                        {"+CMS ERROR: 500", Word::error},
                        {"RDY", Word::started},
                        {"APP RDY", Word::text},
                        {"ATE0", Word::echo},
                        {"AT+QMTPUBEX=0,1,1,0,\"OK\",3", Word::echo},
                        {"+QMTSTAT: 0,1", Word::urc},
                        {"OK ", Word::text},
                        {"OKAY", Word::text},
                        {"+", Word::text},
                        {"860000000000001", Word::text}})
    EXPECT_EQ(word_of(c.line), c.expected) << c.line;
}

TEST(Named, SplitsAtTheColon) {
  EXPECT_EQ(named("+QMTOPEN: 0,0").name, "QMTOPEN");
  EXPECT_EQ(named("+QMTOPEN: 0,0").rest, "0,0");
  EXPECT_EQ(named("+CPIN:READY ").rest, "READY");
  EXPECT_EQ(named("QMTOPEN: 0,0").name, "");
  EXPECT_EQ(named("+QMTOPEN").name, "");
}

TEST(UnixMsOf, TakesTheZoneInQuarters) {
  struct Case {
    const char* clock;
    std::uint64_t local_s;  // 0: no time
    std::uint64_t utc_s;
  };
  for (const Case& c : {Case{"\"24/01/01,00:00:00+00\"", 1704067200, 1704067200},
                        {"\"24/01/01,08:00:00+32\"", 1704067200, 1704096000},  // China
                        {"24/01/01,05:45:00+23", 1704067200, 1704087900},      // Nepal
                        {"\"23/12/31,19:00:00-20\"", 1704067200, 1704049200},  // New York
                        {"\"24/02/29,12:00:01+00\"", 1709208001, 1709208001},
                        {"\"23/02/29,12:00:01+00\"", 0, 0},
                        {"\"70/01/01,00:00:12+00\"", 0, 0},
                        {"\"80/01/06,00:00:12+00\"", 0, 0},
                        {"\"24/13/01,00:00:00+00\"", 0, 0},
                        {"\"24/01/01,24:00:00+00\"", 0, 0},
                        {"\"24/01/01,00:60:00+00\"", 0, 0},
                        {"\"24/01/01,00:00:00+99\"", 0, 0},
                        {"\"24/01/01,00:00:00\"", 0, 0},
                        {"\"24-01-01,00:00:00+00\"", 0, 0},
                        {"\"2a/01/01,00:00:00+00\"", 0, 0},
                        {"", 0, 0}}) {
    EXPECT_EQ(unix_ms_of(c.clock, true).value_or(0), c.local_s * 1000) << c.clock;
    EXPECT_EQ(unix_ms_of(c.clock, false).value_or(0), c.utc_s * 1000) << c.clock;
  }
}

TEST(SignalDbm, IsNothingWhenNotKnown) {
  EXPECT_EQ(signal_dbm(0), -113);
  EXPECT_EQ(signal_dbm(31), -51);
  EXPECT_EQ(signal_dbm(99), std::nullopt);
  EXPECT_EQ(signal_dbm(-1), std::nullopt);
}

TEST(ReasonOfStat, HasEveryNumberOfTheMaker) {
  for (int error = 1; error <= 7; ++error) EXPECT_NE(reason_of_stat(error), "") << error;
  for (const int error : {-1, 0, 8, 999}) EXPECT_EQ(reason_of_stat(error), "") << error;
}

TEST(PutQuoted, WritesQuotesAsTheMakerWantsAndNoControls) {
  const auto quoted = [](std::string_view text, Quote quote) {
    std::array<char, 64> out;
    device::TextWriter writer(out);
    put_quoted(writer, text, quote);
    return std::string(writer.text());
  };
  EXPECT_EQ(quoted("plain", Quote::hex), "\"plain\"");
  EXPECT_EQ(quoted("{\"a\\b\"}", Quote::hex), "\"{\\22a\\5Cb\\22}\"");
  EXPECT_EQ(quoted("{\"a\\b\"}", Quote::backslash), "\"{\\\"a\\\\b\\\"}\"");
  EXPECT_EQ(quoted("a\r\nAT+X\x7F", Quote::hex), "\"aAT+X\"");
}

TEST(PutLogin, TheLongestFits) {
  const std::string longest(2000, '"');
  MeterlensMqttLogin texts{};
  texts.client_id = texts.user = texts.password = longest.c_str();
  texts.will_topic = texts.will_payload = longest.c_str();
  texts.keep_alive_s = 65535;
  Login login;
  login.copy(texts);
  for (const Command command :
       {Command::session, Command::keep_alive, Command::will, Command::login}) {
    std::array<char, command_chars_max> out;
    device::TextWriter writer(out);
    writer.put(rule_of(command).text);
    put_login(writer, command, login, Quote::hex);
    writer.put("\r");
    EXPECT_LE(writer.count(), command_chars_max);
  }
}

TEST(Identity, CollectsWhatIsKnown) {
  Identity identity(true);
  std::array<char, Identity::json_chars_max> out;
  EXPECT_EQ(identity.put_json(out), 0U);
  EXPECT_EQ(identity.imei(), "000000000000000");
  EXPECT_EQ(identity.unix_ms(5), 0U);
  for (const char* wrong : {"86000000000000", "8600000000000012", "86000000000000a", "OK", ""})
    identity.hear_imei(wrong);
  EXPECT_EQ(identity.imei(), "000000000000000");
  identity.hear_imei("860000000000001");
  identity.hear("+QCCID: 8986001234567890123F", 0);
  identity.hear("+CSQ: 20,99", 0);
  identity.hear("+CCLK: \"24/01/01,08:00:00+32\"", 1000);
  identity.hear("+CCLK: \"80/01/06,00:00:00+00\"", 1500);
  EXPECT_EQ(identity.unix_ms(3500), 1704067202500U);
  const std::string json(out.data(), identity.put_json(out));
  EXPECT_EQ(json,
            ",\"imei\":\"860000000000001\",\"iccid\":\"8986001234567890123F\",\"signal_dbm\":-73");
  identity.hear("+CSQ: 99,99", 0);
  EXPECT_EQ(identity.dbm(), std::nullopt);
  identity.hear("+CCID: \"no number\"", 0);
  EXPECT_EQ(identity.card(), "");
}

}  // namespace
}  // namespace meterlens::at
