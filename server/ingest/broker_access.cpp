#include "server/ingest/broker_access.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace meterlens::ingest {
namespace {

// Of every listener. With the user's name as client id nobody can push another one out.
std::string doors_text(const BrokerSettings& settings) {
  return settings.open ? "" : "use_username_as_clientid true\n";
}

}  // namespace

MemoryFile::MemoryFile(const char* name) : fd_(memfd_create(name, MFD_CLOEXEC)) {
  if (fd_ >= 0) fchmod(fd_, 0444);
}

MemoryFile::~MemoryFile() {
  if (fd_ >= 0) close(fd_);
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", fd_); }

bool MemoryFile::write(const std::string& text) {
  if (fd_ < 0 || ftruncate(fd_, 0) != 0) return false;
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t written =
        pwrite(fd_, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (written <= 0) return false;
    at += static_cast<std::size_t>(written);
  }
  return true;
}

std::vector<int> BrokerFiles::fds() const {
  std::vector<int> out{configuration.fd(), users.fd(), topics.fd(), certificate.fd(), key.fd()};
  std::ranges::sort(out);
  return out;
}

std::string users_text(const std::vector<BrokerUser>& users) {
  std::string out;
  for (const auto& user : users) out += user.name + ":" + user.hash + "\n";
  return out;
}

std::string topics_text() {
  return fmt::format(
      "user {0}\n"
      "topic readwrite #\n"
      "topic read $SYS/#\n"
      "pattern write meterlens/%u/up\n"
      "pattern write meterlens/%u/status\n"
      "pattern read meterlens/%u/down\n"
      "pattern write +/%u/event\n"
      "pattern read +/%u/control\n",
      server_user);
}

std::string configuration_text(const BrokerSettings& settings, const BrokerFiles& files) {
  std::string out = fmt::format(
      "# Written at each start of meterlens; changes are lost. Files under /proc/self/fd are in\n"
      "# the server's memory: to try this by hand, name others.\n"
      "listener {} {}\n{}",
      settings.port, settings.address, doors_text(settings));
  if (settings.tls_port != 0)
    out += fmt::format("listener {} {}\n{}certfile {}\nkeyfile {}\ntls_version tlsv1.2\n",
                       settings.tls_port, settings.tls_address, doors_text(settings),
                       files.certificate.path(), files.key.path());
  if (settings.open)
    out += "allow_anonymous true\n";
  else
    out += fmt::format("allow_anonymous false\npassword_file {}\nacl_file {}\n",
                       files.users.path(), files.topics.path());
  return out + fmt::format(
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
      settings.queued_messages_max, settings.memory_bytes_max);
}

}  // namespace meterlens::ingest
