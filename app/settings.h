// The settings of `meterlens`, their defaults, and the TOML file that may change them. Every key
// has a default, so no file is needed. One table in settings.cpp says name, meaning and range of
// each; `meterlens config` prints it. toml++ stays in settings*.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "server/notify/settings.h"

namespace meterlens::app {

struct Settings {
  std::string http_address = "127.0.0.1";
  std::int64_t http_port = 8080;

  bool broker_embedded = true;
  std::string broker_address = "127.0.0.1";
  std::int64_t broker_port = 1883;
  std::string broker_user;
  std::string broker_password_file;
  std::string broker_program;

  bool doors_required = false;
  std::int64_t doors_session_hours = 12;
  std::string doors_devices = "auto";

  std::string tls_http_certificate_file;
  std::string tls_http_key_file;
  std::string tls_mqtt_certificate_file;
  std::string tls_mqtt_key_file;
  std::string tls_mqtt_address;
  std::int64_t tls_mqtt_port = 8883;

  std::string storage_data_folder = "var";
  std::string storage_photo_folder = "public/images";
  std::int64_t storage_busy_timeout_ms = 5000;

  std::string store_url;
  std::string store_password_file;
  std::string store_replica_url;
  std::int64_t store_connections = 4;
  std::string store_photos;
  std::string store_photos_region = "us-east-1";
  std::string store_photos_keys_file;
  std::string store_photos_ca_file;

  std::string fleet_rabbitmq;
  std::string fleet_password_file;
  std::string fleet_worker;
  std::int64_t fleet_queues = 32;
  std::int64_t fleet_prefetch = 500;
  std::int64_t fleet_tries_max = 10;
  std::int64_t fleet_patience_s = 60;
  std::string fleet_metrics_address = "127.0.0.1";
  std::int64_t fleet_metrics_port = 0;

  std::int64_t retention_photo_days = 0;
  std::int64_t retention_reading_days = 0;
  std::int64_t retention_audit_days = 1'096;

  std::string update_public_keys_file;

  std::string reader_models_folder;
  std::int64_t reader_threads = 1;

  std::string console_folder;

  std::int64_t limits_device_commands_max = 8;
  std::int64_t limits_command_expire_s = 600;
  std::int64_t limits_photos_in_flight_max = 4096;
  std::int64_t limits_in_flight_mb_max = 256;
  std::int64_t limits_live_clients_max = 64;
  std::int64_t limits_http_connections_max = 256;

  std::string second_policy = "local";
  std::string second_keys_file;
  std::string second_base_url = "https://aip.baidubce.com";
  std::string second_endpoint = "/rest/2.0/ocr/v1/meter";
  std::string second_send = "window";
  std::int64_t second_sure_percent = 90;
  std::int64_t second_calls_per_second = 2;
  std::int64_t second_calls_per_day = 1000;
  std::string second_price = "0";
  std::string second_currency = "CNY";
  std::int64_t second_day_offset_min = 480;
  std::int64_t second_timeout_ms = 10'000;
  std::int64_t second_tries_max = 4;
  std::int64_t second_patience_s = 60;
  std::int64_t second_threads = 2;
  std::int64_t second_photos_max = 1000;

  std::int64_t upload_bytes_max = 8'388'608;
  std::int64_t upload_pixels_max = 50'000'000;

  std::int64_t capture_light_tries_max = 0;

  std::int64_t records_messages_max = 1000;
  std::int64_t records_message_days = 30;
  std::int64_t records_payload_bytes_max = 512;
  bool records_photo_data = false;
  std::int64_t records_health_every_s = 600;
  std::int64_t records_health_days = 730;

  std::string log_level = "info";

  notify::Settings notify;

  std::string fleet_ca_file;

  std::string broker_door_address = "127.0.0.1";
  std::int64_t broker_door_port = 0;

  std::int64_t flood_messages_per_s = 100;
  std::int64_t flood_burst = 20'000;
};

// The settings in `text`. The error names file, line and key, and what would be right.
// `file_name` is only for the error.
std::expected<Settings, std::string> parse_settings(const std::string& text,
                                                    const std::string& file_name);
std::expected<Settings, std::string> load_settings(const std::string& path);

// All keys with their defaults and meanings: a file that changes nothing.
std::string default_settings_text();

}  // namespace meterlens::app
