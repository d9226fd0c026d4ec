#include "server/second/keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace meterlens::second {
namespace {

constexpr std::size_t key_bytes_max = 256;

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= key_bytes_max &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::expected<Keys, std::string> checked(Keys keys, const std::string& where) {
  if (is_key(keys.key) && is_key(keys.secret)) return keys;
  return std::unexpected(fmt::format(
      "{}: needs the API key and the secret key, 1 to {} printable characters without spaces each",
      where, key_bytes_max));
}

std::string line_of(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

class File {
 public:
  // Not waiting for a pipe's other end.
  explicit File(const std::string& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::string why_refused(int fd, const std::string& path) {
  struct stat about {};
  if (fd < 0 || fstat(fd, &about) != 0)
    return fmt::format("cannot read keys_file {}: {}", path, std::strerror(errno));
  if (!S_ISREG(about.st_mode)) return fmt::format("keys_file {} is no file", path);
  if (about.st_uid != geteuid())
    return fmt::format("keys_file {} belongs to another user: give it to this one", path);
  if ((about.st_mode & 077) != 0)
    return fmt::format("keys_file {} can be read by others: run `chmod 600 {}`", path, path);
  return {};
}

}  // namespace

std::expected<Keys, std::string> load_keys(const std::string& file, const KeyNames& names) {
  if (file.empty()) {
    const char* key = std::getenv(names.key);
    const char* secret = std::getenv(names.secret);
    if (key == nullptr || secret == nullptr) {
      return std::unexpected(fmt::format("{} no keys: set {} and {}, or name a file as {}",
                                         names.whose, names.key, names.secret, names.setting));
    }
    return checked({key, secret}, fmt::format("{} and {}", names.key, names.secret));
  }
  const File opened(file);
  if (auto why = why_refused(opened.fd(), file); !why.empty()) return std::unexpected(why);
  std::array<char, 2 * key_bytes_max + 8> bytes{};
  const ssize_t count = read(opened.fd(), bytes.data(), bytes.size());
  std::string_view text(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  Keys keys;
  keys.key = line_of(text);
  keys.secret = line_of(text);
  return checked(std::move(keys), fmt::format("keys_file {}", file));
}

}  // namespace meterlens::second
