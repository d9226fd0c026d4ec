#include "server/ingest/queue_link.h"

#include <gtest/gtest.h>

#include "server/ingest/deliveries.h"

namespace meterlens::ingest {
namespace {

using Tags = std::vector<std::uint64_t>;

bool nobody(const std::string&) { return false; }

// All up to `upto` are to be acknowledged at once, and these.
void expect_settled(Deliveries& deliveries, std::uint64_t upto, const Tags& tags) {
  const auto settled = deliveries.take_settled();
  EXPECT_EQ(settled.upto, upto);
  EXPECT_EQ(settled.tags, tags);
}

TEST(QueueLink, ReadsAnAddressWithoutAPassword) {
  const auto node = parse_amqp("amqp://meterlens@mq1.example.net:5673/water");
  ASSERT_TRUE(node.has_value());
  EXPECT_EQ(node->host, "mq1.example.net");
  EXPECT_EQ(node->port, 5673);
  EXPECT_EQ(node->user, "meterlens");
  EXPECT_EQ(node->vhost, "water");
  EXPECT_EQ(parse_amqp("amqp://127.0.0.1/")->vhost, "/");
  EXPECT_EQ(parse_amqp("amqp://127.0.0.1")->user, "guest");
  EXPECT_FALSE(node->has_tls);
  const auto secure = parse_amqp("amqps://meterlens@mq1.example.net");
  ASSERT_TRUE(secure.has_value());
  EXPECT_TRUE(secure->has_tls);
  EXPECT_EQ(secure->port, 5671);
  EXPECT_EQ(secure->host, "mq1.example.net");
  EXPECT_EQ(parse_amqp("amqps://mq1:5673/")->port, 5673);
  for (const char* wrong : {"", "mq1", "amqp://", "amqp://u:secret@mq1/", "amqp://mq1:0/",
                            "amqp://mq1:99999/", "amqp://mq1:x/", "http://mq1/"})
    EXPECT_FALSE(parse_amqp(wrong).has_value()) << wrong;
  EXPECT_EQ(parse_amqp("amqp://u:secret@mq1/").error().find("secret"), std::string::npos);
}

TEST(QueueLink, NamesTopicsAsRabbitmqDoesAndBack) {
  EXPECT_EQ(topic_of_key("meterlens.m1.up"), "meterlens/m1/up");
  EXPECT_EQ(topic_of_key("meterlens.site.7.up"), "meterlens/site.7/up");
  EXPECT_EQ(topic_of_key("P1.d1.event"), "P1/d1/event");
  EXPECT_EQ(key_of_topic("meterlens/m1/down"), "meterlens.m1.down");
  for (const char* foreign : {"", "m1", "m1.up", ".up", "a..b"})
    EXPECT_EQ(topic_of_key(foreign).find("//"), std::string::npos) << foreign;
}

TEST(Deliveries, AreAcknowledgedOnceTheyAreDealtWith) {
  Deliveries deliveries;
  EXPECT_EQ(deliveries.add(11, 0, ""), 1U);
  EXPECT_EQ(deliveries.add(12, 1, ""), 2U);
  EXPECT_EQ(deliveries.add(13, 0, ""), 3U);
  deliveries.settled(2, nobody, 10);
  expect_settled(deliveries, 12, {});
  expect_settled(deliveries, 0, {});
  EXPECT_EQ(deliveries.count(0), 1U);
  EXPECT_EQ(deliveries.count(1), 0U);
}

TEST(Deliveries, OfAPhotoThatExistsNowhereElseAreHeld) {
  Deliveries deliveries;
  deliveries.add(11, 0, "d1");
  deliveries.add(12, 0, "d2");
  deliveries.add(13, 0, "");
  const auto d1 = [](const std::string& device) { return device == "d1"; };
  EXPECT_EQ(deliveries.settled(3, d1, 10), 0U);
  expect_settled(deliveries, 0, {12, 13});
  deliveries.settled(3, nobody, 10);
  expect_settled(deliveries, 11, {});
}

TEST(Deliveries, BehindOneThatIsHeldAreAcknowledgedOneByOne) {
  Deliveries deliveries;
  deliveries.add(11, 0, "");
  deliveries.add(12, 1, "d1");
  deliveries.add(13, 0, "");
  deliveries.add(14, 0, "");
  const auto d1 = [](const std::string& device) { return device == "d1"; };
  deliveries.settled(3, d1, 10);
  expect_settled(deliveries, 11, {13});
  // What somebody else has by now is not acknowledged with the others.
  EXPECT_EQ(deliveries.give_back(1), Tags{12});
  deliveries.settled(4, nobody, 10);
  expect_settled(deliveries, 14, {});
}

// Else half photos would fill the prefetch, and their other halves never come.
TEST(Deliveries, AreHeldOnlyUpToABound) {
  Deliveries deliveries;
  for (std::uint64_t tag = 1; tag <= 5; ++tag) deliveries.add(tag, 0, "d1");
  deliveries.add(6, 1, "d1");
  const auto all = [](const std::string&) { return true; };
  EXPECT_EQ(deliveries.settled(6, all, 3), 2U);
  expect_settled(deliveries, 2, {});
  EXPECT_EQ(deliveries.count(0), 3U);
  EXPECT_EQ(deliveries.count(1), 1U);
}

// Where one message comes at a time, the next one has to be asked for beside it.
TEST(Deliveries, SayWhichOfThemStayThoughTheyAreDealtWith) {
  Deliveries deliveries;
  const auto d1 = [](const std::string& device) { return device == "d1"; };
  EXPECT_FALSE(deliveries.is_held(0));
  const std::uint64_t open = deliveries.add(1, 0, "d1");
  const std::uint64_t whole = deliveries.add(2, 1, "d2");
  const std::uint64_t elsewhere = deliveries.add(3, 2, "d1");
  EXPECT_FALSE(deliveries.is_held(open)) << "not dealt with yet";
  deliveries.keep(2, true);
  deliveries.settled(elsewhere, d1, 3);
  EXPECT_TRUE(deliveries.is_held(open));
  EXPECT_FALSE(deliveries.is_held(whole));
  EXPECT_FALSE(deliveries.is_held(elsewhere)) << "somebody else shall have it";
  deliveries.settled(elsewhere, nobody, 3);
  EXPECT_FALSE(deliveries.is_held(open));
}

TEST(Deliveries, OfAQueueThatIsKeptAreNotAcknowledgedUntilItIsTakenAgain) {
  Deliveries deliveries;
  deliveries.add(11, 0, "");
  deliveries.add(12, 1, "");
  deliveries.add(13, 0, "d1");
  deliveries.keep(0, true);
  EXPECT_EQ(deliveries.settled(3, nobody, 0), 0U);
  expect_settled(deliveries, 0, {12});
  EXPECT_EQ(deliveries.give_back(0), (Tags{11, 13}));
  deliveries.add(14, 0, "");
  deliveries.settled(4, nobody, 10);
  expect_settled(deliveries, 0, {});
  EXPECT_EQ(deliveries.give_back(0), Tags{14}) << "a late one goes back, too";
  deliveries.keep(0, false);
  deliveries.add(15, 0, "");
  deliveries.settled(5, nobody, 10);
  expect_settled(deliveries, 15, {});
}

// A status that is lost would leave its device offline.
TEST(Deliveries, ThatAreSentOnAreAcknowledgedWhenTheyAreSent) {
  Deliveries deliveries;
  deliveries.send_on(11);
  deliveries.add(12, 0, "");
  deliveries.send_on(13);
  deliveries.settled(1, nobody, 10);
  expect_settled(deliveries, 0, {12});
  deliveries.sent_on({13});
  expect_settled(deliveries, 0, {13});
  deliveries.sent_on({11});
  expect_settled(deliveries, 11, {});
  deliveries.send_on(14);
  deliveries.forget();
  deliveries.sent_on({14});
  expect_settled(deliveries, 0, {});
}

TEST(Deliveries, GoBackByQueueAndAreForgottenWithTheConnection) {
  Deliveries deliveries;
  deliveries.add(1, 0, "");
  deliveries.add(2, 1, "");
  EXPECT_EQ(deliveries.give_back(0), Tags{1});
  EXPECT_EQ(deliveries.count(0), 0U);
  deliveries.settled(1, nobody, 10);
  expect_settled(deliveries, 0, {});
  deliveries.forget();
  deliveries.settled(2, nobody, 10);
  expect_settled(deliveries, 0, {});
  EXPECT_EQ(deliveries.add(3, 0, ""), 3U);
}

}  // namespace
}  // namespace meterlens::ingest
