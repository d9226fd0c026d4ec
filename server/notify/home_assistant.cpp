#include "server/notify/home_assistant.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "protocol/message.h"
#include "server/clock.h"
#include "server/notify/announce.h"
#include "server/notify/mqtt_client.h"

namespace meterlens::notify {
namespace {

using store::NewsKind;
using Clock = std::chrono::steady_clock;

constexpr int batch_max_count = 500;
constexpr int home_page_count = 1000;
constexpr int flush_ms = 10'000;
// All meters are looked at so often, and for no more than a twentieth of the time.
constexpr std::int64_t look_ms_min = 2000;
constexpr std::int64_t look_part = 20;
// libmosquitto gives up for good when a name does not resolve.
constexpr std::int64_t reconnect_ms = 60'000;

MqttSettings mqtt_of(const HomeAssistantSettings& settings) {
  MqttSettings out;
  out.host = settings.address;
  out.port = static_cast<int>(settings.port);
  out.user = settings.user;
  out.password = settings.password;
  out.ca_file = settings.ca_file;
  out.will_topic = availability_topic(settings);
  out.birth_topic = settings.discovery_prefix + "/status";
  return out;
}

class HomeAssistant : public Sink {
 public:
  HomeAssistant(const HomeAssistantSettings& settings, std::string sink, std::string version,
                store::Store& store, photo::ReadFile read_file)
      : settings_(settings),
        sink_(std::move(sink)),
        version_(std::move(version)),
        store_(store),
        read_file_(std::move(read_file)),
        book_(store),
        alarms_(store) {}

  bool wants(store::Stream) const override { return true; }
  int batch_max() const override { return batch_max_count; }

  // News only say where to look.
  Sent send(std::span<const store::News> news) override {
    if (Sent ready = prepare(); !ready.good()) return ready;
    std::set<std::string> touched;
    bool all = false;
    for (const store::News& one : news) {
      if (one.stream == store::Stream::alarm) all = true;
      else touched.insert(one.reading.meter);
    }
    if (all) return look_at_all();
    if (Sent looked = gather(); !looked.good()) return looked;
    for (const std::string& id : touched) {
      const auto meter = store_.meter(id);
      if (!meter && meter.error().code != store::ErrorCode::not_found)
        return later(meter.error().message);
      if (!meter || !is_there(*meter)) continue;
      if (Sent said = say(*meter); !said.good()) return said;
    }
    return finish();
  }
  Sent keep_up(std::int64_t) override {
    if (Sent ready = prepare(); !ready.good()) return ready;
    if (Clock::now() < next_look_) return {};
    return look_at_all();
  }
  Sent test() override {
    MqttSettings settings = mqtt_of(settings_);
    settings.will_topic = settings_.topic + "/server/test";
    MqttClient client(settings);
    for (int i = 0; i < 50 && !client.connected() && !stopping_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (!client.connected()) return later(no_connection(client), Trouble::no_answer);
    if (!client.publish(settings.will_topic, "test") || !client.flush(flush_ms))
      return later("the broker took the connection, but no message", Trouble::not_taken);
    return {};
  }

 private:
  std::string no_connection(const MqttClient& client) const {
    const std::string why = client.error();
    return fmt::format("no connection to the broker at {}:{}: {}", settings_.address,
                       settings_.port, why.empty() ? "no answer yet" : why);
  }
  Sent prepare();
  Sent gather();
  Sent look_at_all();
  Sent say(const validate::Meter& meter);
  Sent say_photo(const validate::Meter& meter, const validate::Reading& reading);
  Sent put(const std::string& topic, const std::string& key, std::string_view payload);
  Sent finish();
  Sent lost();
  store::Result<std::optional<validate::Reading>> shown(const validate::Meter& meter,
                                                        std::string& corrects);
  MeterState state_of(const validate::Meter& meter) const;
  bool is_there(const validate::Meter& meter) const {
    return meter.removed_ms == 0 || meter.removed_ms > server::unix_ms();
  }

  const HomeAssistantSettings settings_;
  const std::string sink_;
  const std::string version_;
  store::Store& store_;
  const photo::ReadFile read_file_;
  store::NewsBook book_;
  store::AlarmBook alarms_;

  std::unique_ptr<MqttClient> client_;
  Clock::time_point client_since_{};
  Clock::time_point next_look_{};
  std::uint64_t epoch_ = 0;
  std::map<std::string, std::string> said_;  // by topic, of this epoch
  bool has_items_ = false;
  std::map<std::string, store::SinkItem> items_;  // by meter, as stored
  // By meter: the reading that corrects, and the value that was wrong.
  std::map<std::string, std::pair<std::int64_t, std::string>> corrects_;
  std::map<std::string, std::int64_t> held_;  // by meter, the reading last logged as not shown
  // Of the last look.
  std::map<std::string, std::vector<std::string>> devices_of_;
  std::map<std::string, bool> online_;
  std::vector<store::Alarm> open_alarms_;
};

// A connection, and what was shown before.
Sent HomeAssistant::prepare() {
  const auto now = Clock::now();
  const bool is_stale = client_ && !client_->connected() &&
                        now - client_since_ > std::chrono::milliseconds(reconnect_ms);
  if (is_stale) client_.reset();
  if (!client_) {
    client_ = std::make_unique<MqttClient>(mqtt_of(settings_));
    client_since_ = now;
    for (int i = 0; i < 40 && !client_->connected() && !stopping_; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  if (!client_->connected()) return later(no_connection(*client_), Trouble::no_answer);
  client_since_ = now;
  if (const std::uint64_t epoch = client_->epoch(); epoch != epoch_) {
    epoch_ = epoch;
    said_.clear();
    next_look_ = {};
  }
  if (has_items_) return {};
  auto items = book_.items(sink_);
  if (!items) return later(items.error().message);
  for (store::SinkItem& item : *items) items_[item.item] = std::move(item);
  has_items_ = true;
  return {};
}

// What many meters need.
Sent HomeAssistant::gather() {
  const auto devices = store_.devices();
  if (!devices) return later(devices.error().message);
  online_.clear();
  for (const store::Device& device : *devices) online_[device.id] = device.online;
  auto alarms = alarms_.alarms({.open = true, .count_max = home_page_count});
  if (!alarms) return later(alarms.error().message);
  open_alarms_ = *std::move(alarms);
  devices_of_.clear();
  const std::int64_t now = server::unix_ms();
  for (std::int64_t after = 0;;) {
    const auto watches = store_.watches("", "", after, home_page_count);
    if (!watches) return later(watches.error().message);
    for (const validate::Watch& watch : *watches) {
      after = watch.id;
      if (watch.from_ms <= now && (watch.to_ms == 0 || watch.to_ms > now))
        devices_of_[watch.meter].push_back(watch.device);
    }
    if (static_cast<int>(watches->size()) < home_page_count) return {};
  }
}

Sent HomeAssistant::look_at_all() {
  const auto begun = Clock::now();
  if (Sent looked = gather(); !looked.good()) return looked;
  std::set<std::string> there;
  for (std::string after;;) {
    const auto meters = store_.meters(after, home_page_count);
    if (!meters) return later(meters.error().message);
    for (const validate::Meter& meter : *meters) {
      after = meter.id;
      if (stopping_) return later("stopping");
      if (!is_there(meter)) continue;
      there.insert(meter.id);
      if (Sent said = say(meter); !said.good()) return said;
    }
    if (static_cast<int>(meters->size()) < home_page_count) break;
  }
  std::vector<std::string> gone;
  for (const auto& [meter, item] : items_) {
    if (!there.contains(meter)) gone.push_back(meter);
  }
  for (const std::string& meter : gone) {
    for (const Message& message : farewell_of(settings_, meter)) {
      said_.erase(message.topic);
      if (!client_->publish(message.topic, "")) return lost();
    }
  }
  if (Sent finished = finish(); !finished.good()) return finished;
  for (const std::string& meter : gone) {
    if (const auto removed = book_.remove_item(sink_, meter); !removed)
      return later(removed.error().message);
    items_.erase(meter);
  }
  const auto took = Clock::now() - begun;
  next_look_ = Clock::now() + std::max<Clock::duration>(std::chrono::milliseconds(look_ms_min),
                                                        took * look_part);
  return {};
}

MeterState HomeAssistant::state_of(const validate::Meter& meter) const {
  MeterState out;
  out.meter = meter;
  if (const auto found = devices_of_.find(meter.id); found != devices_of_.end())
    out.devices = found->second;
  const auto is_ours = [&](const std::string& device) {
    return std::ranges::find(out.devices, device) != out.devices.end();
  };
  for (const std::string& device : out.devices) {
    const auto known = online_.find(device);
    out.online = out.online || (known != online_.end() && known->second);
  }
  for (const store::Alarm& alarm : open_alarms_) {
    const std::string kind = store::subject_of(alarm.kind);
    if ((kind == "meter" && alarm.subject == meter.id) ||
        (kind == "device" && is_ours(alarm.subject)))
      out.alarms.push_back(alarm);
  }
  return out;
}

Sent HomeAssistant::say(const validate::Meter& meter) {
  MeterState state = state_of(meter);
  auto reading = shown(meter, state.corrects);
  if (!reading) return later(reading.error().message);
  state.reading = *std::move(reading);
  for (const Message& message : messages_of(settings_, state, version_)) {
    if (Sent put_there = put(message.topic, message.payload, message.payload); !put_there.good())
      return put_there;
  }
  if (!settings_.photos || !state.reading || state.reading->photo == 0) return {};
  return say_photo(meter, *state.reading);
}

// The reading that is shown from now on. It is stored before it is sent: what was never shown may
// stand there after a crash, but never less than what was.
store::Result<std::optional<validate::Reading>> HomeAssistant::shown(const validate::Meter& meter,
                                                                     std::string& corrects) {
  const auto newest = store_.newest_accepted(meter.id);
  if (!newest) return std::unexpected(newest.error());
  store::SinkItem item{meter.id, 0, 0, ""};
  const auto known = items_.find(meter.id);
  if (known != items_.end()) item = known->second;
  std::optional<validate::Reading> before;
  if (item.reading != 0) {
    auto found = store_.reading(item.reading);
    if (found) before = *std::move(found);
    else if (found.error().code != store::ErrorCode::not_found)
      return std::unexpected(found.error());
  }
  const bool stands = item.reading == 0 || !before ||
                      ((before->verdict == validate::Verdict::accepted ||
                        before->verdict == validate::Verdict::manual) &&
                       before->value == item.value);
  std::optional<validate::Reading> out = *newest;
  if (out && item.reading != 0 && out->id != item.reading) {
    const auto anew = book_.began_anew(meter.id, item.at_ms, out->at_ms);
    if (!anew) return std::unexpected(anew.error());
    const Next next = next_of(Shown{item.value, stands}, *out, *anew);
    if (next == Next::hold && std::exchange(held_[meter.id], out->id) != out->id)
      spdlog::warn(fmt::format("{}: meter {}: {} is not shown after {}: it would fall", sink_,
                               meter.id, out->value, item.value));
    if (next != Next::show) return before;
  }
  if (!stands) corrects_[meter.id] = {out ? out->id : 0, item.value};
  if (const auto found = corrects_.find(meter.id);
      found != corrects_.end() && found->second.first == (out ? out->id : 0))
    corrects = found->second.second;
  const store::SinkItem now{meter.id, out ? out->id : 0, out ? out->at_ms : 0,
                            out ? out->value : ""};
  if (known != items_.end() && known->second.reading == now.reading && item.value == now.value)
    return out;
  if (const auto saved = book_.put_item(sink_, now); !saved) return std::unexpected(saved.error());
  items_[meter.id] = now;
  return out;
}

Sent HomeAssistant::say_photo(const validate::Meter& meter, const validate::Reading& reading) {
  const std::string topic = photo_topic(settings_, meter.id);
  const std::string key = "photo " + std::to_string(reading.photo);
  if (const auto known = said_.find(topic); known != said_.end() && known->second == key + "\n")
    return {};
  const auto photo = store_.photo(reading.photo);
  if (!photo && photo.error().code != store::ErrorCode::not_found)
    return later(photo.error().message);
  // A file that is gone or broken shows nothing, and is not asked for again.
  if (!photo) return {};
  const auto bytes = read_file_(photo->path, protocol::photo_bytes_max);
  if (!bytes || protocol::sha256(*bytes) != photo->sha256) return {};
  return put(topic, key, {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
}

// `key` stands for the payload in what is remembered.
Sent HomeAssistant::put(const std::string& topic, const std::string& key,
                        std::string_view payload) {
  auto& said = said_[topic];
  if (!said.empty() && said == key + "\n") return {};
  if (!client_->publish(topic, payload)) return lost();
  said = key + "\n";
  return {};
}

Sent HomeAssistant::finish() { return client_->flush(flush_ms) ? Sent{} : lost(); }

Sent HomeAssistant::lost() {
  said_.clear();
  next_look_ = {};
  return later(no_connection(*client_), Trouble::no_answer);
}

}  // namespace

std::unique_ptr<Sink> make_home_assistant(const HomeAssistantSettings& settings,
                                          const std::string& sink, const std::string& version,
                                          store::Store& store, photo::ReadFile read_file) {
  return std::make_unique<HomeAssistant>(settings, sink, version, store,
                                         std::move(read_file));
}

}  // namespace meterlens::notify
