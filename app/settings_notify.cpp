#include "app/settings_notify.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <set>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace meterlens::app {
namespace {

using Wrong = std::optional<std::string>;
namespace n = notify;

// A text is "secret" when its value is the name of a file, or of a variable of the environment,
// that holds it: `token_file` or `token_env` in the settings file.
enum class As : std::uint8_t { plain, list, secret };

template <class T>
struct KeyOf {
  const char* name;
  std::variant<bool T::*, std::int64_t T::*, std::string T::*, std::vector<std::string> T::*> field;
  const char* meaning;
  std::int64_t min = 0;
  std::int64_t max = 0;
  const char* one_of = "";
  As as = As::plain;
};

using Main = n::Settings;
constexpr std::array main_keys{
    KeyOf<Main>{"retry_s_max", &Main::retry_s_max,
                "the longest pause between two tries to tell a sink; the first is a second", 1,
                86'400},
    KeyOf<Main>{"backlog_max", &Main::backlog_max,
                "rows that a sink may be behind; when there are more the oldest are dropped", 100,
                100'000'000},
};

using Home = n::HomeAssistantSettings;
constexpr std::array home_keys{
    KeyOf<Home>{"enabled", &Home::enabled, "MQTT with the discovery of Home Assistant"},
    KeyOf<Home>{"address", &Home::address, "of the broker; empty: the server's own, with its port"},
    KeyOf<Home>{"port", &Home::port, "", 1, 65'535},
    KeyOf<Home>{"user", &Home::user, "empty: none"},
    KeyOf<Home>{"password", &Home::password, "", 0, 0, "", As::secret},
    KeyOf<Home>{"ca_file", &Home::ca_file, "certificates of a broker with TLS; empty: no TLS"},
    KeyOf<Home>{"discovery_prefix", &Home::discovery_prefix, "as in Home Assistant"},
    KeyOf<Home>{"topic", &Home::topic, "first level of the topics with the states"},
    KeyOf<Home>{"photos", &Home::photos, "also the photo of the reading that is shown"},
};

using Hook = n::WebhookSettings;
constexpr std::array hook_keys{
    KeyOf<Hook>{"name", &Hook::name, "letters, digits, - and _; needed, and another one for each"},
    KeyOf<Hook>{"url", &Hook::url, "http or https; needed"},
    KeyOf<Hook>{"secret", &Hook::secret, "signs what is sent", 0, 0, "", As::secret},
    KeyOf<Hook>{"readings", &Hook::readings, "tell of readings that count, or do not any more"},
    KeyOf<Hook>{"alarms", &Hook::alarms, "tell of alarms"},
    KeyOf<Hook>{"batch_max", &Hook::batch_max, "events in one request", 1, 1000},
    KeyOf<Hook>{"timeout_s", &Hook::timeout_s, "", 1, 300},
    KeyOf<Hook>{"ca_file", &Hook::ca_file, "certificates to trust; empty: the system's"},
};

using Flux = n::InfluxSettings;
constexpr std::array flux_keys{
    KeyOf<Flux>{"enabled", &Flux::enabled, "readings that count, as points of an InfluxDB"},
    KeyOf<Flux>{"url", &Flux::url, ""},
    KeyOf<Flux>{"version", &Flux::version, "of its HTTP interface", 1, 2},
    KeyOf<Flux>{"org", &Flux::org, "version 2"},
    KeyOf<Flux>{"bucket", &Flux::bucket, "version 1: the database"},
    KeyOf<Flux>{"token", &Flux::token, "version 2", 0, 0, "", As::secret},
    KeyOf<Flux>{"user", &Flux::user, "version 1; empty: none"},
    KeyOf<Flux>{"password", &Flux::password, "version 1", 0, 0, "", As::secret},
    KeyOf<Flux>{"measurement", &Flux::measurement, ""},
    KeyOf<Flux>{"timeout_s", &Flux::timeout_s, "", 1, 300},
    KeyOf<Flux>{"ca_file", &Flux::ca_file, "certificates to trust; empty: the system's"},
};

using Mail = n::EmailSettings;
constexpr std::array mail_keys{
    KeyOf<Mail>{"enabled", &Mail::enabled, "alarms by e-mail"},
    KeyOf<Mail>{"host", &Mail::host, "of the mail server"},
    KeyOf<Mail>{"port", &Mail::port, "", 1, 65'535},
    KeyOf<Mail>{"tls", &Mail::tls, "", 0, 0, "starttls|tls|none"},
    KeyOf<Mail>{"from", &Mail::from, "an address like meterlens@example.org"},
    KeyOf<Mail>{"to", &Mail::to, "a list of addresses", 0, 0, "", As::list},
    KeyOf<Mail>{"user", &Mail::user, "empty: no login"},
    KeyOf<Mail>{"password", &Mail::password, "", 0, 0, "", As::secret},
    KeyOf<Mail>{"ca_file", &Mail::ca_file, "certificates to trust; empty: the system's"},
    KeyOf<Mail>{"timeout_s", &Mail::timeout_s, "", 1, 300},
};

using Alarm = n::AlarmSettings;
constexpr std::array alarm_keys{
    KeyOf<Alarm>{"leak", &Alarm::leak, "a meter flows all day without a pause"},
    KeyOf<Alarm>{"stuck", &Alarm::stuck, "a meter stands still far longer than ever before"},
    KeyOf<Alarm>{"doubtful_percent", &Alarm::doubtful_percent,
                 "of a meter's newest photos that give no reading that counts; 0: no alarm", 0,
                 100},
    KeyOf<Alarm>{"doubtful_photos", &Alarm::doubtful_photos, "how many photos that looks at", 1,
                 1000},
    KeyOf<Alarm>{"silent_h", &Alarm::silent_h,
                 "hours without a word of a device; more than between its photos; 0: no alarm", 0,
                 8760},
    KeyOf<Alarm>{"missing_slots", &Alarm::missing_slots,
                 "readings that schedules wanted of a meter and that did not come, one after "
                 "another; 0: no alarm",
                 0, 1000},
    KeyOf<Alarm>{"disk_free_mb", &Alarm::disk_free_mb,
                 "room that the disks of database and photos must have; 0: no alarm", 0,
                 1'000'000'000},
    KeyOf<Alarm>{"broker_s", &Alarm::broker_s, "the MQTT broker is away for so long; 0: no alarm",
                 0, 86'400},
    KeyOf<Alarm>{"sink_m", &Alarm::sink_m,
                 "minutes in which somebody cannot be told anything; 0: no alarm", 0, 100'000},
    KeyOf<Alarm>{"period_s", &Alarm::period_s, "between two looks", 1, 3600},
};

using Guess = n::EstimateSettings;
constexpr std::array estimate_keys{
    KeyOf<Guess>{
        "nightly", &Guess::nightly,
        "each night, values for what schedules wanted and never came, between two readings"},
    KeyOf<Guess>{"method", &Guess::method, "", 0, 0, "profile|linear"},
    KeyOf<Guess>{"hour", &Guess::hour, "of the day, UTC, at which it begins", 0, 23},
    KeyOf<Guess>{"wait_h", &Guess::wait_h, "hours in which the photo may still come", 1, 2400},
};

// The first line of a file that nobody else may read.
Wrong read_secret(std::string& to, const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return fmt::format("names {}, which cannot be read", path);
  if ((file.st_mode & 077) != 0)
    return fmt::format("names {}, which others may read: chmod 600 it", path);
  std::ifstream in(path);
  if (!std::getline(in, to) || to.empty())
    return fmt::format("names {}, whose first line is empty or cannot be read", path);
  if (to.ends_with('\r')) to.pop_back();
  return {};
}

bool is_text(const std::string& text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Wrong take_secret(std::string& to, const std::string& named, bool is_file) {
  if (named.empty()) return {};
  if (is_file) return read_secret(to, named);
  const char* value = std::getenv(named.c_str());
  if (value == nullptr || *value == '\0')
    return fmt::format("names {}, which is not set in the environment", named);
  to = value;
  return {};
}

template <class T>
Wrong assign_notify(T& settings, const KeyOf<T>& key, const toml::node& node, bool is_file) {
  if (const auto* flag = std::get_if<bool T::*>(&key.field)) {
    if (!node.is_boolean()) return "must be true or false";
    settings.*(*flag) = **node.as_boolean();
    return {};
  }
  if (const auto* number = std::get_if<std::int64_t T::*>(&key.field)) {
    if (!node.is_integer() || **node.as_integer() < key.min || **node.as_integer() > key.max)
      return fmt::format("must be a whole number from {} to {}", key.min, key.max);
    settings.*(*number) = **node.as_integer();
    return {};
  }
  if (const auto* list = std::get_if<std::vector<std::string> T::*>(&key.field)) {
    const toml::array* array = node.as_array();
    auto& to = settings.*(*list);
    to.clear();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
      const auto* one = (*array)[i].as_string();
      if (one == nullptr || !is_text(**one) || (**one).empty()) array = nullptr;
      else to.push_back(**one);
    }
    if (array == nullptr) return "must be a list of texts, like [\"a@example.org\"]";
    return {};
  }
  if (!node.is_string() || !is_text(**node.as_string()))
    return "must be a text in quotation marks, on one line";
  const std::string& text = **node.as_string();
  std::string& to = settings.*std::get<std::string T::*>(key.field);
  if (key.as == As::secret) return take_secret(to, text, is_file);
  const std::string allowed = fmt::format("|{}|", key.one_of);
  if (*key.one_of != '\0' && (text.find('|') != std::string::npos ||
                              allowed.find("|" + text + "|") == std::string::npos))
    return fmt::format("must be one of {}", key.one_of);
  to = text;
  return {};
}

// The names that a key has in the file.
template <class T>
std::vector<std::string> names_of(const KeyOf<T>& key) {
  const std::string name = key.name;
  if (key.as == As::secret) return {name + "_file", name + "_env"};
  return {name};
}

// Every entry that is no sub-table for `others`.
template <class T, std::size_t N>
Wrong read_keys(T& settings, const std::array<KeyOf<T>, N>& keys, const std::string& table,
                const toml::node& node, const std::string& file_name,
                const std::set<std::string>& others = {}) {
  if (!node.is_table()) return fmt::format("{}: [{}] must be a table", at(node, file_name), table);
  for (const auto& [name, entry] : *node.as_table()) {
    const std::string written(name.str());
    if (others.contains(written)) continue;
    std::string known;
    bool taken = false;
    for (const KeyOf<T>& key : keys) {
      for (const std::string& one : names_of(key)) {
        known += (known.empty() ? "" : ", ") + one;
        if (one != written) continue;
        taken = true;
        if (const auto wrong = assign_notify(settings, key, entry, written.ends_with("_file")))
          return fmt::format("{}: {} in [{}] {}", at(entry, file_name), written, table, *wrong);
      }
    }
    if (!taken) {
      return fmt::format("{}: unknown key {} in [{}]; known are {}", at(entry, file_name), written,
                         table, known);
    }
  }
  return {};
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '_';
  });
}

bool is_url(const std::string& text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

bool is_level(const std::string& topic) {
  return !topic.empty() && topic.find_first_of("+#/$") == std::string::npos;
}

bool is_address(const std::string& text) {
  return text.find('@') != std::string::npos && text.find_first_of(" <>,") == std::string::npos;
}

Wrong read_webhooks(n::Settings& settings, const toml::node& node, const std::string& file_name) {
  const toml::array* hooks = node.as_array();
  if (hooks == nullptr) return fmt::format("{}: write [[notify.webhook]]", at(node, file_name));
  std::set<std::string> names;
  for (const toml::node& one : *hooks) {
    n::WebhookSettings hook;
    if (auto wrong = read_keys(hook, hook_keys, "[notify.webhook]", one, file_name)) return wrong;
    if (!is_name(hook.name) || !names.insert(hook.name).second)
      return fmt::format("{}: [[notify.webhook]] needs a name of its own, of letters, digits, - "
                         "and _", at(one, file_name));
    if (!is_url(hook.url))
      return fmt::format("{}: [[notify.webhook]] needs an url that begins with http:// or https://",
                         at(one, file_name));
    settings.webhooks.push_back(std::move(hook));
  }
  return {};
}

// What only several keys together can get wrong.
Wrong contradiction(const n::Settings& settings) {
  const auto& home = settings.home_assistant;
  if (home.enabled && (!is_level(home.topic) || !is_level(home.discovery_prefix)))
    return "[notify.home_assistant]: topic and discovery_prefix must be without / + # and $";
  if (home.enabled && (home.topic == "meterlens" || home.topic == home.discovery_prefix))
    return "[notify.home_assistant]: topic must not be that of devices or of discovery";
  const auto& flux = settings.influxdb;
  if (flux.enabled && (!is_url(flux.url) || flux.bucket.empty() || flux.measurement.empty()))
    return "[notify.influxdb] needs url (http or https), bucket and measurement";
  if (flux.enabled && flux.version == 2 && flux.org.empty())
    return "[notify.influxdb] needs org in version 2";
  const auto& mail = settings.email;
  if (mail.enabled && (!is_address(mail.from) || mail.to.empty() ||
                       !std::ranges::all_of(mail.to, is_address)))
    return "[notify.email] needs from and to, addresses like a@example.org";
  if (mail.enabled && mail.tls == "none" && !mail.user.empty() && mail.host != "127.0.0.1" &&
      mail.host != "localhost")
    return "[notify.email]: a password goes over the network only with tls";
  return {};
}

template <class T, std::size_t N>
std::string text_of(const std::array<KeyOf<T>, N>& keys, const char* table, const char* comment) {
  static const T defaults{};
  std::string out = fmt::format("\n{}{}\n", comment, table);
  for (const KeyOf<T>& key : keys) {
    std::string meaning = key.meaning;
    if (key.min != key.max)
      meaning += fmt::format("{}{} to {}", meaning.empty() ? "" : "; ", key.min, key.max);
    meaning += key.one_of;
    if (key.as == As::secret)
      meaning += fmt::format("{}or {}_env, a variable of the environment; the file has it in its "
                             "first line, and nobody else may read it", meaning.empty() ? "" : "; ",
                             key.name);
    if (!meaning.empty()) out += fmt::format("# {}\n", meaning);
    const std::string value = std::visit([&](auto field) {
      using Value = std::remove_cvref_t<decltype(defaults.*field)>;
      if constexpr (std::is_same_v<Value, std::string>)
        return fmt::format("\"{}\"", key.as == As::secret ? std::string() : defaults.*field);
      else if constexpr (std::is_same_v<Value, std::vector<std::string>>) return std::string("[]");
      else return fmt::format("{}", defaults.*field);
    }, key.field);
    out += fmt::format("{}{}{} = {}\n", comment, key.name, key.as == As::secret ? "_file" : "",
                       value);
  }
  return out;
}

}  // namespace

Wrong read_notify(n::Settings& settings, const toml::node& node, const std::string& file_name) {
  const std::set<std::string> tables{"home_assistant", "webhook", "influxdb", "email"};
  if (auto wrong = read_keys(settings, main_keys, "notify", node, file_name, tables)) return wrong;
  for (const auto& [name, table] : *node.as_table()) {
    Wrong wrong;
    if (name.str() == "home_assistant")
      wrong = read_keys(settings.home_assistant, home_keys, "notify.home_assistant", table,
                        file_name);
    if (name.str() == "webhook") wrong = read_webhooks(settings, table, file_name);
    if (name.str() == "influxdb")
      wrong = read_keys(settings.influxdb, flux_keys, "notify.influxdb", table, file_name);
    if (name.str() == "email")
      wrong = read_keys(settings.email, mail_keys, "notify.email", table, file_name);
    if (wrong) return wrong;
  }
  if (auto wrong = contradiction(settings)) return fmt::format("{}: {}", file_name, *wrong);
  return {};
}

Wrong read_alarms(n::AlarmSettings& settings, const toml::node& node,
                  const std::string& file_name) {
  return read_keys(settings, alarm_keys, "alarms", node, file_name);
}

Wrong read_estimates(n::EstimateSettings& settings, const toml::node& node,
                     const std::string& file_name) {
  return read_keys(settings, estimate_keys, "estimates", node, file_name);
}

std::string default_notify_text() {
  return text_of(alarm_keys, "[alarms]", "") +
         text_of(estimate_keys, "[estimates]", "") + text_of(main_keys, "[notify]", "") +
         text_of(home_keys, "[notify.home_assistant]", "") +
         text_of(hook_keys, "[[notify.webhook]]", "#") +
         text_of(flux_keys, "[notify.influxdb]", "") + text_of(mail_keys, "[notify.email]", "");
}

}  // namespace meterlens::app
