#include "server/ingest/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

#include "server/ingest/broker_access.h"

namespace meterlens::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
constexpr milliseconds broker_pause_first{250}, broker_pause_most{30'000}, long_life{60'000};
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

std::optional<sockaddr_in> address_of(const std::string& text, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) return std::nullopt;
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

// In the child, between fork and exec.
void become_broker(const char* program, const std::vector<int>& kept_fds, const char* file,
                   const passwd* user, pid_t parent) {
  // Sockets and files of the server are none of the broker's.
  unsigned next = 3;
  for (const int fd : kept_fds) {
    const auto kept = static_cast<unsigned>(fd);
    if (kept > next) close_range(next, kept - 1, 0);
    fcntl(fd, F_SETFD, 0);
    next = kept + 1;
  }
  close_range(next, ~0u, 0);
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

struct Broker::Guard {
  BrokerSettings settings;
  std::string program;
  BrokerFiles files;
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
  milliseconds wait = broker_pause_first;
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
    spdlog::error(fmt::format("broker: {} ended (status {}); starting it again in {} ms", program,
                              status, wait.count()));
    if (steady_clock::now() - started > long_life) wait = broker_pause_first;
    if (!pause(wait)) return;
    wait = std::min(wait * 2, broker_pause_most);
  }
}

int Broker::Guard::spawn() {
  const std::string file = files.configuration.path();
  const std::vector<int> fds = files.fds();
  const passwd* user = geteuid() == 0 ? getpwnam("mosquitto") : nullptr;
  const pid_t parent = getpid();
  const pid_t process = fork();
  if (process == 0) become_broker(program.c_str(), fds, file.c_str(), user, parent);
  return process;
}

bool Broker::Guard::pause(milliseconds time) {
  std::unique_lock lock(mutex);
  return !changed.wait_for(lock, time, [this] { return stopping; });
}

Broker::Broker(std::unique_ptr<Guard> guard) : guard_(std::move(guard)) {}

namespace {

// Nothing when the port can be had.
std::optional<BrokerError> port_error(const std::string& address_text, int port) {
  using enum BrokerErrorCode;
  const auto address = address_of(address_text, port);
  if (!address)
    return BrokerError{did_not_start,
                       fmt::format("broker address '{}' is not an IPv4 address", address_text)};
  const int reason = wait_for_port(*address);
  if (reason == 0) return std::nullopt;
  return BrokerError{
      port_in_use,
      fmt::format("the broker's port {} on {} cannot be opened ({}): stop the program that uses "
                  "it, or choose another port in the settings, or set an external broker",
                  port, address_text, std::strerror(reason))};
}

}  // namespace

std::expected<std::unique_ptr<Broker>, BrokerError> Broker::start(const BrokerSettings& settings) {
  using enum BrokerErrorCode;
  if (auto error = port_error(settings.address, settings.port))
    return std::unexpected(*std::move(error));
  if (settings.tls_port != 0)
    if (auto error = port_error(settings.tls_address, settings.tls_port))
      return std::unexpected(*std::move(error));
  const std::string program = find_program(settings.program);
  if (program.empty())
    return std::unexpected(BrokerError{
        no_program,
        "mosquitto was not found: install it (Debian: apt install mosquitto), or set an "
        "external broker in the settings"});
  auto guard = std::make_unique<Guard>();
  guard->settings = settings;
  guard->program = program;
  BrokerFiles& files = guard->files;
  const std::string configuration = configuration_text(settings, files);
  if (!files.configuration.write(configuration) || !files.users.write(users_text(settings.users)) ||
      !files.topics.write(topics_text()) || !files.certificate.write(settings.certificate) ||
      !files.key.write(settings.key))
    return std::unexpected(BrokerError{folder, "no memory for the broker's files"});
  std::error_code error;
  std::filesystem::create_directories(settings.folder, error);
  std::ofstream file(std::filesystem::path(settings.folder) / "mosquitto.conf");
  if (!(file << configuration) || !file.flush())
    return std::unexpected(BrokerError{
        folder, fmt::format("cannot write to {}: check that the folder exists and may be written",
                            settings.folder)});
  guard->thread = std::thread([g = guard.get()] { g->run(); });
  auto broker = std::unique_ptr<Broker>(new Broker(std::move(guard)));
  const auto deadline = steady_clock::now() + start_time;
  while (steady_clock::now() < deadline) {
    if (accepts(*address_of(settings.address, settings.port))) return broker;
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

void Broker::set_users(std::vector<BrokerUser> users) {
  const std::lock_guard lock(guard_->mutex);
  if (!guard_->files.users.write(users_text(users)))
    spdlog::error("broker: the list of users cannot be written; it stays as it was");
  // One that is just starting reads the file anyway.
  if (const int process = guard_->child) kill(process, SIGHUP);
}

void Broker::set_certificate(const std::string& chain, const std::string& key) {
  const std::lock_guard lock(guard_->mutex);
  BrokerFiles& files = guard_->files;
  if (!files.certificate.write(chain) || !files.key.write(key))
    spdlog::error("broker: its new certificate cannot be written; restart meterlens");
  if (const int process = guard_->child) kill(process, SIGHUP);
}

int Broker::process() const { return guard_->child; }

}  // namespace meterlens::ingest
