// News and alarms as JSON text, as webhooks and the API give them (openapi.yaml has the shapes).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "server/notify/runner.h"
#include "server/store/news.h"

namespace meterlens::notify {

// "review-45": the same piece of news has the same name for ever.
std::string news_id(const store::News& news);
// {"sink":..,"sent_ms":..,"events":[..]}; meters give units and factors, by name of `news`.
std::string news_json(const std::string& sink, std::span<const store::News> news,
                      std::span<const validate::Meter> meters, std::int64_t sent_ms);
// {"sink":..,"sent_ms":..,"test":true,"events":[]}
std::string test_json(const std::string& sink, std::int64_t sent_ms);

std::string alarm_json(const store::Alarm& alarm);
// `has_more`: "next" is the cursor of the following page.
std::string alarms_json(const std::vector<store::Alarm>& alarms, bool has_more);
std::string sinks_json(const std::vector<SinkStatus>& sinks);
std::string sent_json(const std::string& sink, const Sent& sent);

}  // namespace meterlens::notify
