#include "server/notify/notify.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "server/notify/email.h"
#include "server/notify/home_assistant.h"
#include "server/notify/influx.h"
#include "server/notify/webhook.h"

namespace meterlens::notify {

Notify::Notify(const Settings& settings, Senses senses, const std::string& version,
               const std::string& host, store::Store& store, metrics::Metrics& metrics) {
  RunnerLimits limits;
  limits.retry_ms_max = settings.retry_s_max * 1000;
  limits.backlog_max = settings.backlog_max;
  limits.leads = senses.leads;
  if (settings.home_assistant.enabled) {
    const std::string name = "home_assistant";
    add(name, make_home_assistant(settings.home_assistant, name, version, store, senses.read_file),
        limits, store, metrics);
  }
  for (const WebhookSettings& webhook : settings.webhooks)
    add("webhook." + webhook.name, make_webhook(webhook, store), limits, store, metrics);
  if (settings.influxdb.enabled)
    add("influxdb", make_influx(settings.influxdb, store), limits, store, metrics);
  if (settings.email.enabled)
    add("email", make_email(settings.email, host), limits, store, metrics);
  senses.sinks = [this] { return status(); };
  watcher_ = std::make_unique<Watcher>(settings.alarms, std::move(senses), store, metrics,
                                       settings.estimates);
  for (const auto& runner : runners_) runner->start();
  watcher_->start();
}

Notify::~Notify() {
  watcher_->stop();
  for (const auto& runner : runners_) runner->stop();
}

void Notify::add(const std::string& name, std::unique_ptr<Sink> sink, const RunnerLimits& limits,
                 store::Store& store, metrics::Metrics& metrics) {
  runners_.push_back(std::make_unique<Runner>(name, std::move(sink), limits, store, metrics));
}

std::vector<SinkStatus> Notify::status() const {
  std::vector<SinkStatus> out;
  for (const auto& runner : runners_) out.push_back(runner->status());
  return out;
}

std::optional<Sent> Notify::test(const std::string& sink) {
  const auto found = std::ranges::find(runners_, sink, [](const auto& runner) {
    return runner->name();
  });
  if (found == runners_.end()) return {};
  return (*found)->test();
}

}  // namespace meterlens::notify
