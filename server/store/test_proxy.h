// For the tests of store/: stands between the store and a PostgreSQL server, and loses connections.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace meterlens::store::test {

// Listens in `folder` and forwards to the server's socket in `server`.
class Proxy {
 public:
  Proxy(const std::filesystem::path& folder, const std::string& server)
      : here_(folder / ".s.PGSQL.5432"), there_(server + "/.s.PGSQL.5432") {
    listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(here_);
    EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~Proxy() {
    stopping_ = true;
    thread_.join();
    for (const auto& pair : pairs_) close_pair(pair);
    close(listener_);
    unlink(here_.c_str());
  }

  // The answers to the next COMMITs never arrive: the connection ends instead.
  void swallow_commits(int count) { swallow_ = count; }
  // And nobody is let in any more.
  void swallow_commit_and_refuse() {
    refuse_then_ = true;
    swallow_commits(1);
  }
  bool has_swallowed() const { return has_swallowed_; }
  // Ends all connections, and accepts no others until it is allowed again.
  void refuse(bool yes) { refuse_ = yes; }

 private:
  using Pair = std::array<int, 2>;  // the store's end, the server's end

  static sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
  }
  static void close_pair(const Pair& pair) {
    for (const int end : pair) close(end);
  }

  void run() {
    while (!stopping_) {
      if (refuse_) {
        for (const auto& pair : pairs_) close_pair(pair);
        pairs_.clear();
      }
      std::vector<pollfd> ends{{listener_, POLLIN, 0}};
      for (const auto& pair : pairs_)
        for (const int end : pair) ends.push_back({end, POLLIN, 0});
      poll(ends.data(), ends.size(), 10);
      const auto count = pairs_.size();
      std::vector<bool> gone(count);
      for (std::size_t i = 0; i < 2 * count; ++i)
        if (ends[i + 1].revents != 0 && !forward(pairs_[i / 2], i % 2)) gone[i / 2] = true;
      for (std::size_t i = count; i-- > 0;) {
        if (!gone[i]) continue;
        close_pair(pairs_[i]);
        pairs_.erase(pairs_.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (ends[0].revents != 0) accept_one();
    }
  }

  void accept_one() {
    const int client = accept(listener_, nullptr, nullptr);
    if (refuse_) {
      close(client);
      return;
    }
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    const auto address = address_of(there_);
    EXPECT_EQ(connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    pairs_.push_back({client, server});
  }

  // False when the pair is to end.
  bool forward(const Pair& pair, std::size_t from) {
    std::array<char, 65536> buffer;
    const ssize_t count = read(pair[from], buffer.data(), buffer.size());
    if (count <= 0) return false;
    const std::string_view words(buffer.data(), static_cast<std::size_t>(count));
    // With the zero at its end: BEGIN names READ COMMITTED.
    const bool is_commit = from == 0 && words.contains(std::string_view("COMMIT", 7));
    if (write(pair[1 - from], words.data(), words.size()) != count) return false;
    if (!is_commit || swallow_ == 0) return true;
    --swallow_;
    has_swallowed_ = read(pair[1], buffer.data(), buffer.size()) > 0;
    if (refuse_then_.exchange(false)) refuse_ = true;
    return false;
  }

  const std::string here_, there_;
  int listener_ = -1;
  std::atomic<bool> stopping_ = false, has_swallowed_ = false, refuse_ = false,
                    refuse_then_ = false;
  std::atomic<int> swallow_ = 0;
  std::vector<Pair> pairs_;
  std::thread thread_;
};

}  // namespace meterlens::store::test
