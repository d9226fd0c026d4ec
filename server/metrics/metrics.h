// The counters and gauges of the whole server, shown by GET /metrics in Prometheus' text format.
// Thread-safe and cheap (an atomic each); prometheus-cpp stays in metrics.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace meterlens::metrics {

// Each is `meterlens_<name>_total`; a table in metrics.cpp has the help of each. Add at the end.
enum class Count : std::uint8_t {
  messages_received, messages_foreign_topic, messages_too_long, messages_dropped_queue_full,
  frames_too_short, frames_wrong_version, frames_wrong_length, frames_wrong_checksum,
  frames_unknown_type, frames_malformed, frames_unexpected,
  smartdtu_not_json, smartdtu_wrong_shape, smartdtu_text_dropped,
  packets_received, packets_doubled, packets_unoffered, packets_wrong_size,
  photos_stored, photos_quarantined, photos_doubled, photos_stale, photos_refused,
  photos_forgotten, photos_wrong_hash,
  readings_accepted, readings_doubtful, readings_rejected,
  captures_scheduled, captures_missed,
  commands_created, commands_finished, commands_failed, commands_expired,
  store_errors, http_requests, http_errors,
  updates_created, updates_confirmed, updates_failed, update_packets_sent,
  second_calls, second_billed, second_unanswered, photos_uploaded, light_tries,
  packets_of_disabled, messages_not_recorded,
  broker_refusals, messages_over_rate,
  slots_missing, slots_late, readings_estimated,
  count_of,
};
enum class Gauge : std::uint8_t {
  devices_online, photos_in_flight, photos_in_flight_bytes, photos_to_read, broker_connected,
  messages_poisoned,
  count_of,
};

// Of each sink that is told something, labelled with its name: `meterlens_notify_<name>_total`.
enum class SinkCount : std::uint8_t { delivered, failures, refused, dropped, count_of };

class Metrics {
 public:
  Metrics();
  ~Metrics();
  void add(Count what, std::uint64_t by = 1);
  std::uint64_t count(Count what) const;
  void set(Gauge what, double value);
  void add(SinkCount what, const std::string& sink, std::uint64_t by = 1);
  // What a sink has not been told yet.
  void set_backlog(const std::string& sink, double count);
  void set_alarms_open(const std::string& kind, double count);
  // Reader time and ingest delay, for averages.
  void observe_read_ms(double ms);
  std::string text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace meterlens::metrics
