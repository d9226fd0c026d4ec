// The production server's steps, from an MQTT message to a committed photo, in virtual time and
// without threads: what two threads do in `serve` happens here in turns. It can be killed between
// any two writes of its store, and is started again on the same files.
// Owns the steps and the store; the folder is the caller's. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "server/steps.h"
#include "sim/broker.h"
#include "sim/events.h"

namespace meterlens::sim {

// A command whose photo is not heard of for so long is given up here; in earnest after a day.
inline constexpr std::int64_t given_up_ms = 900'000;

class Server {
 public:
  struct Hooks {
    std::function<void(std::int64_t row)> photo;  // a row of the store that is new or seen again
    std::function<void()> started;                // the store can be asked
    std::function<void(const std::string&)> broken;  // a bound that did not hold
  };
  // In place of the server's own.
  struct Limits {
    std::size_t photos_in_flight_max = 4096;
    std::size_t photo_bytes_in_flight_max = std::size_t{256} << 20;
  };

  Server(Events& events, Broker& broker, std::filesystem::path folder, Hooks hooks,
         const Limits& limits);
  Server(Events& events, Broker& broker, std::filesystem::path folder, Hooks hooks)
      : Server(events, broker, std::move(folder), std::move(hooks), Limits{}) {}
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start();
  bool running() const { return steps_ != nullptr; }
  // The process ends at once after so many more writes of its store or of 4 KB of a file: before
  // it writes again or sends an answer. Committed is what was committed, a file that was begun
  // stays as it is; it is back after `away_us`.
  void kill_at_write(int writes, std::int64_t away_us);
  void restore();  // no more kills; back at once
  int writes() const { return writes_; }
  // The disk takes no file for so long.
  void fill_disk(std::int64_t full_us);
  void jump_clock(std::int64_t by_ms) { clock_offset_ms_ += by_ms; }
  // Orders a photo, as the API does. false: there is no server, or it will not.
  bool capture(const std::string& device);

  // Only while running.
  store::Store& store() { return *store_; }
  const metrics::Metrics& metrics() const { return metrics_; }
  // As people are shown it; nothing for an unknown device.
  std::optional<bool> online(const std::string& device) const;

 private:
  struct Killed {};

  void open();
  void end(std::int64_t away_us);
  void connect();
  void link_changed();
  void message(std::string_view topic, protocol::Bytes payload);
  void turn_after(std::int64_t delay_us);
  void turn();
  void count_write();
  void changed(const server::Change& change);
  void read_after(std::int64_t delay_us);
  void read_photos();
  bool busy() const;
  void check_bounds();
  // Runs `work`; ends the server if it is killed in it.
  void guard(const std::function<void()>& work);
  std::int64_t unix_ms() const;

  Events& events_;
  Broker& broker_;
  std::filesystem::path folder_;
  Hooks hooks_;
  Limits limits_;
  Broker::Client client_;
  metrics::Metrics metrics_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<server::Pipeline::Steps> steps_;
  std::set<std::string> ordered_;  // devices with commands that are not final
  bool linked_ = false;
  std::int64_t clock_offset_ms_ = 0;
  std::int64_t turn_at_us_ = -1;
  std::uint64_t number_ = 0;  // of its starts
  int writes_ = 0;
  int writes_left_ = -1;
  std::int64_t kill_away_us_ = 0;
  std::int64_t disk_full_until_us_ = 0;
};

}  // namespace meterlens::sim
