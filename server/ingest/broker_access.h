// Inside ingest/: the embedded broker's files, as text and as files that exist only in memory, so
// that no secret lies on a disk and the broker's own user can read them wherever the server runs.
#pragma once

#include <string>
#include <vector>

#include "server/ingest/broker.h"

namespace meterlens::ingest {

// A file in memory, which children inherit only when told to.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  int fd() const { return fd_; }  // -1: the system has none
  // How whoever inherits it opens it.
  std::string path() const;
  // In place of what was there.
  bool write(const std::string& text);

 private:
  int fd_;
};

struct BrokerFiles {
  MemoryFile configuration{"mosquitto.conf"}, users{"users"}, topics{"topics"};
  MemoryFile certificate{"certificate"}, key{"key"};

  std::vector<int> fds() const;  // in rising order
};

std::string users_text(const std::vector<BrokerUser>& users);
// Who may do what: `server_user` everything, a device what is its own in both dialects.
std::string topics_text();
std::string configuration_text(const BrokerSettings& settings, const BrokerFiles& files);

}  // namespace meterlens::ingest
