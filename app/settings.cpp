#include "app/settings.h"

#include <fmt/format.h>
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <array>
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

constexpr std::array keys{
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
        "how long a write waits when another program holds the database", 0, 60'000},
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
  const auto& key = *std::ranges::min_element(keys, {}, far);
  return fmt::format("{} in [{}]", key.name, key.table);
}

std::string nearest_table(std::string_view table) {
  const auto far = [&](const Key& key) { return distance(table, key.table); };
  return fmt::format("[{}]", std::ranges::min_element(keys, {}, far)->table);
}

std::string at(const toml::node& node, const std::string& file_name) {
  return fmt::format("{}:{}", file_name, node.source().begin.line);
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
    const auto key = std::ranges::find_if(keys, is_it);
    if (key == keys.end()) {
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
    const auto is_it = [&](const Key& key) { return name.str() == key.table; };
    const bool is_known = std::ranges::any_of(keys, is_it);
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
  for (const Key& key : keys) {
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
  return out;
}

}  // namespace meterlens::app
