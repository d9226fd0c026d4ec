#include "boards/linux/image_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>

namespace meterlens::boards {
namespace {

constexpr std::string_view magic = "meterlens-linux ";

// Writes or overwrites a part of a file and makes it durable.
bool write_at(const std::filesystem::path& path, off_t offset, const void* data,
              std::size_t bytes) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return false;
  const bool written = pwrite(file, data, bytes, offset) == static_cast<ssize_t>(bytes) &&
                       fdatasync(file) == 0;
  close(file);
  return written;
}

}  // namespace

std::expected<ImageFiles::State, std::string> ImageFiles::load(const std::filesystem::path& folder,
                                                               std::uint32_t first_version) {
  State state{first_version};
  std::ifstream in(folder / "state");
  if (!in.is_open()) return state;
  in >> state.running >> state.former >> state.offered >> state.on_trial >> state.fell_back;
  if (!in || state.running == 0)
    return std::unexpected(fmt::format("{}/state is damaged: remove it", folder.string()));
  return state;
}

std::expected<std::unique_ptr<ImageFiles>, std::string> ImageFiles::open(
    std::filesystem::path folder, std::uint32_t first_version) {
  std::error_code made;
  std::filesystem::create_directories(folder, made);
  auto state = load(folder, first_version);
  if (!state) return std::unexpected(state.error());
  if (state->offered != 0)
    *state = {state->offered, state->running, 0, true, false};
  else if (state->on_trial)
    *state = {state->former, 0, 0, false, true};
  std::unique_ptr<ImageFiles> images(new ImageFiles(std::move(folder), *state));
  if (!images->save())
    return std::unexpected(
        fmt::format("{} cannot be written: {}", images->folder_.string(), std::strerror(errno)));
  return images;
}

bool ImageFiles::save() {
  const std::string text = fmt::format("{} {} {} {:d} {:d}\n", state_.running, state_.former,
                                       state_.offered, state_.on_trial, state_.fell_back);
  const auto partial = folder_ / "state.new";
  std::error_code error;
  std::filesystem::remove(partial, error);
  if (!write_at(partial, 0, text.data(), text.size())) return false;
  std::filesystem::rename(partial, folder_ / "state", error);
  return !error;
}

MeterlensImages ImageFiles::port() {
  MeterlensImages images{};
  images.context = this;
  images.image_bytes_max = image_bytes_max;
  images.version = state_.running;
  images.on_trial = state_.on_trial;
  images.fell_back = state_.fell_back;
  images.erase = [](void* self) {
    const auto room = static_cast<ImageFiles*>(self)->folder_ / "new.bin";
    return unlink(room.c_str()) == 0 || errno == ENOENT ? 1 : -1;
  };
  images.program = [](void* self, std::uint32_t offset, const void* data, std::uint32_t bytes) {
    return static_cast<ImageFiles*>(self)->program(offset, data, bytes);
  };
  images.read = [](void* self, std::uint32_t offset, void* out, std::uint32_t bytes) {
    return static_cast<ImageFiles*>(self)->read(offset, out, bytes);
  };
  images.try_new = [](void* self) { return static_cast<ImageFiles*>(self)->try_new(); };
  images.confirm = [](void* self) { return static_cast<ImageFiles*>(self)->confirm(); };
  return images;
}

bool ImageFiles::program(std::uint32_t offset, const void* data, std::uint32_t bytes) {
  return offset + bytes <= image_bytes_max && write_at(folder_ / "new.bin", offset, data, bytes);
}

bool ImageFiles::read(std::uint32_t offset, void* out, std::uint32_t bytes) const {
  const int file = ::open((folder_ / "new.bin").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool whole = pread(file, out, bytes, offset) == static_cast<ssize_t>(bytes);
  close(file);
  return whole;
}

bool ImageFiles::try_new() {
  std::string line;
  std::ifstream in(folder_ / "new.bin");
  if (!std::getline(in, line) || !line.starts_with(magic)) return false;
  std::uint32_t version = 0;
  const char* end = line.data() + line.size();
  if (std::from_chars(line.data() + magic.size(), end, version).ptr != end || version == 0)
    return false;
  state_.offered = version;
  return save();
}

bool ImageFiles::confirm() {
  state_.on_trial = state_.fell_back = false;
  return save();
}

MeterlensPower restart_by_exec(char** arguments) {
  MeterlensPower power{};
  power.context = arguments;
  power.reset_cause = METERLENS_RESET_UNKNOWN;
  power.restart = [](void* context) {
    // The loop holds them back; the program that is started would inherit that.
    sigset_t signals;
    sigemptyset(&signals);
    sigprocmask(SIG_SETMASK, &signals, nullptr);
    execv("/proc/self/exe", static_cast<char**>(context));
    _exit(1);
  };
  return power;
}

}  // namespace meterlens::boards
