#include "server/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <string_view>

#include "protocol/require.h"

namespace meterlens::metrics {
namespace {

struct Line {
  std::string_view name;
  std::string_view help;
};

// In the order of the enumerations.
constexpr std::array counts{
    Line{"messages_received", "MQTT messages that came in"},
    Line{"messages_foreign_topic", "Messages on a topic that is no device's"},
    Line{"messages_too_long", "Messages longer than any that a device sends"},
    Line{"messages_dropped_queue_full", "Messages dropped because the server was behind"},
    Line{"frames_too_short", "Native frames shorter than a header and its checksum"},
    Line{"frames_wrong_version", "Native frames of another version"},
    Line{"frames_wrong_length", "Native frames whose length field does not fit"},
    Line{"frames_wrong_checksum", "Native frames with a wrong CRC-32"},
    Line{"frames_unknown_type", "Native frames of an unknown type"},
    Line{"frames_malformed", "Native frames with a field out of range"},
    Line{"frames_unexpected", "Native frames that only a server sends"},
    Line{"smartdtu_not_json", "SmartDTU events that are not JSON"},
    Line{"smartdtu_wrong_shape", "SmartDTU JSON of an unknown shape or type"},
    Line{"smartdtu_text_dropped", "Bytes of SmartDTU text that never became JSON"},
    Line{"packets_received", "Photo packets that came in"},
    Line{"packets_doubled", "Photo packets that were there already"},
    Line{"packets_unoffered", "Photo packets of a photo that was not offered"},
    Line{"packets_wrong_size", "Photo packets of a wrong size or number"},
    Line{"photos_stored", "Photos stored whole"},
    Line{"photos_quarantined", "Photos kept that could not be proven whole"},
    Line{"photos_doubled", "Photos offered that were stored already"},
    Line{"photos_stale", "Old photos that came under a new name"},
    Line{"photos_refused", "Photos refused: empty, too large, or no room"},
    Line{"photos_forgotten", "Partial photos forgotten after a time-out"},
    Line{"photos_wrong_hash", "Photos whose bytes did not fit their SHA-256"},
    Line{"readings_accepted", "Readings accepted"},
    Line{"readings_doubtful", "Readings kept for review"},
    Line{"readings_rejected", "Photos on which nothing could be read"},
    Line{"captures_scheduled", "Captures that schedules ordered"},
    Line{"captures_missed", "Captures of schedules that could not be ordered in time"},
    Line{"commands_created", "Commands created"},
    Line{"commands_finished", "Commands that ended with a reading or a photo"},
    Line{"commands_failed", "Commands that failed"},
    Line{"commands_expired", "Commands that were not answered in time"},
    Line{"store_errors", "Database calls that failed"},
    Line{"http_requests", "HTTP requests"},
    Line{"http_errors", "HTTP requests answered with 4xx or 5xx"},
    Line{"updates_created", "Remote updates ordered"},
    Line{"updates_confirmed", "Remote updates whose new program reported in"},
    Line{"updates_failed", "Remote updates refused or failed"},
    Line{"update_packets_sent", "Packets of images sent to devices"},
    Line{"second_calls", "Requests sent to the second reader"},
    Line{"second_billed", "Of them, answered with a result, which is paid for"},
    Line{"second_unanswered", "Photos for which the second reader had no number"},
    Line{"photos_uploaded", "Photos that people sent"},
    Line{"light_tries", "Photos taken once more with other light"},
    Line{"packets_of_disabled", "Packets dropped because their device is disabled"},
    Line{"messages_not_recorded", "Messages that the record had no room for"},
    Line{"broker_refusals", "What devices wanted at RabbitMQ and were refused"},
    Line{"messages_over_rate", "Messages dropped because their device sent too many"},
    Line{"slots_missing", "Due readings of meters that did not come in time"},
    Line{"slots_late", "Of them, those that came later"},
    Line{"readings_estimated", "Values that the server has estimated by itself"},
};
static_assert(counts.size() == static_cast<std::size_t>(Count::count_of));

constexpr std::array gauges{
    Line{"devices_online", "Devices that are online"},
    Line{"photos_in_flight", "Photos being received"},
    Line{"photos_in_flight_bytes", "Bytes held for photos being received"},
    Line{"photos_to_read", "Stored photos waiting for the reader"},
    Line{"broker_connected", "1 when the MQTT broker is connected"},
    Line{"messages_poisoned", "Messages that lie in RabbitMQ's queue meterlens.poison"},
};
static_assert(gauges.size() == static_cast<std::size_t>(Gauge::count_of));

constexpr std::array sink_counts{
    Line{"notify_delivered", "News that a sink has taken"},
    Line{"notify_failures", "Tries to tell a sink that failed"},
    Line{"notify_refused", "News that a sink refused for good"},
    Line{"notify_dropped", "News dropped because a sink was away for too long"},
};
static_assert(sink_counts.size() == static_cast<std::size_t>(SinkCount::count_of));

std::string full_name(std::string_view name, std::string_view ending) {
  return "meterlens_" + std::string(name) + std::string(ending);
}

}  // namespace

struct Metrics::Registry {
  prometheus::Registry registry;
  std::array<prometheus::Counter*, counts.size()> count{};
  std::array<prometheus::Gauge*, gauges.size()> gauge{};
  prometheus::Histogram* read_ms = nullptr;
  std::array<prometheus::Family<prometheus::Counter>*, sink_counts.size()> sink{};
  prometheus::Family<prometheus::Gauge>* backlog = nullptr;
  prometheus::Family<prometheus::Gauge>* alarms_open = nullptr;

  void add_families();
};

void Metrics::Registry::add_families() {
  for (std::size_t i = 0; i < sink_counts.size(); ++i) {
    sink[i] = &prometheus::BuildCounter()
                   .Name(full_name(sink_counts[i].name, "_total"))
                   .Help(std::string(sink_counts[i].help))
                   .Register(registry);
  }
  backlog = &prometheus::BuildGauge()
                 .Name("meterlens_notify_backlog")
                 .Help("News that a sink has not been told yet")
                 .Register(registry);
  alarms_open = &prometheus::BuildGauge()
                     .Name("meterlens_alarms_open")
                     .Help("Alarms whose cause has not ended")
                     .Register(registry);
}

Metrics::Metrics() : registry_(std::make_unique<Registry>()) {
  auto& all = registry_->registry;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    registry_->count[i] = &prometheus::BuildCounter()
                               .Name(full_name(counts[i].name, "_total"))
                               .Help(std::string(counts[i].help))
                               .Register(all)
                               .Add({});
  }
  for (std::size_t i = 0; i < gauges.size(); ++i) {
    registry_->gauge[i] = &prometheus::BuildGauge()
                               .Name(full_name(gauges[i].name, ""))
                               .Help(std::string(gauges[i].help))
                               .Register(all)
                               .Add({});
  }
  registry_->add_families();
  registry_->read_ms =
      &prometheus::BuildHistogram()
           .Name("meterlens_read_ms")
           .Help("Milliseconds to read one photo")
           .Register(all)
           .Add({}, prometheus::Histogram::BucketBoundaries{1, 2, 5, 10, 20, 50, 100, 200, 500,
                                                            1000, 2000, 5000});
}

Metrics::~Metrics() = default;

void Metrics::add(Count what, std::uint64_t by) {
  protocol::require(what < Count::count_of);
  registry_->count[static_cast<std::size_t>(what)]->Increment(static_cast<double>(by));
}

std::uint64_t Metrics::count(Count what) const {
  protocol::require(what < Count::count_of);
  return static_cast<std::uint64_t>(registry_->count[static_cast<std::size_t>(what)]->Value());
}

void Metrics::set(Gauge what, double value) {
  protocol::require(what < Gauge::count_of);
  registry_->gauge[static_cast<std::size_t>(what)]->Set(value);
}

void Metrics::add(SinkCount what, const std::string& sink, std::uint64_t by) {
  protocol::require(what < SinkCount::count_of);
  registry_->sink[static_cast<std::size_t>(what)]->Add({{"sink", sink}}).Increment(
      static_cast<double>(by));
}

void Metrics::set_backlog(const std::string& sink, double count) {
  registry_->backlog->Add({{"sink", sink}}).Set(count);
}

void Metrics::set_alarms_open(const std::string& kind, double count) {
  registry_->alarms_open->Add({{"kind", kind}}).Set(count);
}

void Metrics::observe_read_ms(double ms) { registry_->read_ms->Observe(ms); }

std::string Metrics::text() const {
  return prometheus::TextSerializer().Serialize(registry_->registry.Collect());
}

}  // namespace meterlens::metrics
