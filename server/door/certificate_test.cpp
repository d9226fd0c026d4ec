// Certificates are made by the program `openssl` in a folder of the test's own.
#include "server/door/certificate.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <ctime>
#include <filesystem>
#include <fstream>

namespace meterlens::door {
namespace {

class CertificateTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "certificate_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    make("a");
    make("b");
    std::ofstream(folder_ / "text.pem") << "no certificate\n";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void make(const std::string& name) {
    const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                                "-nodes -days 30 -subj /CN=localhost -keyout " +
                                file(name + ".key") + " -out " + file(name + ".pem") +
                                " 2>/dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::string file(const std::string& name) { return (folder_ / name).string(); }
  std::string error(const std::string& chain, const std::string& key, long long after_s = 0) {
    const auto read = read_certificate(file(chain), file(key), std::time(nullptr) + after_s);
    return read ? "" : read.error();
  }

  std::filesystem::path folder_;
};

TEST_F(CertificateTest, IsReadWithItsKey) {
  const auto read = read_certificate(file("a.pem"), file("a.key"), std::time(nullptr));
  ASSERT_TRUE(read) << read.error();
  EXPECT_TRUE(read->chain.starts_with("-----BEGIN CERTIFICATE"));
  EXPECT_TRUE(read->key.starts_with("-----BEGIN"));
}

TEST_F(CertificateTest, WhatIsWrongIsNamed) {
  EXPECT_NE(error("none.pem", "a.key").find("cannot read the certificate"), std::string::npos);
  EXPECT_NE(error("a.pem", "none.key").find("cannot read the key"), std::string::npos);
  EXPECT_NE(error("text.pem", "a.key").find("no certificate in PEM"), std::string::npos);
  EXPECT_NE(error("a.pem", "text.pem").find("no private key"), std::string::npos);
  EXPECT_NE(error("a.pem", "b.key").find("is not that of the certificate"), std::string::npos);
  EXPECT_NE(error("a.pem", "a.key", 40 * 86'400).find("expired on"), std::string::npos);
  EXPECT_NE(error("a.pem", "a.key", -40 * 86'400).find("valid only from"), std::string::npos);
  EXPECT_FALSE(read_certificate("", file("a.key"), 0));
}

}  // namespace
}  // namespace meterlens::door
