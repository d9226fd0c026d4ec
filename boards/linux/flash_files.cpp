#include "boards/linux/flash_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meterlens::boards {
namespace {

// Closes a file when it goes out of scope.
struct File {
  int number;
  explicit File(int opened) : number(opened) {}
  ~File() {
    if (number >= 0) close(number);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

}  // namespace

FlashFiles::FlashFiles(std::filesystem::path folder, int lock)
    : folder_(std::move(folder)), areas_(folder_), run_(folder_), lock_(lock) {}

FlashFiles::~FlashFiles() { close(lock_); }

std::expected<std::unique_ptr<FlashFiles>, std::string> FlashFiles::open(
    std::filesystem::path folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string name = (folder / "lock").string();
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0) return std::unexpected(fmt::format("{}: {}", name, std::strerror(errno)));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return std::unexpected(
        fmt::format("{}: another camera program keeps its photos there", folder.string()));
  }
  return std::unique_ptr<FlashFiles>(new FlashFiles(std::move(folder), lock));
}

MeterlensFlash FlashFiles::port() {
  MeterlensFlash flash{};
  flash.context = this;
  flash.slot_count = slot_count;
  flash.slot_bytes = slot_bytes;
  flash.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* out,
                  std::uint32_t bytes) {
    return static_cast<FlashFiles*>(self)->read(slot, offset, out, bytes);
  };
  flash.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                     std::uint32_t bytes) {
    return static_cast<FlashFiles*>(self)->program(slot, offset, data, bytes);
  };
  flash.erase = [](void* self, std::uint32_t slot) {
    return static_cast<FlashFiles*>(self)->erase(slot);
  };
  return flash;
}

std::filesystem::path FlashFiles::file_of(std::uint32_t slot) const {
  return folder_ / fmt::format("slot_{:02}.bin", slot);
}

bool FlashFiles::read(std::uint32_t slot, std::uint32_t offset, void* out, std::uint32_t bytes) {
  std::memset(out, 0xFF, bytes);
  const File file(::open(file_of(slot).c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) return errno == ENOENT;
  return pread(file.number, out, bytes, offset) >= 0;
}

// The gap that a file keeps before bytes programmed ahead of it must read as erased.
bool FlashFiles::program(std::uint32_t slot, std::uint32_t offset, const void* data,
                         std::uint32_t bytes) {
  const File file(::open(file_of(slot).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file.number < 0) return false;
  off_t end = lseek(file.number, 0, SEEK_END);
  const std::string erased(4096, '\xFF');
  while (end >= 0 && end < offset) {
    const auto gap = std::min<std::size_t>(erased.size(), static_cast<std::size_t>(offset - end));
    if (pwrite(file.number, erased.data(), gap, end) != static_cast<ssize_t>(gap)) return false;
    end += static_cast<off_t>(gap);
  }
  return end >= 0 && pwrite(file.number, data, bytes, offset) == static_cast<ssize_t>(bytes) &&
         fdatasync(file.number) == 0;
}

int FlashFiles::erase(std::uint32_t slot) {
  return unlink(file_of(slot).c_str()) == 0 || errno == ENOENT ? 1 : -1;
}

}  // namespace meterlens::boards
