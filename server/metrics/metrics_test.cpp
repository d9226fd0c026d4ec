#include "server/metrics/metrics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace meterlens::metrics {
namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, ShowsEveryCountFromTheStart) {
  const Metrics metrics;
  const std::string text = metrics.text();
  EXPECT_TRUE(has_line(text, "meterlens_messages_received_total 0")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_http_errors_total 0")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_broker_connected 0")) << text;
  EXPECT_TRUE(has_line(text, "# TYPE meterlens_photos_stored_total counter")) << text;
}

TEST(Metrics, CountsSetsAndObserves) {
  Metrics metrics;
  metrics.add(Count::photos_stored);
  metrics.add(Count::photos_stored, 4);
  metrics.set(Gauge::photos_in_flight, 7);
  metrics.observe_read_ms(3);
  metrics.observe_read_ms(4);
  EXPECT_EQ(metrics.count(Count::photos_stored), 5U);
  EXPECT_EQ(metrics.count(Count::photos_refused), 0U);
  const std::string text = metrics.text();
  EXPECT_TRUE(has_line(text, "meterlens_photos_stored_total 5")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_photos_in_flight 7")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_read_ms_count 2")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_read_ms_sum 7")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_read_ms_bucket{le=\"2\"} 0")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_read_ms_bucket{le=\"5\"} 2")) << text;
}

TEST(Metrics, LabelsWhatSinksAndAlarmsSay) {
  Metrics metrics;
  metrics.add(SinkCount::delivered, "webhook.a\"b", 0);
  metrics.add(SinkCount::delivered, "webhook.a\"b", 2);
  metrics.add(SinkCount::failures, "email");
  metrics.set_backlog("email", 7);
  metrics.set_alarms_open("leak", 1);
  const std::string text = metrics.text();
  EXPECT_TRUE(has_line(text, "meterlens_notify_delivered_total{sink=\"webhook.a\\\"b\"} 2"))
      << text;
  EXPECT_TRUE(has_line(text, "meterlens_notify_failures_total{sink=\"email\"} 1")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_notify_backlog{sink=\"email\"} 7")) << text;
  EXPECT_TRUE(has_line(text, "meterlens_alarms_open{kind=\"leak\"} 1")) << text;
}

TEST(Metrics, LosesNothingBetweenThreads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) metrics.add(Count::packets_received);
      });
    }
  }
  EXPECT_EQ(metrics.count(Count::packets_received), 40'000U);
}

}  // namespace
}  // namespace meterlens::metrics
