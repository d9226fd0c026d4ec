// Who is told to take a photo, when, and how far it has come: one command at a time per device, the
// others wait in a bounded row. Commands for a device that is known to be offline wait until it
// returns, or expire. A native camera keeps a photo until the server has it: a command whose photo
// was offered ends when it is stored or given up, and does not hold up the next one meanwhile.
// A pure state machine: the clock is the caller's, one thread; storing, sending and telling are the
// caller's, from `take()`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "protocol/ids.h"
#include "protocol/message.h"
#include "server/command/command.h"
#include "server/metrics/metrics.h"

namespace meterlens::command {

struct QueueLimits {
  std::size_t device_commands_max = 8;  // waiting, besides the one under way
  std::size_t device_kept_max = 32;     // whose photos wait in the camera; the oldest gives way
  std::int64_t expire_ms = 600'000;     // waiting for so long: expired
  std::int64_t answer_ms = 15'000;     // no word (SmartDTU: no piece): sent again once, then failed
  std::int64_t shot_ms = 60'000;       // native: from `received` to the first packet
  std::int64_t transfer_ms = 600'000;  // native: without a new packet, or offline meanwhile
  std::int64_t kept_ms = 86'400'000;  // native: nothing heard of an offered photo: given up
  std::int64_t smart_transfer_ms = 30'000;  // SmartDTU: without a piece or a judgement
  int retries_max = 2;                      // SmartDTU: new captures after a bad photo
  std::int64_t pause_ms = 2000;             // SmartDTU: between two commands; it drops sooner ones
  int busy_retries_max = 5;       // native: the camera was taking another photo
  std::int64_t busy_ms = 10'000;  // so long after it
  std::int64_t progress_ms = 500;           // packet counts are told at most so often
};

// What is known of a device's connection; a command is tried while it is `unknown`.
enum class Link : std::uint8_t { unknown, online, offline };

// The capture command to be published.
struct Send {
  std::string device;
  protocol::Dialect dialect = protocol::Dialect::native;
  std::int64_t command = 0;
};

struct QueueOutput {
  std::vector<Send> sends;
  std::vector<Command> changed;  // to be stored and shown, oldest change first
};

class Queue {
 public:
  Queue(const QueueLimits& limits, metrics::Metrics& metrics);

  // `more`: those that are to be added before.
  bool is_full(const std::string& device, std::size_t more = 0) const;
  // No command waiting or under way.
  bool is_idle(const std::string& device) const;
  // A new command, stored already as `queued`. Requires !is_full(command.device).
  void add(const Command& command);
  // A command that is not final, from before a restart. A native one is sent again with the same id
  // (the camera ignores doubles); a SmartDTU may be in the middle of the photo, so it gets time.
  void take_up(const Command& command, protocol::Dialect dialect, std::int64_t now_ms);

  void set_link(const std::string& device, protocol::Dialect dialect, Link link,
                std::int64_t now_ms);

  // The command that a SmartDTU photo of this device belongs to; 0: none is under way.
  std::int64_t active(const std::string& device) const;
  // Waiting, under way or waiting to be read.
  bool knows(const std::string& device, std::int64_t command) const;

  void report(const std::string& device, const protocol::Report& report, std::int64_t now_ms);
  // A native camera offers a photo, of that command if it is not 0. It offers the oldest first:
  // those of this device with smaller numbers that were not stored are lost.
  void offered(const std::string& device, std::int64_t command, std::uint32_t photo_id,
               std::int64_t now_ms);
  // The server could not take the photo now. Its camera keeps it, unless it `is_final`.
  void refused(const std::string& device, std::int64_t command, const std::string& reason,
               bool is_final, std::int64_t now_ms);
  // `command` 0: the active one.
  void progress(const std::string& device, std::int64_t command, int received, int total,
                std::int64_t now_ms);
  // The photo is committed and good: the next command may go.
  void stored(const std::string& device, std::int64_t command, std::int64_t photo,
              std::int64_t now_ms);
  // A command that had failed or expired, and whose photo has come after all: as it is now.
  void mend(const Command& command, std::int64_t now_ms);
  // The shot brought no good photo: a SmartDTU is asked again, up to `retries_max` times.
  // `photo`: the quarantined one, or 0.
  void shot_failed(const std::string& device, std::int64_t command, std::int64_t photo,
                   const std::string& reason, std::int64_t now_ms);
  // All open commands of the device fail, and nothing is sent to it for them.
  void end_all(const std::string& device, const std::string& reason, std::int64_t now_ms);
  // Somebody else goes on with them.
  void forget(const std::string& device);
  // Whether something else may be sent to the device now, and then until when no command may.
  bool may_pause(const std::string& device) const;
  void pause(const std::string& device, std::int64_t until_ms);
  // False: no photo of that command waits to be read here.
  bool read(std::int64_t command, std::int64_t reading, std::int64_t now_ms);

  // While the broker is away nothing is sent and no answer is missed.
  void set_connected(bool connected, std::int64_t now_ms);
  // Sends what is due, repeats, fails, expires. Call at least once a second and after changes.
  void tick(std::int64_t now_ms);
  // The caller's clock was set; what was to happen in a second still does.
  void clock_moved(std::int64_t by_ms);

  QueueOutput take();

 private:
  struct Entry {
    Command command;
    int sent_count = 0;
    int shots_failed = 0;
    int busy_count = 0;  // times that the camera was taking another photo
    std::int64_t last_ms = 0;  // of the last sign of life
    std::int64_t told_ms = 0;  // progress
    std::int64_t since_ms = 0;  // when it was ordered
    bool in_camera = false;     // its photo was offered: the camera keeps it
    std::uint32_t photo_id = 0;  // as it was offered; 0: not known
  };
  struct Line {
    protocol::Dialect dialect = protocol::Dialect::native;
    Link link = Link::unknown;
    std::vector<Entry> waiting;  // the next one first
    std::optional<Entry> active;
    std::vector<Entry> kept;  // their photos wait in the camera, oldest first
    std::int64_t not_before_ms = 0;

    bool is_empty() const { return waiting.empty() && !active && kept.empty(); }
  };

  // The line of a device that is to get a command.
  Line& open(const std::string& device);
  Line* find(const std::string& device);
  const Line* find(const std::string& device) const;
  // Makes a waiting command the active one when the device itself speaks of it.
  Entry* activate(const std::string& device, std::int64_t command);
  // The one that the device speaks of: kept, under way, or waiting.
  Entry* entry_of(const std::string& device, std::int64_t command);
  void give_up(Line& line, std::int64_t command, std::string reason, std::int64_t now_ms);
  void keep(Line& line, Entry entry, std::string reason, std::int64_t now_ms);
  void run_out(Line& line, const std::string& reason, std::int64_t now_ms);
  void tick_kept(Line& line, std::int64_t now_ms);
  void set(Entry& entry, State state, std::int64_t now_ms, std::string reason = {});
  void change(Command& command, std::int64_t now_ms);
  void send(Line& line, std::int64_t now_ms);
  void finish(Line& line, State state, const std::string& reason, std::int64_t now_ms);
  void back_to_waiting(Line& line, std::int64_t now_ms, const std::string& reason);
  void tick_active(Line& line, std::int64_t now_ms);
  void tick_waiting(Line& line, std::int64_t now_ms);
  std::int64_t patience_ms(const Line& line) const;

  QueueLimits limits_;
  metrics::Metrics& metrics_;
  std::unordered_map<std::string, Line> lines_;
  std::unordered_set<std::string> busy_;  // those with a command, and maybe some without
  std::unordered_map<std::int64_t, Command> unread_;  // stored, not read yet
  QueueOutput output_;
  bool connected_ = false;
};

}  // namespace meterlens::command
