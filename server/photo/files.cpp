#include "server/photo/files.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>

#include "server/photo/objects.h"

namespace meterlens::photo {
namespace {

namespace fs = std::filesystem;

// Up to so many photos each file is synced by itself; above, the whole file system once.
constexpr std::size_t few = 8;
// Written at once when somebody is asked before.
constexpr std::size_t part_bytes = 4096;

FileError error_of(int reason, const char* verb, const fs::path& path) {
  FileErrorCode code = FileErrorCode::failed;
  const char* advice = "check the disk";
  if (reason == ENOSPC || reason == EDQUOT) {
    code = FileErrorCode::disk_full;
    advice = "free some space";
  } else if (reason == EROFS || reason == EACCES || reason == EPERM) {
    code = FileErrorCode::read_only;
    advice = "check the folder's owner and permissions";
  } else if (reason == ENOENT) {
    code = FileErrorCode::not_found;
    advice = "check that the folder exists";
  }
  return {code,
          fmt::format("cannot {} {}: {}; {}", verb, path.string(), std::strerror(reason), advice)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

// 0, or the system's reason.
int write_all(int fd, const std::vector<std::uint8_t>& bytes,
              const std::function<bool()>& before_write) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (before_write && !before_write()) return ENOSPC;
    const std::size_t left = bytes.size() - at;
    const ssize_t count =
        ::write(fd, bytes.data() + at, before_write ? std::min(left, part_bytes) : left);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    at += static_cast<std::size_t>(count);
  }
  return 0;
}

int sync_folder(const fs::path& folder, bool whole_file_system) {
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno;
  return (whole_file_system ? syncfs(fd.get()) : fsync(fd.get())) == 0 ? 0 : errno;
}

// The folder's new parents are synced by make_durable's walk up to the root.
int make_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0755) == 0 || errno == EEXIST) return 0;
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? error.value() : 0;
}

}  // namespace

fs::path path_of(const Photo& photo, const Folders& folders) {
  const auto seconds = static_cast<std::time_t>(photo.captured_at_ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  const auto digits = protocol::hex(photo.sha256);
  const bool good = photo.state == PhotoState::stored;
  // Native numbers are never used again; without one the time of arrival tells two shots apart.
  const std::string number = good && photo.photo_id != 0
                                 ? fmt::format("{:08x}", photo.photo_id)
                                 : fmt::format("{:08x}_{}", photo.photo_id, photo.received_at_ms);
  const fs::path images = folders.objects ? fs::path(folders.objects->root() + "/images")
                                            : folders.images;
  const fs::path quarantine =
      folders.objects ? fs::path(folders.objects->root() + "/quarantine") : folders.quarantine;
  return (good ? images : quarantine) / photo.device /
         fmt::format("{:%Y-%m-%d}", utc) /
         fmt::format("{:%H%M%S}_{}_{}.jpg", utc, number, std::string_view(digits.data(), 16));
}

std::expected<void, FileError> Files::write(std::span<Photo> photos) {
  were_there_.clear();
  for (Photo& photo : photos) photo.path.clear();
  if (folders_.objects) return write_objects(photos);
  note_files(photos);
  for (Photo& photo : photos) {
    if (auto written = write_one(photo); !written) {
      remove(photos);
      return written;
    }
  }
  auto durable = make_durable(photos);
  if (!durable) remove(photos);
  return durable;
}

void Files::note_files(std::span<const Photo> photos) {
  for (const Photo& photo : photos) {
    std::error_code ignored;
    const fs::path path = path_of(photo, folders_);
    if (fs::exists(path, ignored)) were_there_.push_back(path.string());
  }
}

std::expected<void, FileError> Files::write_objects(std::span<Photo> photos) {
  std::vector<Object> all;
  for (Photo& photo : photos) {
    photo.path = path_of(photo, folders_).string();
    // Two of one path are one photo, sent twice.
    const bool is_twice = std::ranges::any_of(
        all, [&](const Object& one) { return one.path == photo.path; });
    if (!is_twice) all.push_back({photo.path, photo.bytes});
  }
  auto put = folders_.objects->put(all);
  if (!put) {
    // What of it was there before is not known, so nothing is taken back: no row names what stays,
    // and a photo that is sent again takes its own up.
    for (Photo& photo : photos) photo.path.clear();
    return std::unexpected(put.error());
  }
  were_there_ = *std::move(put);
  return {};
}

std::expected<void, FileError> Files::write_one(Photo& photo) {
  const fs::path path = path_of(photo, folders_);
  const fs::path part = path.parent_path() / (".part-" + path.filename().string());
  const auto open_part = [&] {
    return open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  };
  int fd = open_part();
  if (fd < 0 && errno == ENOENT) {
    if (const int reason = make_folder(path.parent_path()); reason != 0)
      return std::unexpected(error_of(reason, "make folder", path.parent_path()));
    fd = open_part();
  }
  const Descriptor file(fd);
  if (!file) return std::unexpected(error_of(errno, "write", part));
  int reason = write_all(file.get(), photo.bytes, folders_.before_write);
  if (reason == 0 && rename(part.c_str(), path.c_str()) != 0) reason = errno;
  if (reason != 0) {
    unlink(part.c_str());
    return std::unexpected(error_of(reason, "write", path));
  }
  photo.path = path.string();
  return {};
}

// Renamed first and synced after: until the row is committed nobody relies on the name, and a photo
// that comes again overwrites whatever a power cut left there.
std::expected<void, FileError> Files::make_durable(std::span<const Photo> photos) {
  const bool one_by_one = photos.size() <= few;
  std::set<fs::path> folders;
  for (const Photo& photo : photos) {
    const bool good = photo.state == PhotoState::stored;
    const fs::path root = good ? folders_.images : folders_.quarantine;
    if (!one_by_one) {
      folders.insert(root);
      continue;
    }
    const Descriptor file(open(photo.path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || fsync(file.get()) != 0)
      return std::unexpected(error_of(errno, "sync", photo.path));
    const fs::path day = fs::path(photo.path).parent_path();
    folders.insert({day, day.parent_path(), root});
  }
  for (const fs::path& folder : folders) {
    if (const int reason = sync_folder(folder, !one_by_one); reason != 0)
      return std::unexpected(error_of(reason, "sync", folder));
  }
  return {};
}

std::expected<void, FileError> Files::probe() {
  if (folders_.objects) {
    const std::string path = folders_.objects->root() + "/probe";
    constexpr std::array<std::uint8_t, 1> byte{};
    const Object one{path, byte};
    if (const auto put = folders_.objects->put({&one, 1}); !put)
      return std::unexpected(put.error());
    return folders_.objects->remove(path);
  }
  for (const fs::path& folder : {folders_.images, folders_.quarantine}) {
    if (const int reason = make_folder(folder); reason != 0)
      return std::unexpected(error_of(reason, "make folder", folder));
    const fs::path path = folder / ".part-probe";
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return std::unexpected(error_of(errno, "write", path));
    const std::vector<std::uint8_t> bytes(65'536, 0x20);
    int reason = write_all(file.get(), bytes, folders_.before_write);
    if (reason == 0 && fsync(file.get()) != 0) reason = errno;
    unlink(path.c_str());
    if (reason != 0) return std::unexpected(error_of(reason, "write", path));
  }
  return {};
}

void Files::remove(std::span<const Photo> photos) {
  for (const Photo& photo : photos) {
    // What was there before may be another row's.
    if (photo.path.empty() || std::ranges::find(were_there_, photo.path) != were_there_.end())
      continue;
    if (folders_.objects) (void)folders_.objects->remove(photo.path);
    else unlink(photo.path.c_str());
  }
}

std::expected<std::vector<std::uint8_t>, FileError> Files::read(const std::string& path,
                                                                std::size_t bytes_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat facts {};
  if (!file || fstat(file.get(), &facts) != 0)
    return std::unexpected(error_of(errno, "read", path));
  if (facts.st_size < 0 || static_cast<std::size_t>(facts.st_size) > bytes_max)
    return std::unexpected(error_of(EFBIG, "read", path));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(facts.st_size));
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::read(file.get(), bytes.data() + at, bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(error_of(errno, "read", path));
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  bytes.resize(at);
  return bytes;
}

}  // namespace meterlens::photo
