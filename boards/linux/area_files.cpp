#include "boards/linux/area_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace meterlens::boards {
namespace {

constexpr std::uint32_t area_bytes = 512;

}  // namespace

MeterlensAreas AreaFiles::port() {
  MeterlensAreas areas{};
  areas.context = this;
  areas.bytes = area_bytes;
  areas.read = [](void* self, std::uint8_t area, void* out, std::uint32_t bytes) {
    return static_cast<AreaFiles*>(self)->read(area, out, bytes);
  };
  areas.write = [](void* self, std::uint8_t area, const void* data, std::uint32_t bytes) {
    return static_cast<AreaFiles*>(self)->write(area, data, bytes);
  };
  return areas;
}

std::filesystem::path AreaFiles::file_of(std::uint8_t area) const {
  return folder_ / fmt::format("settings_{}.bin", area);
}

bool AreaFiles::read(std::uint8_t area, void* out, std::uint32_t bytes) const {
  std::memset(out, 0xFF, bytes);
  const int file = ::open(file_of(area).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == ENOENT;
  const bool done = ::read(file, out, bytes) >= 0;
  close(file);
  return done;
}

bool AreaFiles::write(std::uint8_t area, const void* data, std::uint32_t bytes) const {
  const int file = ::open(file_of(area).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  const bool done =
      ::write(file, data, bytes) == static_cast<ssize_t>(bytes) && fsync(file) == 0;
  return close(file) == 0 && done;
}

}  // namespace meterlens::boards
