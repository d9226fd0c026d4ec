#include "boards/linux/line.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>

namespace meterlens::boards {
namespace {

constexpr std::int64_t open_again_us = 300'000;
// A stall longer than this is not made up for: a wire does not either.
constexpr std::int64_t catch_up_us = 100'000;
constexpr std::size_t pace_chunk_bytes = 48;
constexpr std::string_view pty_prefix = "pty:";
constexpr std::size_t far_name_bytes = 128;

std::optional<speed_t> speed_of(std::uint32_t baud) {
  switch (baud) {
    case 9600: return B9600;
    case 19200: return B19200;
    case 38400: return B38400;
    case 57600: return B57600;
    case 0:
    case 115200: return B115200;
    case 230400: return B230400;
    case 460800: return B460800;
    case 921600: return B921600;
    default: return std::nullopt;
  }
}

void make_raw(int file, std::uint32_t baud) {
  termios settings{};
  if (tcgetattr(file, &settings) != 0) return;
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  settings.c_cflag &= ~static_cast<tcflag_t>(CRTSCTS | CSTOPB);
  cfsetspeed(&settings, speed_of(baud).value_or(B115200));
  tcsetattr(file, TCSANOW, &settings);
}

// What was written before leaves at the former speed: the wait is that of those bytes.
bool change_speed(int file, speed_t speed) {
  termios settings{};
  if (tcgetattr(file, &settings) != 0) return false;
  cfsetspeed(&settings, speed);
  return tcsetattr(file, TCSADRAIN, &settings) == 0 && tcgetattr(file, &settings) == 0 &&
         cfgetospeed(&settings) == speed;
}

// A UNIX98 pseudo-terminal's far end.
bool is_pty(const struct stat& status) {
  const auto number = major(status.st_rdev);
  return S_ISCHR(status.st_mode) && number >= 136 && number <= 143;
}
bool is_pty(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 && is_pty(status);
}

std::string system_error(const std::string& what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

}  // namespace

bool is_wire(const std::string& spec) {
  if (spec.starts_with(pty_prefix)) return false;
  struct stat status {};
  if (stat(spec.c_str(), &status) != 0) return spec.starts_with("/dev/tty");
  return S_ISCHR(status.st_mode) && !is_pty(status);
}

double Pace::us_of(std::size_t bytes) const {
  return static_cast<double>(bytes) * 1e6 / bytes_per_s_;
}

std::size_t Pace::allowed(std::int64_t now_us) {
  if (bytes_per_s_ == 0) return std::numeric_limits<std::size_t>::max();
  if (now_us - free_at_us_ > catch_up_us) free_at_us_ = now_us - catch_up_us;
  const double waited_us = static_cast<double>(now_us - free_at_us_) - fraction_us_;
  return waited_us <= 0 ? 0 : static_cast<std::size_t>(waited_us * bytes_per_s_ / 1e6 + 1e-6);
}

void Pace::spend(std::size_t bytes) {
  if (bytes_per_s_ == 0) return;
  const double us = us_of(bytes) + fraction_us_;
  free_at_us_ += static_cast<std::int64_t>(us);
  fraction_us_ = us - std::floor(us);
}

std::int64_t Pace::due_us(std::size_t bytes) const {
  if (bytes_per_s_ == 0) return free_at_us_;
  return free_at_us_ + static_cast<std::int64_t>(std::ceil(us_of(bytes) + fraction_us_));
}

Line::Line(std::string spec, std::uint32_t baud)
    : path_(std::move(spec)), baud_(baud), pace_(baud) {}

// The link goes first: who sees the line end and opens it again must not find it.
Line::~Line() {
  unlink();
  if (file_ >= 0) close(file_);
  if (far_end_ >= 0) close(far_end_);
}

// Another program may have taken the name since: its link stays.
void Line::unlink() {
  char far[far_name_bytes];
  std::error_code ignored;
  if (!link_.empty() && ptsname_r(file_, far, sizeof far) == 0 &&
      std::filesystem::read_symlink(link_, ignored) == far)
    std::filesystem::remove(link_, ignored);
}

std::expected<std::unique_ptr<Line>, std::string> Line::open(const std::string& spec,
                                                             std::uint32_t baud) {
  if (!speed_of(baud)) return std::unexpected(fmt::format("{} baud is no speed of a line", baud));
  std::unique_ptr<Line> line(new Line(spec, baud));
  if (!spec.starts_with(pty_prefix)) return line;
  line->link_ = spec.substr(pty_prefix.size());
  if (auto made = line->make_pty(); !made) {
    line->link_.clear();
    return std::unexpected(made.error());
  }
  return line;
}

std::expected<void, std::string> Line::make_pty() {
  file_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  char far[far_name_bytes];
  if (file_ < 0 || grantpt(file_) != 0 || unlockpt(file_) != 0 ||
      ptsname_r(file_, far, sizeof far) != 0)
    return std::unexpected(system_error("no pseudo-terminal"));
  far_end_ = ::open(far, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (far_end_ < 0) return std::unexpected(system_error(far));
  make_raw(far_end_, baud_);
  paced_ = true;
  std::error_code error;
  // A link left by a run that was killed; anything else under that name is somebody's.
  if (std::filesystem::is_symlink(link_, error)) std::filesystem::remove(link_, error);
  std::filesystem::create_symlink(far, link_, error);
  if (error) return std::unexpected(fmt::format("{}: {}", link_, error.message()));
  return {};
}

void Line::open_path(std::int64_t now_us) {
  open_due_us_ = now_us + open_again_us;
  file_ = ::open(path_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (file_ < 0) {
    fault_ = system_error(path_);
    return;
  }
  make_raw(file_, baud_);
  paced_ = is_pty(file_);
  blocked_ = false;
}

void Line::lose(std::int64_t now_us, const char* reason) {
  if (!link_.empty()) return;
  fault_ = fmt::format("{}: {}", path_, reason);
  close(file_);
  file_ = -1;
  pending_count_ = pending_taken_ = 0;
  open_due_us_ = now_us + open_again_us;
}

pollfd Line::wish() const {
  const int events = blocked_ ? POLLIN | POLLOUT : POLLIN;
  return {file_, static_cast<short>(events), 0};
}

std::size_t Line::read(std::span<std::uint8_t> out, std::int64_t now_us) {
  if (file_ < 0 && now_us >= open_due_us_) open_path(now_us);
  if (file_ < 0) return 0;
  const ssize_t count = ::read(file_, out.data(), out.size());
  if (count > 0) return static_cast<std::size_t>(count);
  const bool nothing_yet = count < 0 && (errno == EAGAIN || errno == EINTR);
  if (!nothing_yet) lose(now_us, count < 0 ? std::strerror(errno) : "the other side has left");
  return 0;
}

void Line::write(const Pull& pull, std::int64_t now_us) {
  blocked_ = false;
  while (file_ >= 0) {
    if (pending_taken_ == pending_count_) {
      apply_baud();
      pending_taken_ = 0;
      pending_count_ = pull(pending_);
      if (pending_count_ == 0) {
        pace_.idle(now_us);
        return;
      }
    }
    std::size_t count = pending_count_ - pending_taken_;
    if (paced_) count = std::min(count, pace_.allowed(now_us));
    if (count == 0) return;
    const ssize_t written = ::write(file_, pending_.data() + pending_taken_, count);
    if (written < 0) {
      blocked_ = errno == EAGAIN;
      if (!blocked_ && errno != EINTR) lose(now_us, std::strerror(errno));
      return;
    }
    pending_taken_ += static_cast<std::size_t>(written);
    if (paced_) pace_.spend(static_cast<std::size_t>(written));
  }
}

bool Line::set_baud(std::uint32_t baud) {
  if (!speed_of(baud)) return false;
  next_baud_ = baud;
  return pending_taken_ < pending_count_ || apply_baud();
}

bool Line::apply_baud() {
  if (next_baud_ == 0) return true;
  const std::uint32_t baud = next_baud_;
  next_baud_ = 0;
  if (file_ >= 0 && !paced_ && !change_speed(file_, *speed_of(baud))) return false;
  baud_ = baud;
  pace_.set_baud(baud);
  return true;
}

MeterlensLine Line::port(std::uint32_t baud_max) {
  MeterlensLine port{};
  if (baud_max == 0) return port;
  port.context = this;
  port.baud_max = baud_max;
  port.set_baud = [](void* self, std::uint32_t baud) {
    return static_cast<Line*>(self)->set_baud(baud);
  };
  return port;
}

MeterlensPower Line::ending(const MeterlensPower& real) {
  if (real.restart == nullptr || link_.empty()) return real;
  restart_ = real;
  MeterlensPower out = real;
  out.context = this;
  out.restart = [](void* self) {
    auto& line = *static_cast<Line*>(self);
    line.unlink();
    line.restart_.restart(line.restart_.context);
  };
  return out;
}

std::int64_t Line::due_us() const {
  if (file_ < 0) return open_due_us_;
  const std::size_t left = pending_count_ - pending_taken_;
  if (left == 0 || blocked_) return std::numeric_limits<std::int64_t>::max();
  return pace_.due_us(std::min(left, pace_chunk_bytes));
}

}  // namespace meterlens::boards
