#include "boards/linux/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace meterlens::boards {
namespace {

constexpr const char* ended_word = "ended";

std::string first_word(const std::filesystem::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

// Another one each time that the system starts.
std::string boot_id() { return first_word("/proc/sys/kernel/random/boot_id"); }

}  // namespace

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

StateFolder::StateFolder(std::filesystem::path folder, int lock)
    : folder_(std::move(folder)), areas_(folder_), lock_(lock) {}

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
  std::unique_ptr<StateFolder> state(new StateFolder(folder, lock));
  state->begin();
  return state;
}

void StateFolder::begin() {
  const std::string last = first_word(folder_ / "run");
  if (!last.empty())
    reset_cause_ = last == boot_id() ? METERLENS_RESET_CRASH : METERLENS_RESET_POWER_ON;
  if (last == ended_word) reset_cause_ = METERLENS_RESET_RESTART;
  std::ofstream(folder_ / "run") << boot_id() << '\n';
}

void StateFolder::ended() { std::ofstream(folder_ / "run") << ended_word << '\n'; }

}  // namespace meterlens::boards
