// What the pipeline does for many devices: who is disabled, the records of messages and health,
// controls of SmartDTUs, pushes of profiles, and campaigns. A part of Pipeline::Steps, whose thread
// it runs in; only note_message() is called from others.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "server/fleet/order.h"
#include "server/pipeline.h"
#include "server/store/fleet.h"

namespace meterlens::server {

class FleetSteps {
 public:
  explicit FleetSteps(Pipeline::Steps& steps);

  std::expected<void, std::string> prepare();
  // A message that came or goes; any thread. Written by tick().
  void note_message(std::string_view topic, protocol::Bytes payload, std::int64_t at_ms);

  // false: its device is disabled, and the packet is counted.
  bool admits(const ingest::Packet& packet);
  // Messages of this device that were dropped before, because they were too many.
  void note_flood(const std::string& device, std::uint64_t dropped);
  // Of a fleet: what is known of these devices is read, and forgotten again.
  std::expected<void, std::string> adopt(const store::Owned& owned);
  void drop(const std::string& device);
  // Others may have changed what it reads from the store.
  void look_again();
  bool is_disabled(const std::string& device) const { return disabled_.contains(device); }
  // What a packet of a known device says for health and controls.
  void note(const ingest::Packet& packet);
  void tick();
  void clock_moved(std::int64_t by_ms);
  std::expected<std::int64_t, fleet::OrderError> obey(const fleet::Order& order);

 private:
  using Answer = std::expected<std::int64_t, fleet::OrderError>;
  struct Line {  // of the controls of one device
    std::vector<fleet::Control> waiting;
    std::optional<fleet::Control> sent;  // until the device has confirmed it
    std::int64_t not_before_ms = 0;
  };

  Answer set_enabled(const fleet::SetEnabled& order);
  Answer remove(const fleet::Remove& order);
  std::expected<void, std::string> remove_file(const std::string& path);  // or object
  Answer reset(const std::string& device, const std::string& reason);
  Answer send(const fleet::SendControl& order);
  // Whether `what` is saved, or read; if not, the committer knows, and everything waits until the
  // store works again.
  template <typename Value>
  bool keep(const store::Result<Value>& done, std::string_view what) {
    if (!done) fail(what, done.error());
    return done.has_value();
  }
  void fail(std::string_view what, const store::Error& error);

  void write_records();
  void put_back(std::vector<fleet::Message> messages);
  void write_dropped();
  void forget_old();
  void tick_controls();
  bool tick_line(const std::string& device, Line& line);
  void end(fleet::Control& control, fleet::ControlState state, const std::string& reason);
  void push_profiles();
  bool is_wished(const std::string& device, protocol::Part part, protocol::Bytes entries);
  void push(fleet::Push push);
  void run_campaigns();
  void run(fleet::Campaign campaign);
  void order_update(const fleet::Campaign& campaign, fleet::CampaignDevice device);

  Pipeline::Steps& steps_;
  store::Fleet rows_;
  std::unordered_set<std::string> disabled_;
  std::unordered_map<std::string, std::int64_t> dropped_;  // not written yet
  std::map<std::string, Line> lines_;

  std::mutex messages_mutex_;
  std::vector<fleet::Message> messages_;  // not written yet
  std::unordered_map<std::string, std::int64_t> messages_since_;  // a device's, since old ones went
  std::map<std::pair<std::string, std::string>, fleet::Sample> samples_;
  std::int64_t samples_written_ms_ = 0;
  std::int64_t forgot_ms_ = 0;
  bool pushes_wait_ = true;
  bool campaigns_run_ = true;
  std::int64_t campaigns_ms_ = 0;
};

}  // namespace meterlens::server
