#include "boards/linux/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace meterlens::boards {
std::filesystem::path default_state(const std::string& program, std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  if (home != nullptr && *home != '\0') folder = std::filesystem::path(home) / ".local/state";
  if (state != nullptr && *state != '\0') folder = state;
  return folder / "meterlens" / (program + "_" + name);
}

StateFolder::StateFolder(const std::filesystem::path& folder, int lock)
    : areas_(folder), run_(folder), lock_(lock) {}

StateFolder::~StateFolder() { close(lock_); }

std::expected<std::unique_ptr<StateFolder>, std::string> StateFolder::open(
    const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string name = (folder / "lock").string();
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return std::unexpected(fmt::format("{}: {}", name, std::strerror(errno)));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return std::unexpected(
        fmt::format("{}: another program keeps its settings there", folder.string()));
  }
  return std::unique_ptr<StateFolder>(new StateFolder(folder, lock));
}

}  // namespace meterlens::boards
