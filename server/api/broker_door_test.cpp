#include "server/api/broker_door.h"

#include "server/api/fixture.h"
#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::api {
namespace {

class BrokerDoorTest : public ApiTest {
 protected:
  void SetUp() override {
    ApiTest::SetUp();
    store::Access access(*store_);
    ASSERT_TRUE(access.save_credential({"m1", door::mosquitto_hash("p+w&=%"), "ana", 1, false}));
    ASSERT_TRUE(access.save_credential({"gone", "", "ana", 1, true}));
    auto opened = BrokerDoor::start({}, *store_, metrics_);
    ASSERT_TRUE(opened) << opened.error();
    door_ = *std::move(opened);
  }
  void TearDown() override {
    door_.reset();
    ApiTest::TearDown();
  }
  std::string ask(const std::string& path, const std::string& form) {
    const std::string answer = send("POST", door_->port(), path, form);
    EXPECT_EQ(status_of(answer), 200) << answer;
    return body_of(answer);
  }
  std::string user(const std::string& device, const std::string& password) {
    return ask("/user", "username=" + device + "&password=" + password +
                            "&vhost=%2F&client_id=meterlens-" + device);
  }
  metrics::Metrics metrics_;
  std::unique_ptr<BrokerDoor> door_;
};

TEST_F(BrokerDoorTest, ADeviceComesInWithItsOwnCredential) {
  EXPECT_EQ(user("m1", "p%2Bw%26%3D%25"), "allow");
  EXPECT_EQ(user("m1", "wrong"), "deny");
  EXPECT_EQ(user("m1", ""), "deny");
  EXPECT_EQ(user("m2", "p%2Bw%26%3D%25"), "deny");
  EXPECT_EQ(user("gone", ""), "deny");
  EXPECT_EQ(ask("/user", "username=m1&password=p%2Bw%26%3D%25"), "deny") << "AMQP";
  EXPECT_EQ(ask("/user", "username=m1&vhost=%2F&client_id=meterlens-m1"), "deny");
  EXPECT_EQ(metrics_.count(metrics::Count::broker_refusals), 6U);
}

// Somebody who guesses shuts nobody out.
TEST_F(BrokerDoorTest, ManyWrongPasswordsDoNotShutTheDeviceOut) {
  for (int i = 0; i < 200; ++i) ASSERT_EQ(user("m1", std::to_string(i)), "deny");
  EXPECT_EQ(user("m1", "p%2Bw%26%3D%25"), "allow");
}

TEST_F(BrokerDoorTest, WhatItMayDoIsJudgedByItsName) {
  const std::string mine = "username=m1&vhost=%2F&client_id=meterlens-m1";
  EXPECT_EQ(ask("/vhost", mine + "&ip=127.0.0.1&tags="), "allow");
  EXPECT_EQ(ask("/vhost", "username=m1&vhost=other&client_id=meterlens-m1"), "deny");
  EXPECT_EQ(ask("/resource", mine + "&resource=queue&permission=read&tags=&name="
                                    "mqtt-subscription-meterlens-m1qos1"), "allow");
  EXPECT_EQ(ask("/resource", mine + "&resource=queue&permission=read&name=meterlens.0"), "deny");
  const std::string topic = "username=m1&vhost=%2F&resource=topic&name=amq.topic&permission=";
  EXPECT_EQ(ask("/topic", topic + "write&routing_key=meterlens.m1.up"), "allow");
  EXPECT_EQ(ask("/topic", topic + "write&routing_key=meterlens.m2.up"), "deny");
  EXPECT_EQ(ask("/other", mine), "deny");
}

TEST_F(BrokerDoorTest, AnswersFormsThatArePosted) {
  EXPECT_EQ(ask("/user", "%zz=%"), "deny");
  EXPECT_EQ(ask("/user", ""), "deny");
  EXPECT_EQ(status_of(get(door_->port(), "/user?username=m1&password=x")), 405);
  EXPECT_EQ(status_of(send("POST", door_->port(), "/user", std::string(9'000, 'x'))), 413);
  const auto second = BrokerDoor::start({.port = door_->port()}, *store_, metrics_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find("[broker_door]"), std::string::npos);
}

TEST_F(BrokerDoorTest, InAFleetNamesWithADotAreRefused) {
  settings_.doors.names_have_no_dot = true;
  api_.reset();
  start();
  const std::string answer = post(port_, "/api/v1/devices/site.7/credential", "");
  EXPECT_EQ(status_of(answer), 400) << answer;
  EXPECT_NE(body_of(answer).find("no dot"), std::string::npos);
  const std::string made = post(port_, "/api/v1/products", R"({"name":"P1"})");
  const json registration{{"product", "P1"}, {"secret", json::parse(body_of(made))["secret"]},
                          {"device", "site.7"}, {"password", "0123456789abcdefghij"}};
  const std::string refused = post(port_, "/api/v1/registrations", registration.dump());
  EXPECT_EQ(status_of(refused), 400) << refused;
  EXPECT_EQ(status_of(post(port_, "/api/v1/devices/site-7/credential", "")), 201);
}

}  // namespace
}  // namespace meterlens::api
