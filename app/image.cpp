#include "app/image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <expected>
#include <span>
#include <vector>

#include "app/failure.h"
#include "protocol/image.h"
#include "server/images.h"
#include "server/photo/files.h"

namespace meterlens::app {
namespace {

using Buffer = std::vector<std::uint8_t>;
using Seed = std::array<std::uint8_t, crypto_sign_SEEDBYTES>;

// Also tells a file of a megabyte from a device that has no end.
constexpr std::size_t key_file_bytes_max = 4096;

// Writes a new file; the error when it is there already or cannot be written whole.
std::expected<void, std::string> write_new(const std::string& path, mode_t mode,
                                           std::span<const std::uint8_t> bytes) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) {
    return std::unexpected(errno == EEXIST
                               ? fmt::format("{} is there already; name another file", path)
                               : fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  const bool written =
      write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      fsync(file) == 0;
  const int reason = errno;
  close(file);
  if (written) return {};
  unlink(path.c_str());
  return std::unexpected(fmt::format("cannot write {}: {}", path, std::strerror(reason)));
}

std::expected<void, std::string> write_line(const std::string& path, mode_t mode,
                                            std::span<const std::uint8_t> key) {
  std::array<char, 2 * crypto_sign_SEEDBYTES + 1> line;
  sodium_bin2hex(line.data(), line.size(), key.data(), key.size());
  line.back() = '\n';
  const auto written = write_new(
      path, mode, {reinterpret_cast<const std::uint8_t*>(line.data()), line.size()});
  sodium_memzero(line.data(), line.size());
  return written;
}

std::expected<Seed, std::string> read_seed(const std::string& path) {
  auto text = photo::Files::read(path, key_file_bytes_max);
  if (!text) return std::unexpected(text.error().message);
  auto seed = server::parse_key({text->begin(), text->end()});
  sodium_memzero(text->data(), text->size());
  if (!seed) return std::unexpected(fmt::format("{} holds no key of `meterlens image key`", path));
  return *seed;
}

// The file of a signed image.
std::expected<Buffer, std::string> signed_file(const protocol::ImageHead& head, const Buffer& image,
                                               const Seed& seed) {
  protocol::PublicKey key;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  std::array<std::uint8_t, protocol::signed_bytes_max> text;
  const std::size_t count = protocol::signed_text(head, text);
  std::array<std::uint8_t, protocol::signature_bytes> signature;
  crypto_sign_detached(signature.data(), nullptr, text.data(), count, secret.data());
  sodium_memzero(secret.data(), secret.size());
  // By the code that will judge it on the device.
  if (!protocol::is_signed(head, signature, key))
    return std::unexpected("the signature does not prove right: do not use this machine");
  std::array<std::uint8_t, protocol::image_file_head_bytes> file_head;
  protocol::write_image_file_head(head, signature, file_head);
  Buffer out(file_head.begin(), file_head.end());
  out.insert(out.end(), image.begin(), image.end());
  return out;
}

std::string hex_of(std::span<const std::uint8_t> bytes) {
  std::string out;
  for (const std::uint8_t byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}

}  // namespace

int make_image_key(const std::string& out) {
  if (sodium_init() < 0) return fail("this machine gives no random numbers");
  Seed seed;
  randombytes_buf(seed.data(), seed.size());
  protocol::PublicKey key;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
  crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
  sodium_memzero(secret.data(), secret.size());
  auto written = write_line(out, 0600, seed);
  sodium_memzero(seed.data(), seed.size());
  if (!written) return fail(written.error());
  written = write_line(out + ".pub", 0644, key);
  if (!written) {
    unlink(out.c_str());
    return fail(written.error());
  }
  fmt::print("{}: the private key, keep it secret\n{}.pub: the public key, for devices and "
             "update.public_keys_file\n",
             out, out);
  return 0;
}

int sign_image(const SignOptions& options) {
  if (!protocol::is_board_name(options.board))
    return fail("--board: 1 to 32 of A-Z a-z 0-9 . _ -");
  if (options.version == 0) return fail("--version: a number from 1 on that rises");
  const auto image = photo::Files::read(options.in, protocol::image_bytes_max);
  if (!image) return fail(image.error().message);
  if (image->empty()) return fail(fmt::format("{} is empty", options.in));
  auto seed = read_seed(options.key);
  if (!seed) return fail(seed.error());
  const protocol::ImageHead head{
      options.part == "dtu" ? protocol::Part::dtu : protocol::Part::camera, options.board,
      options.version, static_cast<std::uint32_t>(image->size()), protocol::sha256(*image)};
  const auto file = signed_file(head, *image, *seed);
  sodium_memzero(seed->data(), seed->size());
  if (!file) return fail(file.error());
  if (const auto written = write_new(options.out, 0644, *file); !written)
    return fail(written.error());
  return 0;
}

int show_image(const std::string& path) {
  const auto file = photo::Files::read(
      path, protocol::image_file_head_bytes + protocol::image_bytes_max);
  if (!file) return fail(file.error().message);
  const auto parsed = protocol::parse_image_file(*file);
  if (!parsed) return fail(fmt::format("{}: {}", path, name(parsed.error())));
  const auto& head = parsed->head;
  fmt::print("part      {}\nboard     {}\nversion   {}\nbytes     {}\nsha256    {}\nsignature {}\n",
             name(head.part), head.board, head.version, head.image_bytes, hex_of(head.sha256),
             hex_of(parsed->signature));
  return 0;
}

}  // namespace meterlens::app
