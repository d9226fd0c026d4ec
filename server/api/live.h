// Live clients (Server-Sent Events): one thread turns changes into event texts and hands them to
// every client. Memory is bounded: changes of the same thing are joined, a client with too much
// unsent is dropped, and when changes come faster than they can be told, all clients are dropped,
// so that they come again and ask for everything. Those who opened streams are judged all the time,
// some of them at once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/api/api.h"

namespace meterlens::api {

// One client's connection. Used by one thread at a time.
class Stream {
 public:
  virtual ~Stream() = default;
  // Queues text; never waits.
  virtual void send(std::shared_ptr<const std::string> text) = 0;
  // Given to send() and not yet taken by the kernel.
  virtual std::size_t pending_bytes() const = 0;
  virtual bool is_broken() const = 0;
  virtual void close() = 0;
};

class Live {
 public:
  // The JSON of a changed thing, or nothing when it is gone. Called on the live thread.
  using Render = std::function<std::optional<std::string>(Subject, const std::string& id)>;

  struct Limits {
    int client_count_max = 64;
    std::size_t pending_bytes_max = 1 << 20;
    std::size_t change_count_max = 4096;
    int heartbeat_ms = 10'000;
    int judge_ms = 2'000;  // each client is judged so often
  };

  Live(Render render, const Limits& limits);
  ~Live();

  // False when there are too many: the stream is closed. `may_see`: whether it gets an event;
  // empty: all. `still`: whether who opened it may go on, nothing when that cannot be told now;
  // empty: for ever. Both are called on the live thread.
  using MaySee = std::function<bool(const std::string& json)>;
  using Still = std::function<std::optional<bool>()>;
  bool add(std::unique_ptr<Stream> stream, MaySee may_see = {}, Still still = {});
  bool is_full() const;
  int count() const;
  void changed(Subject subject, const std::string& id);
  // Closes all streams; further ones are refused.
  void close();

 private:
  using Change = std::pair<Subject, std::string>;
  using Clock = std::chrono::steady_clock;

  void run();
  struct Client {
    std::unique_ptr<Stream> stream;
    MaySee may_see;
    Still still;
    Clock::time_point judge_at;
  };
  // When a client is to be judged next, or sooner.
  Clock::time_point next_judging() const;
  // Ends streams that may not go on, of those whose time has come; free of the lock while it asks.
  void judge(std::unique_lock<std::mutex>& lock);
  // `json`: of an event, else empty.
  void send_to_all(const std::shared_ptr<const std::string>& text, const std::string& json);
  void drop_all();

  const Render render_;
  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Change> changes_;      // in the order of their first coming
  std::set<Change> waiting_;         // the same, to join them
  std::vector<Client> clients_;
  bool overflowed_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace meterlens::api
