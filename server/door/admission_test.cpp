#include "server/door/admission.h"

#include <gtest/gtest.h>

namespace meterlens::door {
namespace {

Question with(Question question, const std::string& name, const std::string& value) {
  question[name] = value;
  return question;
}

const Question user{{"username", "m1"}, {"vhost", "/"}, {"client_id", "meterlens-m1"}};

TEST(Admission, IsOfDevicesOverMqttInOneVirtualHost) {
  EXPECT_TRUE(is_device_question(user, "/"));
  EXPECT_FALSE(is_device_question(user, "water"));
  EXPECT_FALSE(is_device_question(with(user, "username", ""), "/"));
  EXPECT_FALSE(is_device_question(with(user, "username", ".server"), "/"));
  EXPECT_FALSE(is_device_question({{"username", "m1"}, {"vhost", "/"}}, "/")) << "AMQP";
  EXPECT_FALSE(is_device_question(with(with(user, "username", "a.b"), "client_id", "a.b"), "/"));
}

// Else one device could push another one out.
TEST(Admission, AClientIdIsTheDevicesOwn) {
  for (const char* mine : {"m1", "meterlens-m1", "PROD01m1"})
    EXPECT_TRUE(is_client_of(mine, "m1")) << mine;
  for (const char* others : {"", "m2", "meterlens-m2", "m1x", "meterlensm1", "meterlens-xm1",
                             "a/m1", "a.m1", "meterlens--m1"})
    EXPECT_FALSE(is_client_of(others, "m1")) << others;
}

TEST(Admission, ResourcesAreTheSubscriptionsQueuesAndTheExchange) {
  const Question queue = with(with(user, "resource", "queue"), "permission", "configure");
  EXPECT_TRUE(may_use_resource(with(queue, "name", "mqtt-subscription-meterlens-m1qos0")));
  EXPECT_TRUE(may_use_resource(with(queue, "name", "mqtt-subscription-meterlens-m1qos1")));
  for (const char* foreign : {"", "meterlens.0", "meterlens.poison", "mqtt-subscription-m2qos1",
                              "mqtt-subscription-meterlens-m1", "mqtt-subscription-m1qos1"})
    EXPECT_FALSE(may_use_resource(with(queue, "name", foreign))) << foreign;
  const Question exchange = with(with(user, "resource", "exchange"), "name", "amq.topic");
  EXPECT_TRUE(may_use_resource(with(exchange, "permission", "write")));
  EXPECT_TRUE(may_use_resource(with(exchange, "permission", "read")));
  EXPECT_FALSE(may_use_resource(with(exchange, "permission", "configure")));
  const Question other = with(exchange, "name", "meterlens.devices");
  EXPECT_FALSE(may_use_resource(with(other, "permission", "write")));
}

TEST(Admission, TopicsAreTheDevicesOwnInBothDialects) {
  const Question topic{{"username", "m1"}, {"name", "amq.topic"}, {"permission", "write"}};
  for (const char* mine : {"meterlens.m1.up", "meterlens.m1.status", "P1.m1.event"}) {
    EXPECT_TRUE(may_use_topic(with(topic, "routing_key", mine))) << mine;
    EXPECT_FALSE(may_use_topic(with(with(topic, "routing_key", mine), "permission", "read")));
  }
  for (const char* down : {"meterlens.m1.down", "P1.m1.control"}) {
    EXPECT_TRUE(may_use_topic(with(with(topic, "routing_key", down), "permission", "read")));
    EXPECT_FALSE(may_use_topic(with(topic, "routing_key", down))) << down;
  }
  for (const char* foreign : {"", "meterlens.m2.up", "meterlens.m1", "m1.up", "meterlens.x.m1.up",
                              "meterlens.m1.up.x", "#", "meterlens.*.up", "a.b.m1.event"})
    EXPECT_FALSE(may_use_topic(with(topic, "routing_key", foreign))) << foreign;
  EXPECT_FALSE(may_use_topic(with(with(topic, "routing_key", "meterlens.m1.up"), "name",
                                  "meterlens.devices")));
  const Question dotted = with(with(topic, "username", "a.b"), "routing_key", "meterlens.a.b.up");
  EXPECT_FALSE(may_use_topic(dotted));
}

}  // namespace
}  // namespace meterlens::door
