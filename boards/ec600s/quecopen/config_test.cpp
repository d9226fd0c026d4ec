#include "boards/ec600s/quecopen/config.h"

#include <gtest/gtest.h>

#include <string>

namespace meterlens::boards {
namespace {

struct Outcome {
  std::string wrong;  // empty: taken
  std::uint32_t line = 0;
  MeterlensConfig config{};
};

Outcome read(const std::string& text) {
  Outcome outcome;
  const char* wrong =
      meterlens_config_read(text.data(), text.size(), &outcome.config, &outcome.line);
  if (wrong != nullptr) outcome.wrong = wrong;
  return outcome;
}

const std::string whole =
    "# the cellar\r\nbroker = broker.example:8883\r\ndevice=D1\n\n user = a b\npassword = x=y # z\n"
    "dialect = smartdtu\nproduct = P1\napn = cmnet\nbaud_max = 921600\n"
    "ca = ca.pem\ncertificate = d1.pem\nkey = d1.key\nend\n";

TEST(ModuleConfig, EveryKey) {
  const Outcome read_whole = read(whole);
  ASSERT_EQ(read_whole.wrong, "");
  const MeterlensConfig& config = read_whole.config;
  EXPECT_STREQ(config.host, "broker.example");
  EXPECT_EQ(config.port, 8883);
  EXPECT_STREQ(config.device, "D1");
  EXPECT_STREQ(config.user, "a b");
  EXPECT_STREQ(config.password, "x=y # z");
  EXPECT_TRUE(config.smartdtu);
  EXPECT_STREQ(config.product, "P1");
  EXPECT_STREQ(config.apn, "cmnet");
  EXPECT_EQ(config.baud_max, 921600U);
  EXPECT_STREQ(config.ca, "ca.pem");
  EXPECT_STREQ(config.certificate, "d1.pem");
  EXPECT_STREQ(config.key, "d1.key");
}

TEST(ModuleConfig, LeastAndDefaults) {
  const Outcome least = read("broker = 10.0.0.1\ndevice = m1\nend");
  ASSERT_EQ(least.wrong, "");
  EXPECT_EQ(least.config.port, 1883);
  EXPECT_EQ(least.config.baud_max, 115200U);
  EXPECT_FALSE(least.config.smartdtu);
  EXPECT_STREQ(least.config.user, "");
}

TEST(ModuleConfig, TlsHasItsOwnPortAndIsNeverHalfConfigured) {
  EXPECT_EQ(read("ca = ca.pem\nbroker = b\ndevice = m1\nend").config.port, 8883);
  EXPECT_EQ(read("broker = b:1234\ndevice = m1\nca = ca.pem\nend").config.port, 1234);
  EXPECT_EQ(read("broker = b\ndevice = m1\nca = c\nkey = k\nend").wrong,
            "certificate and key belong together");
  EXPECT_EQ(read("broker = b\ndevice = m1\nca = c\ncertificate = k\nend").wrong,
            "certificate and key belong together");
  EXPECT_EQ(read("broker = b\ndevice = m1\ncertificate = c\nkey = k\nend").wrong,
            "certificate needs a ca");
  for (const char* name : {"", "../ca.pem", ".ca", "a/b"})
    EXPECT_NE(read(std::string("broker = b\ndevice = m1\nca = ") + name + "\nend").wrong, "")
        << name;
}

// Wherever the file is torn it is refused, but in the line's end after `end`.
TEST(ModuleConfig, TornAnywhere) {
  for (std::size_t bytes = 0; bytes < whole.size() - 1; ++bytes)
    EXPECT_NE(read(whole.substr(0, bytes)).wrong, "") << bytes;
  EXPECT_EQ(read(whole.substr(0, whole.size() - 1)).wrong, "");
}

TEST(ModuleConfig, WhatIsWrongAndWhere) {
  const std::string good = "broker = b\ndevice = m1\n";
  const struct {
    std::string text;
    std::uint32_t line;
    const char* words;
  } wrongs[] = {
      {"broker\nend\n", 1, "key = value"},
      {good + "colour = red\nend\n", 3, "not known"},
      {good + "device = m2\nend\n", 3, "twice"},
      {good + "broken = b\nend\n", 3, "not known"},
      {"broker = b:0\nend\n", 1, "port"},
      {"broker = b:65536\nend\n", 1, "port"},
      {"broker = b:99999999999\nend\n", 1, "port"},
      {"broker = b:18x\nend\n", 1, "port"},
      {"broker = :1883\nend\n", 1, "name"},
      {"device = m1/up\nend\n", 1, "name"},
      {"device = .m1\nend\n", 1, "name"},
      {"device = " + std::string(65, 'a') + "\nend\n", 1, "too long"},
      {"user = " + std::string(129, 'a') + "\nend\n", 1, "too long"},
      {"user = a\tb\nend\n", 1, "printable"},
      {"user = \xC3\xA4\nend\n", 1, "printable"},
      {"dialect = other\nend\n", 1, "dialect"},
      {"baud_max = 9600\nend\n", 1, "baud_max"},
      {"baud_max = 921601\nend\n", 1, "baud_max"},
      {good + "end\nuser = a\n", 3, "follows"},
      {"broker = b\nend\n", 2, "device"},
      {"device = b\nend\n", 2, "broker"},
      {good + "dialect = smartdtu\nend\n", 4, "product"},
      {std::string(1025, '\n'), 1, "too long"},
      {"", 1, "torn"},
  };
  for (const auto& wrong : wrongs) {
    const Outcome outcome = read(wrong.text);
    EXPECT_NE(outcome.wrong.find(wrong.words), std::string::npos)
        << wrong.text << ": " << outcome.wrong;
    EXPECT_EQ(outcome.line, wrong.line) << wrong.text;
  }
}

TEST(ModuleConfig, ErrorsTellNoValue) {
  const Outcome outcome = read("password = secret\x01\nend\n");
  EXPECT_NE(outcome.wrong, "");
  EXPECT_EQ(outcome.wrong.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace meterlens::boards
