#include "boards/linux/registration.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <fstream>
#include <thread>

namespace meterlens::boards {
namespace {

class RegistrationTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name =
        (std::filesystem::temp_directory_path() / "registration_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

// Where nobody listens.
const RegistrationOptions nowhere{"http://127.0.0.1:1", "P", "s", ""};

using Outcome = Registration::Outcome;

TEST_F(RegistrationTest, AKeptPasswordAsksNobody) {
  std::ofstream(folder_ / "password") << "given-by-hand\n";
  const Registration registration = register_once({folder_, "m1"}, nowhere);
  EXPECT_EQ(registration.outcome, Outcome::done);
  EXPECT_EQ(registration.text, "given-by-hand");
}

TEST_F(RegistrationTest, WithoutAnAnswerThePasswordIsKeptForTheNextTry) {
  const auto made = [&] {
    std::string line;
    std::ifstream in(folder_ / "m1" / "password.new");
    std::getline(in, line);
    return line;
  };
  EXPECT_EQ(register_once({folder_ / "m1", "m1"}, nowhere).outcome, Outcome::later);
  const std::string first = made();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(register_once({folder_ / "m1", "m1"}, nowhere).outcome, Outcome::later);
  EXPECT_EQ(made(), first);
  EXPECT_EQ(kept_password(folder_ / "m1"), "");
}

TEST_F(RegistrationTest, AFolderThatCannotBeIsNamed) {
  std::ofstream(folder_ / "file") << "x";
  const Registration registration = register_once({folder_ / "file", "m1"}, nowhere);
  EXPECT_EQ(registration.outcome, Outcome::refused);
  EXPECT_NE(registration.text.find("cannot be written"), std::string::npos) << registration.text;
}

template <typename Is>
bool comes(Is is) {
  for (int i = 0; i < 500 && !is(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  return is();
}

TEST_F(RegistrationTest, OneThatIsRefusedKeepsNoOtherFromComingIn) {
  std::ofstream(folder_ / "file") << "x";
  std::filesystem::create_directories(folder_ / "m2");
  std::ofstream(folder_ / "m2" / "password") << "given-by-hand\n";
  Registrar registrar(nowhere, {{folder_ / "file", "m1"}, {folder_ / "m2", "m2"}});
  std::vector<Registrar::Registered> come;
  EXPECT_TRUE(comes([&] {
    if (come.empty()) come = registrar.take();
    return !come.empty();
  }));
  ASSERT_EQ(come.size(), 1U);
  EXPECT_EQ(come[0].newcomer, 1U);
  EXPECT_EQ(come[0].password, "given-by-hand");
  EXPECT_TRUE(registrar.take().empty());
  EXPECT_FALSE(registrar.refusal());
}

TEST_F(RegistrationTest, TheRefusalIsToldWhereAllAreRefused) {
  std::ofstream(folder_ / "file") << "x";
  const Registrar registrar(nowhere, {{folder_ / "file", "m1"}, {folder_ / "file", "m2"}});
  EXPECT_TRUE(comes([&] { return registrar.refusal().has_value(); }));
}

TEST_F(RegistrationTest, ItStopsWhileItWaits) {
  Registrar registrar(nowhere, {{folder_ / "m1", "m1"}});
  EXPECT_TRUE(comes([&] { return std::filesystem::exists(folder_ / "m1" / "password.new"); }));
  EXPECT_FALSE(registrar.refusal());
}

}  // namespace
}  // namespace meterlens::boards
