#include "server/api/worker_door.h"

#include <gtest/gtest.h>

#include "server/api/raw_client.h"

namespace meterlens::api {
namespace {

using test::body_of;
using test::get;
using test::status_of;

TEST(WorkerDoor, HasMetricsAndHealthAndNothingElse) {
  metrics::Metrics metrics;
  metrics.add(metrics::Count::photos_stored, 3);
  bool connected = true;
  std::string fault;
  auto door = WorkerDoor::start("127.0.0.1", 0, "9.9", metrics,
                                {[&] { return connected; }, [&] { return fault; }});
  ASSERT_TRUE(door) << door.error();
  const auto port = (*door)->port();
  EXPECT_NE(body_of(get(port, "/metrics")).find("\nmeterlens_photos_stored_total 3\n"),
            std::string::npos);
  EXPECT_EQ(status_of(get(port, "/health")), 200);
  EXPECT_NE(body_of(get(port, "/health")).find("9.9"), std::string::npos);
  fault = "the disk is full";
  EXPECT_EQ(status_of(get(port, "/health")), 503);
  EXPECT_NE(body_of(get(port, "/health")).find("the disk is full"), std::string::npos);
  fault.clear();
  connected = false;
  EXPECT_EQ(status_of(get(port, "/health")), 503);
  EXPECT_EQ(status_of(get(port, "/api/v1/devices")), 404);
  EXPECT_EQ(status_of(get(port, "/")), 404);

  const auto second = WorkerDoor::start("127.0.0.1", port, "9.9", metrics, {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().find(std::to_string(port)), std::string::npos) << second.error();
}

}  // namespace
}  // namespace meterlens::api
