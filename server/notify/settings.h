// What is told to whom, and what alarms are raised at. Plain values; every sink is off by default.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterlens::notify {

struct HomeAssistantSettings {
  bool enabled = false;
  std::string address;  // of the broker; empty: the server's own
  std::int64_t port = 1883;
  std::string user;
  std::string password;
  std::string ca_file;  // of a broker with TLS; empty: none
  std::string discovery_prefix = "homeassistant";
  std::string topic = "meterlens-home";  // first level of the state topics
  bool photos = true;
};

struct WebhookSettings {
  std::string name;  // letters, digits, '-' and '_'
  std::string url;
  std::string secret;  // empty: not signed
  bool readings = true;
  bool alarms = true;
  std::int64_t batch_max = 100;  // events in one request
  std::int64_t timeout_s = 10;
  std::string ca_file;
};

struct InfluxSettings {
  bool enabled = false;
  std::string url = "http://127.0.0.1:8086";
  std::int64_t version = 2;
  std::string org;
  std::string bucket = "meterlens";    // version 1: the database
  std::string token;
  std::string user;                    // version 1
  std::string password;
  std::string measurement = "meter";
  std::int64_t timeout_s = 10;
  std::string ca_file;
};

struct EmailSettings {
  bool enabled = false;
  std::string host = "127.0.0.1";
  std::int64_t port = 587;
  std::string tls = "starttls";  // starttls, tls or none
  std::string from;
  std::vector<std::string> to;
  std::string user;  // empty: no login
  std::string password;
  std::string ca_file;
  std::int64_t timeout_s = 30;
};

// 0 turns an alarm off.
struct AlarmSettings {
  bool leak = true;
  bool stuck = true;
  std::int64_t doubtful_percent = 50;  // of the newest `doubtful_photos` of a meter
  std::int64_t doubtful_photos = 20;
  std::int64_t silent_h = 26;
  std::int64_t missing_slots = 2;  // of a meter since its newest reading
  std::int64_t disk_free_mb = 1024;
  std::int64_t broker_s = 60;
  std::int64_t sink_m = 60;
  std::int64_t period_s = 5;  // between two looks
};

// Values for due times without a reading, made each night.
struct EstimateSettings {
  bool nightly = false;
  std::string method = "profile";  // or linear
  std::int64_t hour = 3;           // UTC
  std::int64_t wait_h = 24;        // for the photo, which may still come
};

struct Settings {
  HomeAssistantSettings home_assistant;
  std::vector<WebhookSettings> webhooks;
  InfluxSettings influxdb;
  EmailSettings email;
  AlarmSettings alarms;
  EstimateSettings estimates;
  std::int64_t retry_s_max = 300;
  std::int64_t backlog_max = 100'000;  // rows that a sink may be behind; older ones are dropped
};

}  // namespace meterlens::notify
