#include "app/settings.h"

#include <fmt/format.h>

#include "app/settings_notify.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

namespace meterlens::app {
namespace {

using Field = std::variant<bool Settings::*, std::int64_t Settings::*, std::string Settings::*>;

struct Key {
  const char* table;
  const char* name;
  Field field;
  const char* meaning;
  std::int64_t min = 0;  // of a number
  std::int64_t max = 0;
  const char* one_of = "";  // of a text: "a|b|c"; empty: any
};

using S = Settings;

constexpr std::array all_keys{
    Key{"http", "address", &S::http_address,
        "where the console and the API listen; 127.0.0.1: only this machine"},
    Key{"http", "port", &S::http_port, "", 1, 65535},
    Key{"broker", "embedded", &S::broker_embedded,
        "true: start and guard a mosquitto of our own; false: use the one at address:port"},
    Key{"broker", "address", &S::broker_address,
        "embedded: where the broker listens for DTUs; else the broker's host"},
    Key{"broker", "port", &S::broker_port, "", 1, 65535},
    Key{"broker", "user", &S::broker_user, "of an external broker; empty: none"},
    Key{"broker", "password_file", &S::broker_password_file,
        "file whose first line is the password of an external broker"},
    Key{"broker", "program", &S::broker_program,
        "the mosquitto to start; empty: the one that is installed"},
    Key{"doors", "required", &S::doors_required,
        "true: users log in also where only this machine can ask; beyond that they always must"},
    Key{"doors", "session_hours", &S::doors_session_hours,
        "a session that was not used so long has ended", 1, 8760},
    Key{"doors", "devices", &S::doors_devices,
        "who may connect to the embedded broker; credentials: devices that have one, each to its "
        "own topics; open: everybody; auto: credentials when it listens beyond this machine; ",
        0, 0, "auto|open|credentials"},
    Key{"tls", "http_certificate_file", &S::tls_http_certificate_file,
        "PEM files of the certificate (with those between it and the root) and its key; empty: "
        "HTTP without TLS"},
    Key{"tls", "http_key_file", &S::tls_http_key_file, ""},
    Key{"tls", "mqtt_certificate_file", &S::tls_mqtt_certificate_file,
        "the same for a second listener of the embedded broker; empty: none"},
    Key{"tls", "mqtt_key_file", &S::tls_mqtt_key_file, ""},
    Key{"tls", "mqtt_address", &S::tls_mqtt_address,
        "where that one listens; empty: at [broker] address"},
    Key{"tls", "mqtt_port", &S::tls_mqtt_port, "", 1, 65535},
    Key{"storage", "data_folder", &S::storage_data_folder,
        "database, quarantined photos and the broker's files; relative to the working directory"},
    Key{"storage", "photo_folder", &S::storage_photo_folder,
        "photos; relative to the working directory"},
    Key{"storage", "busy_timeout_ms", &S::storage_busy_timeout_ms,
        "how long a write waits when another program holds the database, or its server is gone", 0,
        60'000},
    Key{"store", "url", &S::store_url,
        "PostgreSQL 15 or newer, like postgresql://meterlens@db.example.net/meterlens, without the "
        "password; empty: SQLite in storage.data_folder"},
    Key{"store", "password_file", &S::store_password_file,
        "file whose first line is that database's password, readable by its owner only; empty: the "
        "environment variable PGPASSWORD, or ~/.pgpass"},
    Key{"store", "replica_url", &S::store_replica_url,
        "a standby of that database, which then answers lists of photos, readings and messages "
        "while it is at most 10 s behind; the same password; empty: none"},
    Key{"store", "connections", &S::store_connections,
        "for reading at the same time, as many again to the replica; one more writes", 1, 64},
    Key{"store", "photos", &S::store_photos,
        "new photos in an S3 bucket, like s3:https://s3.example.net/bucket/prefix; empty or file: "
        "in storage.photo_folder"},
    Key{"store", "photos_region", &S::store_photos_region, "of the bucket, for signatures"},
    Key{"store", "photos_keys_file", &S::store_photos_keys_file,
        "two lines, key id and secret, readable by its owner only; empty: METERLENS_S3_KEY and "
        "METERLENS_S3_SECRET of the environment"},
    Key{"store", "photos_ca_file", &S::store_photos_ca_file,
        "PEM file that judges the store's certificate; empty: the system's"},
    Key{"fleet", "rabbitmq", &S::fleet_rabbitmq,
        "RabbitMQ's nodes, parted by spaces, like amqp://meterlens@mq1.example.net:5672/, without "
        "the password; empty: one machine, no fleet"},
    Key{"fleet", "password_file", &S::fleet_password_file,
        "file whose first line is RabbitMQ's password, readable by its owner only; empty: the "
        "environment variable METERLENS_AMQP_PASSWORD"},
    Key{"fleet", "worker", &S::fleet_worker,
        "this worker's name, no other's; empty: the machine's name and the process's number"},
    Key{"fleet", "queues", &S::fleet_queues,
        "that the devices are parted into, the same for all, never changed while devices send", 1,
        1024},
    Key{"fleet", "prefetch", &S::fleet_prefetch,
        "messages of a queue that a worker has and that are not acknowledged", 10, 10'000},
    Key{"fleet", "tries_max", &S::fleet_tries_max,
        "a message whose worker has died so often lies in the queue meterlens.poison", 1, 1000},
    Key{"fleet", "patience_s", &S::fleet_patience_s,
        "how long the start waits for RabbitMQ and PostgreSQL", 1, 3600},
    Key{"fleet", "ca_file", &S::fleet_ca_file,
        "PEM file that judges the certificates of nodes with amqps://; empty: the system's"},
    Key{"fleet", "metrics_address", &S::fleet_metrics_address,
        "an IP address where a worker answers /metrics and /health, to whoever asks there"},
    Key{"fleet", "metrics_port", &S::fleet_metrics_port,
        "of it; 0: none. Workers on one machine each need one: --metrics-port", 0, 65535},
    Key{"broker_door", "address", &S::broker_door_address,
        "where RabbitMQ asks a server for devices' credentials; they cross it without TLS"},
    Key{"broker_door", "port", &S::broker_door_port, "0: closed", 0, 65535},
    Key{"flood", "messages_per_s", &S::flood_messages_per_s,
        "of one device, of up to 1024 bytes; a worker drops what is more", 1, 100'000},
    Key{"flood", "burst", &S::flood_burst, "so many more may come at once", 100, 10'000'000},
    Key{"retention", "photo_days", &S::retention_photo_days,
        "photos that arrived so long ago are removed, unless they are unread or the evidence of an "
        "accepted reading; 0: none", 0, 36'500},
    Key{"retention", "reading_days", &S::retention_reading_days,
        "readings shot so long ago are removed, but not the newest accepted one of a meter, nor "
        "those of an exchange; 0: none", 0, 36'500},
    Key{"retention", "audit_days", &S::retention_audit_days,
        "what was written down of changes and log-ins so long ago is removed; 0: none", 0, 36'500},
    Key{"update", "public_keys_file", &S::update_public_keys_file,
        "file of public keys, one a line, as `meterlens image key` makes them; images that none of "
        "them has signed are refused"},
    Key{"reader", "models_folder", &S::reader_models_folder,
        "the reader's models; empty: beside the program or /usr/share/meterlens/models"},
    Key{"reader", "threads", &S::reader_threads, "photos read at the same time", 1, 64},
    Key{"console", "folder", &S::console_folder,
        "the built console; empty: beside the program or /usr/share/meterlens/console"},
    Key{"limits", "device_commands_max", &S::limits_device_commands_max,
        "commands waiting for one device; more are refused", 1, 1000},
    Key{"limits", "command_expire_s", &S::limits_command_expire_s,
        "a command that waited for its device so long expires", 1, 604'800},
    Key{"limits", "photos_in_flight_max", &S::limits_photos_in_flight_max,
        "photos being received at the same time; more are told to come later", 1, 1'000'000},
    Key{"limits", "in_flight_mb_max", &S::limits_in_flight_mb_max,
        "memory for photos being received, MiB", 4, 65'536},
    Key{"limits", "live_clients_max", &S::limits_live_clients_max,
        "pages with live updates", 1, 10'000},
    Key{"limits", "http_connections_max", &S::limits_http_connections_max,
        "HTTP connections in all", 1, 10'000},
    Key{"second", "policy", &S::second_policy,
        "of meters without a policy of their own; what is not local costs money and sends pictures "
        "of meters to Baidu; ", 0, 0, "local|baidu|local-then-baidu|both-must-agree"},
    Key{"second", "keys_file", &S::second_keys_file,
        "two lines, API key and secret key, readable by its owner only; empty: METERLENS_BAIDU_KEY "
        "and METERLENS_BAIDU_SECRET of the environment"},
    Key{"second", "base_url", &S::second_base_url, "https, or http on this machine"},
    Key{"second", "endpoint", &S::second_endpoint, ""},
    Key{"second", "send", &S::second_send,
        "the register's window with a margin, where the local reader found it, or the whole "
        "photo; ", 0, 0, "window|photo"},
    Key{"second", "sure_percent", &S::second_sure_percent,
        "confidence from which its number is believed alone", 50, 100},
    Key{"second", "calls_per_second", &S::second_calls_per_second, "", 1, 100},
    Key{"second", "calls_per_day", &S::second_calls_per_day,
        "answered calls a day, then none until the next", 0, 100'000'000},
    Key{"second", "price", &S::second_price, "of an answered call, up to 6 decimals: \"0.005\""},
    Key{"second", "currency", &S::second_currency, ""},
    Key{"second", "day_offset_min", &S::second_day_offset_min,
        "the provider's day begins so many minutes before UTC's", -720, 840},
    Key{"second", "timeout_ms", &S::second_timeout_ms, "of one request", 100, 120'000},
    Key{"second", "tries_max", &S::second_tries_max, "for one photo", 1, 10},
    Key{"second", "patience_s", &S::second_patience_s, "for one photo, in all", 1, 600},
    Key{"second", "threads", &S::second_threads, "photos asked about at the same time", 1, 16},
    Key{"second", "photos_max", &S::second_photos_max,
        "photos that wait for it; for further ones the local result stands", 1, 100'000},
    Key{"upload", "bytes_max", &S::upload_bytes_max, "of a photo that a person sends", 1024,
        16'777'216},
    Key{"upload", "pixels_max", &S::upload_pixels_max, "", 10'000, 64'000'000},
    Key{"capture", "light_tries_max", &S::capture_light_tries_max,
        "photos taken once more with other light when an ordered one is dark, glaring or blurred; "
        "0: none", 0, 3},
    Key{"records", "messages_max", &S::records_messages_max,
        "messages kept of each device, the newest; 0: none are recorded", 0, 1'000'000},
    Key{"records", "message_days", &S::records_message_days, "older ones are deleted", 1, 3650},
    Key{"records", "payload_bytes_max", &S::records_payload_bytes_max,
        "kept of a message's payload", 0, 16'384},
    Key{"records", "photo_data", &S::records_photo_data,
        "true: also the messages that carry pieces of photos and images"},
    Key{"records", "health_every_s", &S::records_health_every_s,
        "a device's signal, uptime, queue and errors are kept once in so long", 10, 21'600},
    Key{"records", "health_days", &S::records_health_days, "older ones are deleted", 1, 36'500},
    Key{"log", "level", &S::log_level, "", 0, 0, "debug|info|warn|error"},
};

// The edit distance of two short words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// "[http] port": the known key that is nearest to what was written.
std::string nearest_key(std::string_view table, std::string_view name) {
  const auto far = [&](const Key& key) {
    return 2 * distance(name, key.name) + (table == key.table ? 0 : 1 + distance(table, key.table));
  };
  const auto& key = *std::ranges::min_element(all_keys, {}, far);
  return fmt::format("{} in [{}]", key.name, key.table);
}

std::string nearest_table(std::string_view table) {
  const auto far = [&](const Key& key) { return distance(table, key.table); };
  return fmt::format("[{}]", std::ranges::min_element(all_keys, {}, far)->table);
}

bool is_one_of(std::string_view text, std::string_view allowed) {
  if (allowed.empty()) return true;
  const std::string all = fmt::format("|{}|", allowed);
  return text.find('|') == std::string_view::npos &&
         all.find(fmt::format("|{}|", text)) != std::string::npos;
}

// Puts the value where it belongs; the error when it is of another type or out of range.
std::optional<std::string> assign(Settings& settings, const Key& key, const toml::node& node) {
  if (const auto* flag = std::get_if<bool Settings::*>(&key.field)) {
    if (!node.is_boolean()) return "must be true or false";
    settings.*(*flag) = **node.as_boolean();
    return {};
  }
  if (const auto* number = std::get_if<std::int64_t Settings::*>(&key.field)) {
    const bool fits = node.is_integer() && **node.as_integer() >= key.min &&
                      **node.as_integer() <= key.max;
    if (!fits) return fmt::format("must be a whole number from {} to {}", key.min, key.max);
    settings.*(*number) = **node.as_integer();
    return {};
  }
  if (!node.is_string()) return "must be a text in quotation marks";
  const std::string& text = **node.as_string();
  if (!is_one_of(text, key.one_of)) return fmt::format("must be one of {}", key.one_of);
  if (text.find('\0') != std::string::npos) return "must not have a zero byte";
  settings.*std::get<std::string Settings::*>(key.field) = text;
  return {};
}

std::optional<std::string> read_table(Settings& settings, std::string_view table,
                                      const toml::table& entries, const std::string& file_name) {
  for (const auto& [name, node] : entries) {
    const auto is_it = [&](const Key& key) { return table == key.table && name.str() == key.name; };
    const auto key = std::ranges::find_if(all_keys, is_it);
    if (key == all_keys.end()) {
      return fmt::format("{}: unknown key {} in [{}]; the nearest known key is {}",
                         at(node, file_name), name.str(), table, nearest_key(table, name.str()));
    }
    if (const auto wrong = assign(settings, *key, node)) {
      return fmt::format("{}: {} in [{}] {}", at(node, file_name), name.str(), table, *wrong);
    }
  }
  return {};
}

std::string value_text(const Settings& settings, const Key& key) {
  return std::visit([&](auto field) {
    if constexpr (std::is_same_v<decltype(field), std::string Settings::*>) {
      return fmt::format("\"{}\"", settings.*field);
    } else {
      return fmt::format("{}", settings.*field);
    }
  }, key.field);
}

}  // namespace

std::expected<Settings, std::string> parse_settings(const std::string& text,
                                                    const std::string& file_name) {
  const toml::parse_result parsed = toml::parse(text, file_name);
  if (!parsed) {
    return std::unexpected(fmt::format("{}:{}: not TOML: {}", file_name,
                                       parsed.error().source().begin.line,
                                       parsed.error().description()));
  }
  Settings settings;
  for (const auto& [name, node] : parsed.table()) {
    if (name.str() == "estimates") {
      if (auto wrong = read_estimates(settings.notify.estimates, node, file_name))
        return std::unexpected(*std::move(wrong));
      continue;
    }
    if (name.str() == "notify" || name.str() == "alarms") {
      auto wrong = name.str() == "notify" ? read_notify(settings.notify, node, file_name)
                                    : read_alarms(settings.notify.alarms, node, file_name);
      if (wrong) return std::unexpected(std::move(*wrong));
      continue;
    }
    const auto is_it = [&](const Key& key) { return name.str() == key.table; };
    const bool is_known = std::ranges::any_of(all_keys, is_it);
    if (!node.is_table()) {
      return std::unexpected(fmt::format("{}: unknown key {} outside of a table; the nearest known "
                                         "key is {}", at(node, file_name), name.str(),
                                         nearest_key("", name.str())));
    }
    if (!is_known) {
      return std::unexpected(fmt::format("{}: unknown table [{}]; the nearest known table is {}",
                                         at(node, file_name), name.str(),
                                         nearest_table(name.str())));
    }
    if (auto wrong = read_table(settings, name.str(), *node.as_table(), file_name)) {
      return std::unexpected(std::move(*wrong));
    }
  }
  return settings;
}

std::expected<Settings, std::string> load_settings(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return std::unexpected(fmt::format("the settings {} are a folder: name the file in it, as "
                                       "--config {}/meterlens.toml", path, path));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return std::unexpected(fmt::format("cannot read the settings {}; `meterlens config` prints a "
                                       "file to begin with", path));
  }
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return parse_settings(text, path);
}

std::string default_settings_text() {
  const Settings defaults;
  std::string out = "# Settings of `meterlens serve`. Each line shows the default; all may be left "
                    "out.\n";
  std::string_view table;
  for (const Key& key : all_keys) {
    if (table != key.table) out += fmt::format("\n[{}]\n", key.table);
    table = key.table;
    std::string meaning = key.meaning;
    if (key.min != key.max) {
      meaning += fmt::format("{}{} to {}", meaning.empty() ? "" : "; ", key.min, key.max);
    }
    if (*key.one_of != '\0') meaning += key.one_of;
    if (!meaning.empty()) out += fmt::format("# {}\n", meaning);
    out += fmt::format("{} = {}\n", key.name, value_text(defaults, key));
  }
  return out + default_notify_text();
}

}  // namespace meterlens::app
