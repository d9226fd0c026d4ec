#include "boards/ec600s/at/reader.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace meterlens::at {
namespace {

// What a reader makes of these bytes: lines as they are, a prompt as ">", a message as
// "topic=payload".
std::vector<std::string> read(Reader& reader, std::string_view bytes) {
  std::vector<std::string> said;
  for (const char byte : bytes) {
    const auto next = reader.put(static_cast<std::uint8_t>(byte));
    if (!next) continue;
    const std::string payload(next->payload.begin(), next->payload.end());
    const bool message = next->kind == Said::Kind::message;
    if (next->kind == Said::Kind::prompt)
      said.emplace_back(">");
    else
      said.push_back(std::string(next->text) + (message ? "=" + payload : ""));
  }
  return said;
}

std::string message(std::string_view payload, std::string_view topic = "meterlens/m1/down") {
  return "\r\n+QMTRECV: 0,7,\"" + std::string(topic) + "\"," + std::to_string(payload.size()) +
         ",\"" + std::string(payload) + "\"\r\n";
}

TEST(Reader, CutsLinesPromptsAndMessages) {
  struct Case {
    std::string bytes;
    std::vector<std::string> expected;
  };
  const std::string zeros("a\0b", 3);
  for (const Case& c : {
           Case{"\r\nOK\r\n", {"OK"}},
           {"OK\n", {"OK"}},
           {"AT\r\r\nOK\r\n", {"AT", "OK"}},
           {"\r\n+QMTSTAT: 0,1\r\n\r\n> ", {"+QMTSTAT: 0,1", ">"}},
           {"\r\n> \r\nOK\r\n", {">", "OK"}},
           {"\r\n>>", {">", ">"}},
           {"\0\0\x01OK\r\n", {}},
           {"a>b\r\n", {"a>b"}},
           {"partial", {}},
           {message("hello"), {"meterlens/m1/down=hello"}},
           {message(""), {"meterlens/m1/down="}},
           {message(zeros), {"meterlens/m1/down=" + zeros}},
           {message("\"\r\nOK\r\n\""), {"meterlens/m1/down=\"\r\nOK\r\n\""}},
           {message("\r\n+QMTSTAT: 0,1\r\n> ") + "\r\nOK\r\n",
            {"meterlens/m1/down=\r\n+QMTSTAT: 0,1\r\n> ", "OK"}},
           {message("\r\n+QMTRECV: 0,1,\"t\",1,\"x\"\r\n") + message("y"),
            {"meterlens/m1/down=\r\n+QMTRECV: 0,1,\"t\",1,\"x\"\r\n", "meterlens/m1/down=y"}},
           {message("x", ""), {"=x"}},
           // Of a form that is not known: lines, and in step with the next.
           {"+QMTRECV: 0,7,\"t\",\"payload\"\r\nOK\r\n", {"+QMTRECV: 0,7,\"t\",\"payload\"", "OK"}},
           {"+QMTRECV: 0,\"t\",1,\"x\"\r\nOK\r\n", {"+QMTRECV: 0,\"t\",1,\"x\"", "OK"}},
           {"+QMTRECV: 0,7,\"t\",65536,\"x\"\r\nOK\r\n", {"+QMTRECV: 0,7,\"t\",65536,\"x\"", "OK"}},
           {"+QMTRECV: 0,7,\"t\",-1,\"x\"\r\nOK\r\n", {"+QMTRECV: 0,7,\"t\",-1,\"x\"", "OK"}},
           {"+QMTRECV: 0,7,\"t\"\r\nOK\r\n", {"+QMTRECV: 0,7,\"t\"", "OK"}},
           {"+QMTRECV: \"\"\"\r\nOK\r\n", {"+QMTRECV: \"\"\"", "OK"}},
       }) {
    Reader reader;
    EXPECT_EQ(read(reader, c.bytes), c.expected) << c.bytes;
  }
}

TEST(Reader, APayloadWithoutItsClosingQuoteCostsThatLineOnly) {
  Reader reader;
  EXPECT_EQ(read(reader, "+QMTRECV: 0,1,\"t\",2,\"xyz\"\r\nOK\r\n"),
            (std::vector<std::string>{"t=xy", "OK"}));
  EXPECT_EQ(reader.counters().cut_messages, 1U);
  EXPECT_EQ(read(reader, "+QMTRECV: 0,1,\"t\",2,\"xy\r\nOK\r\n"),
            (std::vector<std::string>{"t=xy", "OK"}));
  EXPECT_EQ(reader.counters().cut_messages, 2U);
}

TEST(Reader, DropsLinesAndMessagesThatAreTooLong) {
  Reader reader;
  const std::string longest(line_chars_max, 'a');
  EXPECT_EQ(read(reader, longest + "\r\n" + longest + "a\r\nOK\r\n"),
            (std::vector<std::string>{longest, "OK"}));
  EXPECT_EQ(reader.counters().overlong_lines, 1U);
  const std::string most(message_bytes_max, '\n');
  EXPECT_EQ(read(reader, message(most)).at(0), "meterlens/m1/down=" + most);
  EXPECT_EQ(read(reader, message(most + "\n") + "OK\r\n"), (std::vector<std::string>{"OK"}));
  EXPECT_EQ(reader.counters().overlong_messages, 1U);
}

TEST(Reader, GivesUpAPayloadThatDoesNotCome) {
  Reader reader;
  EXPECT_FALSE(reader.in_message());
  read(reader, "+QMTRECV: 0,1,\"t\",500,\"abc");
  EXPECT_TRUE(reader.in_message());
  reader.give_up();
  EXPECT_FALSE(reader.in_message());
  EXPECT_EQ(read(reader, "\r\nRDY\r\n"), (std::vector<std::string>{"RDY"}));
  EXPECT_EQ(reader.counters().cut_messages, 1U);
}

// Whatever came before: one line end outside a payload, and it is in step.
TEST(Reader, IsInStepAgainAfterAnyBytes) {
  std::mt19937 random(600);
  for (int round = 0; round < 2000; ++round) {
    auto reader = std::make_unique<Reader>();
    std::string noise(random() % 300, ' ');
    for (char& byte : noise) byte = static_cast<char>(random());
    read(*reader, noise);
    reader->give_up();
    read(*reader, "\r\n");
    EXPECT_EQ(read(*reader, "\r\nOK\r\n" + message("x")),
              (std::vector<std::string>{"OK", "meterlens/m1/down=x"}));
  }
}

}  // namespace
}  // namespace meterlens::at
