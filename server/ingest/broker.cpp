#include "server/ingest/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace meterlens::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds pause_first{250}, pause_most{30'000}, long_life{60'000};
constexpr milliseconds start_time{5000}, stop_time{3000}, port_time{1500};

// A socket that closes itself.
class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::optional<sockaddr_in> address_of(const BrokerSettings& settings) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(settings.port));
  if (inet_pton(AF_INET, settings.address.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return address;
}

// 0, or the reason (errno) why the port cannot be had.
int try_port(const sockaddr_in& address) {
  const Socket probe;
  const int on = 1;
  setsockopt(probe.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno;
  return listen(probe.fd(), 1) == 0 ? 0 : errno;
}

// The broker of a server that was killed a moment ago may not be gone yet.
int wait_for_port(const sockaddr_in& address) {
  const auto deadline = steady_clock::now() + port_time;
  for (;;) {
    const int reason = try_port(address);
    if (reason != EADDRINUSE || steady_clock::now() > deadline) return reason;
    std::this_thread::sleep_for(milliseconds(50));
  }
}

bool accepts(sockaddr_in address) {
  if (address.sin_addr.s_addr == htonl(INADDR_ANY))
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Socket probe;
  return connect(probe.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

std::string find_program(const std::string& wanted) {
  if (!wanted.empty()) return access(wanted.c_str(), X_OK) == 0 ? wanted : std::string();
  std::string folders = "/usr/sbin:/usr/local/sbin:/usr/bin";
  if (const char* path = std::getenv("PATH")) folders += std::string(":") + path;
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', at), folders.size());
    const std::string program = folders.substr(at, end - at) + "/mosquitto";
    if (access(program.c_str(), X_OK) == 0) return program;
    at = end + 1;
  }
  return {};
}

// An open file descriptor with the text, readable by whoever inherits it.
int text_in_memory(const std::string& text) {
  const int fd = memfd_create("mosquitto.conf", 0);
  if (fd < 0) return -1;
  fchmod(fd, 0444);
  [[maybe_unused]] const auto written = write(fd, text.data(), text.size());
  return fd;
}

// In the child, between fork and exec.
void become_broker(const char* program, int settings_fd, const char* file, const passwd* user,
                   pid_t parent) {
  // Sockets and files of the server are none of the broker's.
  close_range(3, static_cast<unsigned>(settings_fd) - 1, 0);
  close_range(static_cast<unsigned>(settings_fd) + 1, ~0u, 0);
  if (user != nullptr) {
    // Before the death signal is set: a change of user would clear it.
    if (setgroups(0, nullptr) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
      _exit(126);
  }
  // It has nothing to save, and its port must be free when the server comes back at once.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execl(program, program, "-c", file, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

std::string broker_configuration(const BrokerSettings& settings) {
  return fmt::format(
      "# Written at each start of meterlens; changes are lost.\n"
      "listener {} {}\n"
      "allow_anonymous true\n"
      "set_tcp_nodelay true\n"
      "persistence false\n"
      "# Presence of devices without a last will is read from these.\n"
      "log_dest topic\n"
      "log_type error\n"
      "log_type warning\n"
      "log_type notice\n"
      "max_queued_messages {}\n"
      "max_inflight_messages 100\n"
      "max_packet_size 2097152\n"
      "memory_limit {}\n",
      settings.port, settings.address, settings.queued_messages_max, settings.memory_bytes_max);
}

struct Broker::Guard {
  BrokerSettings settings;
  std::string program;
  std::string configuration;
  std::atomic<int> child{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  std::thread thread;

  void run();
  int spawn();
  bool pause(milliseconds time);
};

// The death signal comes when the thread that forked ends: so this one forks, and lives on.
void Broker::Guard::run() {
  milliseconds wait = pause_first;
  for (;;) {
    const auto started = steady_clock::now();
    const int process = spawn();
    int status = 0;
    if (process > 0) {
      child = process;
      while (waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
      child = 0;
    }
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
    }
    spdlog::error("broker: {} ended (status {}); starting it again in {} ms", program, status,
                  wait.count());
    if (steady_clock::now() - started > long_life) wait = pause_first;
    if (!pause(wait)) return;
    wait = std::min(wait * 2, pause_most);
  }
}

int Broker::Guard::spawn() {
  const int fd = text_in_memory(configuration);
  if (fd < 3) return -1;
  const std::string file = fmt::format("/proc/self/fd/{}", fd);
  const passwd* user = geteuid() == 0 ? getpwnam("mosquitto") : nullptr;
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process == 0) become_broker(program.c_str(), fd, file.c_str(), user, parent);
  close(fd);
  return process;
}

bool Broker::Guard::pause(milliseconds time) {
  std::unique_lock lock(mutex);
  return !changed.wait_for(lock, time, [this] { return stopping; });
}

Broker::Broker(std::unique_ptr<Guard> guard) : guard_(std::move(guard)) {}

std::expected<std::unique_ptr<Broker>, BrokerError> Broker::start(const BrokerSettings& settings) {
  using enum BrokerErrorCode;
  const auto address = address_of(settings);
  if (!address)
    return std::unexpected(
        BrokerError{did_not_start,
                    fmt::format("broker address '{}' is not an IPv4 address", settings.address)});
  if (const int reason = wait_for_port(*address); reason != 0)
    return std::unexpected(BrokerError{
        port_in_use,
        fmt::format("the broker's port {} on {} cannot be opened ({}): stop the program that uses "
                    "it, or choose another port in the settings, or set an external broker",
                    settings.port, settings.address, std::strerror(reason))});
  const std::string program = find_program(settings.program);
  if (program.empty())
    return std::unexpected(BrokerError{
        no_program,
        "mosquitto was not found: install it (Debian: apt install mosquitto), or set an "
        "external broker in the settings"});
  auto guard = std::make_unique<Guard>();
  guard->settings = settings;
  guard->program = program;
  guard->configuration = broker_configuration(settings);
  std::error_code error;
  std::filesystem::create_directories(settings.folder, error);
  std::ofstream file(std::filesystem::path(settings.folder) / "mosquitto.conf");
  if (!(file << guard->configuration) || !file.flush())
    return std::unexpected(BrokerError{
        folder, fmt::format("cannot write to {}: check that the folder exists and may be written",
                            settings.folder)});
  guard->thread = std::thread([g = guard.get()] { g->run(); });
  auto broker = std::unique_ptr<Broker>(new Broker(std::move(guard)));
  const auto deadline = steady_clock::now() + start_time;
  while (steady_clock::now() < deadline) {
    if (accepts(*address)) return broker;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return std::unexpected(BrokerError{
      did_not_start, fmt::format("{} does not accept connections on port {}; try it by hand with "
                                 "-c {}/mosquitto.conf -v",
                                 program, settings.port, settings.folder)});
}

Broker::~Broker() {
  {
    const std::lock_guard lock(guard_->mutex);
    guard_->stopping = true;
  }
  guard_->changed.notify_all();
  const auto deadline = steady_clock::now() + stop_time;
  int signal = SIGTERM;
  while (const int process = guard_->child) {
    kill(process, signal);
    std::this_thread::sleep_for(milliseconds(20));
    if (steady_clock::now() > deadline) signal = SIGKILL;
  }
  guard_->thread.join();
}

int Broker::process() const { return guard_->child; }

}  // namespace meterlens::ingest
