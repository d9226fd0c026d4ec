// The devices: they appear by themselves, are online or not, and have a row in the store that
// follows at a bounded rate. Only the pipeline thread uses it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "server/command/queue.h"
#include "server/ingest/packet.h"
#include "server/metrics/metrics.h"
#include "server/store/store.h"

namespace meterlens::server {

struct RegistryLimits {
  std::size_t devices_max = 100'000;  // more are refused and counted
  std::int64_t save_ms = 60'000;      // `last_seen` is stored at most so often
  std::int64_t state_save_ms = 5000;  // what a DTU says of itself at most so often
  std::int64_t silence_ms = 900'000;  // known online only by its messages: then offline
  std::int64_t walk_ms = 1000;        // all devices are looked at by tick() at most so often
  std::size_t saves_max = 256;        // rows written in one go
};

class Registry {
 public:
  struct Entry {
    store::Device row;
    command::Link link = command::Link::unknown;
    bool by_connection = false;  // `link` comes from a status, last will or the broker's log
    bool newest_known = false;   // the photo step has been told the newest photo's hash
    bool state_unsaved = false;  // it waits for state_save_ms since the last save
    std::int64_t saved_ms = 0;
    std::int64_t recapture_ms = 0;  // last capture that nobody ordered
  };
  // Told after a device appears or visibly changes.
  using OnChange = std::function<void(const std::string& device)>;

  Registry(const RegistryLimits& limits, store::Store& store, metrics::Metrics& metrics,
           OnChange on_change);

  // Reads all devices; all are offline until they are heard.
  store::Result<void> load();

  // Takes note of who speaks. Nothing when the device is not known and may not be registered.
  Entry* see(const ingest::Packet& packet);
  Entry* find(const std::string& device);
  // Of a fleet: a known device whose messages come here from now on, as the worker before left it;
  // and one whose messages go to another worker.
  const Entry& adopt(store::Device row);
  void drop(const std::string& device);
  void set_queue(Entry& entry, int queue);  // -1: not known
  // The device is not heard any more: offline, whatever it says.
  void set_silent(Entry& entry);
  // It is not a known one any more; it appears anew when it speaks.
  void forget(const std::string& device);
  // The camera's word on how it is; kept as JSON.
  void note_health(Entry& entry, const protocol::Health& health, std::int64_t at_ms);
  const std::unordered_map<std::string, Entry>& entries() const { return entries_; }

  // The broker is gone: what is known of connections was known through it.
  void forget_links();
  // Devices that have been silent for too long.
  void tick(std::int64_t now_ms);
  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);
  // Writes changed rows. When the store fails they are tried again.
  store::Result<void> save(std::int64_t now_ms);
  bool has_unsaved() const { return !unsaved_.empty(); }

 private:
  bool may_register(const ingest::Packet& packet) const;
  void update(Entry& entry, const ingest::Packet& packet);
  static void note_state(Entry& entry, const std::string& json);
  void set_online(Entry& entry, bool online);
  void changed(const Entry& entry);

  RegistryLimits limits_;
  store::Store& store_;
  metrics::Metrics& metrics_;
  OnChange on_change_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_set<std::string> unsaved_;
  std::size_t online_ = 0;
  std::int64_t walked_ms_ = 0;
};

}  // namespace meterlens::server
