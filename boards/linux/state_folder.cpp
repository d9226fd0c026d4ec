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

constexpr std::uint32_t area_bytes = 512;
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
    : folder_(std::move(folder)), lock_(lock) {}

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

MeterlensAreas StateFolder::areas() {
  MeterlensAreas areas{};
  areas.context = this;
  areas.bytes = area_bytes;
  areas.read = [](void* self, std::uint8_t area, void* out, std::uint32_t bytes) {
    return static_cast<StateFolder*>(self)->read(area, out, bytes);
  };
  areas.write = [](void* self, std::uint8_t area, const void* data, std::uint32_t bytes) {
    return static_cast<StateFolder*>(self)->write(area, data, bytes);
  };
  return areas;
}

std::filesystem::path StateFolder::area_file(std::uint8_t area) const {
  return folder_ / fmt::format("settings_{}.bin", area);
}

bool StateFolder::read(std::uint8_t area, void* out, std::uint32_t bytes) const {
  std::memset(out, 0xFF, bytes);
  const int file = ::open(area_file(area).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT;
  const bool done = ::read(file, out, bytes) >= 0;
  close(file);
  return done;
}

bool StateFolder::write(std::uint8_t area, const void* data, std::uint32_t bytes) const {
  const int file =
      ::open(area_file(area).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool done =
      ::write(file, data, bytes) == static_cast<ssize_t>(bytes) && fsync(file) == 0;
  return close(file) == 0 && done;
}

}  // namespace meterlens::boards
