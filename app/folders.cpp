#include "app/folders.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

std::unexpected<std::string> no_photos_into(const fs::path& folder, const std::string& reason) {
  const std::string name = fs::absolute(folder).string();
  return std::unexpected(fmt::format(
      "photos cannot be written into the folder {}: {}; give it to the server's user, or name "
      "another one with photo_folder in [storage]; a systemd unit must also have "
      "ReadWritePaths={} (systemctl edit meterlens)", name, reason, name));
}

}  // namespace

std::expected<void, std::string> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!error) return {};
  return std::unexpected(fmt::format("cannot make the folder {}: {}; make it, or name another one "
                                     "in [storage]", folder.string(), error.message()));
}

std::expected<void, std::string> make_photo_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return no_photos_into(folder, error.message());
  const fs::path probe = folder / fmt::format(".try-{}", getpid());
  const int file = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 && errno != ENOSPC && errno != EDQUOT)
    return no_photos_into(folder, std::strerror(errno));
  if (file >= 0) close(file);
  fs::remove(probe, error);
  return {};
}

FolderLock::~FolderLock() { close(file_); }

std::expected<std::unique_ptr<FolderLock>, std::string> FolderLock::take(const fs::path& folder) {
  const std::string name = (folder / "lock").string();
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return std::unexpected(
        fmt::format("cannot write {}: {}; give the folder to the server's user, or name another "
                    "one with data_folder in [storage]", name, std::strerror(errno)));
  }
  std::unique_ptr<FolderLock> lock(new FolderLock(file));
  if (flock(file, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return std::unexpected(
        fmt::format("another server runs with the data folder {}: stop it first, or name another "
                    "folder with data_folder in [storage]", fs::absolute(folder).string()));
  }
  spdlog::warn(
      fmt::format("{} cannot be locked ({}): see to it that no second server runs with this folder",
                  name, std::strerror(errno)));
  return lock;
}

}  // namespace meterlens::app
