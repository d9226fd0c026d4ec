// Credentials of devices through a running server.
#include "server/api/doors_fixture.h"

namespace meterlens::api {
namespace {

class CredentialsTest : public DoorsTest {
 protected:
  void SetUp() override {
    DoorsTest::SetUp();
    admin_ = log_in("administrator") + own;
    const std::string made = post(port_, "/api/v1/products", R"({"name":"P1"})", admin_);
    ASSERT_EQ(status_of(made), 201) << made;
    secret_ = json_of(made)["secret"];
  }
  std::string register_device(const std::string& device, const std::string& its_password,
                              const std::string& secret) {
    return post(port_, "/api/v1/registrations",
                json{{"product", "P1"}, {"secret", secret}, {"device", device},
                     {"password", its_password}}.dump());
  }
  std::string hash_of(const std::string& device) {
    return store::Access(*store_).credential(device)->value_or(door::Credential{}).hash;
  }
  std::string admin_, secret_;
  const std::string words_ = "0123456789abcdefghij", others_ = "abcdefghij0123456789";
};

TEST_F(CredentialsTest, AnAdministratorMakesAndRemovesThem) {
  const std::string path = "/api/v1/devices/m1/credential";
  const std::string made = post(port_, path, "", admin_);
  ASSERT_EQ(status_of(made), 201) << made;
  EXPECT_TRUE(door::is_mosquitto_password(hash_of("m1"), json_of(made)["password"]));
  const std::string again = post(port_, path, "", admin_);
  EXPECT_NE(json_of(again)["password"], json_of(made)["password"]);
  const std::string list = body_of(get(port_, "/api/v1/credentials", admin_));
  EXPECT_EQ(list.find("$7$"), std::string::npos);
  EXPECT_EQ(json::parse(list)["credentials"][0]["state"], "valid");
  EXPECT_EQ(status_of(send("DELETE", port_, path, "", admin_)), 200);
  EXPECT_EQ(status_of(send("DELETE", port_, path, "", admin_)), 404);
  EXPECT_EQ(hash_of("m1"), "");
  EXPECT_EQ(credentials_changes_, 3);
  EXPECT_EQ(status_of(post(port_, path, "", log_in("operator") + own)), 403);
}

TEST_F(CredentialsTest, ADeviceRegistersOnce) {
  EXPECT_EQ(status_of(register_device("new", words_, secret_)), 201);
  EXPECT_TRUE(door::is_mosquitto_password(hash_of("new"), words_));
  EXPECT_EQ(status_of(register_device("new", words_, secret_)), 200) << "its answer was lost";
  EXPECT_EQ(code_of(register_device("new", others_, secret_)), "device_known");
  EXPECT_TRUE(door::is_mosquitto_password(hash_of("new"), words_));
  EXPECT_EQ(credentials_changes_, 1);
}

TEST_F(CredentialsTest, NobodyTakesOverADevice) {
  EXPECT_EQ(code_of(register_device("m1", words_, secret_)), "device_known");
  EXPECT_EQ(hash_of("m1"), "");
  post(port_, "/api/v1/devices/other/credential", "", admin_);
  send("DELETE", port_, "/api/v1/devices/other/credential", "", admin_);
  EXPECT_EQ(code_of(register_device("other", words_, secret_)), "device_known");
}

TEST_F(CredentialsTest, ManyTriesAreRefused) {
  EXPECT_EQ(code_of(register_device("new", words_, "wrong")), "wrong_secret");
  EXPECT_EQ(status_of(register_device("../x", words_, secret_)), 400);
  EXPECT_EQ(status_of(register_device("new", "short", secret_)), 400);
  std::string answer;
  for (int i = 0; i < 40; ++i) answer = register_device("new", words_, "wrong");
  EXPECT_EQ(status_of(answer), 429);
  EXPECT_EQ(hash_of("new"), "");
}

TEST_F(CredentialsTest, ARemovedProductOpensNothing) {
  EXPECT_EQ(status_of(post(port_, "/api/v1/products", R"({"name":"P1"})", admin_)), 409);
  EXPECT_EQ(body_of(get(port_, "/api/v1/products", admin_)).find("secret"), std::string::npos);
  EXPECT_EQ(status_of(send("DELETE", port_, "/api/v1/products/P1", "", admin_)), 200);
  EXPECT_EQ(code_of(register_device("new", words_, secret_)), "wrong_secret");
}

}  // namespace
}  // namespace meterlens::api
