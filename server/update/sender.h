// The server's half of remote update (SPEC.md, section 10): offers an image to a part of a device,
// sends what it lacks two packets at a time, so that a DTU's queue keeps room for commands, and
// follows the trial to its end. One update at a time per device. A pure state machine: the clock is
// the caller's, one thread; loading, storing, sending and telling are the caller's, from `take()`.
// Everything that it must know after a restart is in the stored `Update`.
// Owns the bytes of images on their way, each once however many devices get it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/command/queue.h"
#include "server/metrics/metrics.h"
#include "server/update/update.h"

namespace meterlens::update {

struct SenderLimits {
  std::size_t window = 2;                 // packets on their way to a device
  std::int64_t ask_ms = 10'000;           // without an answer: asked again
  std::int64_t ask_trial_ms = 60'000;     // during a trial
  std::int64_t under_way_ms = 5'000;      // packets are not sent again so soon
  std::int64_t offer_ms = 1'000;          // at most one offer in this time
  std::int64_t silence_ms = 86'400'000;   // no word of the part for so long: failed
  std::int64_t restart_ms = 3'600'000;    // but it is asked for so long after a restart, too
  std::int64_t progress_ms = 500;         // packet counts are told at most so often
};

// One frame for one native device.
struct Message {
  std::string device;
  std::vector<std::uint8_t> frame;
};

struct SenderOutput {
  std::vector<Message> messages;
  std::vector<Update> changed;  // to be stored and shown, oldest change first
};

class Sender {
 public:
  // Null: the image is not there any more.
  using Load = std::function<std::shared_ptr<const Content>(std::int64_t image)>;

  Sender(const SenderLimits& limits, Load load, metrics::Metrics& metrics);

  bool has_open(const std::string& device) const { return entries_.contains(device); }
  // A new update, or one from before a restart; stored already. Requires !has_open(device).
  void add(const Update& update, std::int64_t now_ms);

  // The open update of the device fails.
  void end(const std::string& device, const std::string& reason, std::int64_t now_ms);
  // Somebody else goes on with it.
  void forget(const std::string& device) { entries_.erase(device); }
  void set_link(const std::string& device, command::Link link);
  void state(const std::string& device, const protocol::ImageState& state, std::int64_t now_ms);
  void missing(const std::string& device, const protocol::ImageMissing& missing,
               std::int64_t now_ms);

  // While the broker is away nothing is sent and no answer is missed.
  void set_connected(bool connected, std::int64_t now_ms);
  // Offers, asks again, gives up. Call at least once a second and after changes.
  void tick(std::int64_t now_ms);
  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);

  SenderOutput take();

 private:
  struct Entry {
    Update update;
    std::shared_ptr<const Content> content;  // null until it is needed
    command::Link link = command::Link::unknown;
    std::int64_t heard_ms = 0;    // of the last word of the part
    std::int64_t asked_ms = 0;    // 0: at once
    std::int64_t offered_ms = 0;
    std::int64_t sent_ms = 0;     // of the packets of `under_way`
    std::int64_t told_ms = 0;     // progress
    std::vector<std::size_t> under_way;
    bool done = false;
  };

  Entry* find(const std::string& device, protocol::Part part);
  bool load(Entry& entry, std::int64_t now_ms);
  void ask(Entry& entry, std::int64_t now_ms);
  void offer(Entry& entry, std::int64_t now_ms);
  void send_packets(Entry& entry, const std::vector<std::size_t>& lacking, std::int64_t now_ms);
  void say(Entry& entry, const protocol::Message& message);
  void since_start(Entry& entry, const protocol::ImageState& state, std::int64_t now_ms);
  void set(Entry& entry, State state, std::int64_t now_ms, const std::string& reason = {});
  void progress(Entry& entry, int received, std::int64_t now_ms);

  SenderLimits limits_;
  Load load_;
  metrics::Metrics& metrics_;
  std::unordered_map<std::string, Entry> entries_;  // by device
  std::unordered_map<std::int64_t, std::weak_ptr<const Content>> contents_;  // by image
  SenderOutput output_;
  bool connected_ = false;
};

}  // namespace meterlens::update
