#include "app/service.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>

namespace meterlens::app {
namespace {

// Of the service manager, as meet_service() found it.
std::string notify_socket;

// The journal's level as a prefix of the line.
class JournalLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    out.append(prefix(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalLevel>();
  }

 private:
  static std::string_view prefix(spdlog::level::level_enum level) {
    if (level >= spdlog::level::critical) return "<2>";
    if (level == spdlog::level::err) return "<3>";
    if (level == spdlog::level::warn) return "<4>";
    return level == spdlog::level::info ? "<6>" : "<7>";
  }
};

// $JOURNAL_STREAM is also inherited by programs whose output has been sent elsewhere.
bool stdout_is_journal() {
  const char* stream = getenv("JOURNAL_STREAM");
  struct stat found {};
  if (stream == nullptr || fstat(STDOUT_FILENO, &found) != 0) return false;
  return fmt::format("{}:{}", found.st_dev, found.st_ino) == stream;
}

}  // namespace

void meet_service() {
  const char* name = getenv("NOTIFY_SOCKET");
  if (name != nullptr) notify_socket = name;
  unsetenv("NOTIFY_SOCKET");
}

bool is_service() { return !notify_socket.empty(); }

void tell_service(std::string_view state) {
  const std::string& name = notify_socket;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (!name.starts_with('/') && !name.starts_with('@')) return;
  if (name.size() >= sizeof address.sun_path) return;
  memcpy(address.sun_path, name.data(), name.size());
  if (name[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int file = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (file < 0) return;
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  [[maybe_unused]] const auto sent =
      sendto(file, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
             reinterpret_cast<const sockaddr*>(&address), bytes);
  close(file);
}

Starting::Starting() {
  if (!is_service()) return;
  thread_ = std::thread([this] {
    constexpr std::chrono::seconds every{20};
    std::unique_lock lock(mutex_);
    do tell_service("EXTEND_TIMEOUT_USEC=60000000");
    while (!ended_.wait_for(lock, every, [this] { return ending_; }));
  });
}

Starting::~Starting() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void start_log(const std::string& level) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  if (stdout_is_journal()) {
    formatter->add_flag<JournalLevel>('*').set_pattern("%*%v");
  } else {
    formatter->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  }
  spdlog::set_formatter(std::move(formatter));
  spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace meterlens::app
