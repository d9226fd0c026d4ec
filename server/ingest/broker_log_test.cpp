#include "server/ingest/broker_log.h"

#include <gtest/gtest.h>

namespace meterlens::ingest {
namespace {

struct LogCase {
  const char* line;
  const char* client;  // nullptr: about something else
  bool connected;
};

// Lines as mosquitto 2.0.11 writes them.
constexpr LogCase log_cases[] = {
    {"1795363894: New client connected from 127.0.0.1:42884 as PRODdev1 (p2, c1, k60).", "PRODdev1",
     true},
    {"1795363894: New client connected from 127.0.0.1:42884 as PRODdev1 (p2, c0, k300, u'x y').",
     "PRODdev1", true},
    {"New client connected from 127.0.0.1:1 as a (p2) b (p2, c1, k60).", "a (p2) b", true},
    {"1795363894: Client PRODdev1 disconnected.", "PRODdev1", false},
    {"1795363895: Client PRODdev2 closed its connection.", "PRODdev2", false},
    {"1795363895: Client PRODdev2 has exceeded timeout, disconnecting.", "PRODdev2", false},
    {"1795363895: Client PRODdev2 disconnected due to malformed packet.", "PRODdev2", false},
    {"1795363894: Client PRODdev2 already connected, closing old connection.", nullptr, false},
    {"1795363894: New connection from 127.0.0.1:42884 on port 18999.", nullptr, false},
    {"1795363894: New client connected from x", nullptr, false},
    {"New client connected from (p as ", nullptr, false},
    {"Client  disconnected.", nullptr, false},
    {"Client ", nullptr, false},
    {"", nullptr, false},
    {": ", nullptr, false},
};

TEST(BrokerLog, tells_who_came_and_went) {
  for (const LogCase& c : log_cases) {
    const auto change = parse_broker_log(c.line);
    ASSERT_EQ(change.has_value(), c.client != nullptr) << c.line;
    if (!change) continue;
    EXPECT_EQ(change->client_id, c.client) << c.line;
    EXPECT_EQ(change->connected, c.connected) << c.line;
  }
}

}  // namespace
}  // namespace meterlens::ingest
