#include "server/images.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "protocol/image.h"
#include "server/photo/files.h"

namespace meterlens::server {
namespace {

namespace fs = std::filesystem;
using protocol::Bytes;
using protocol::ImageFileError;

ImageError error_of(ImageFileError error) {
  switch (error) {
    case ImageFileError::not_an_image:
      return {ImageErrorCode::not_an_image,
              "this is no image file; `meterlens image sign` makes one"};
    case ImageFileError::malformed:
      return {ImageErrorCode::malformed, "a field of the image file is out of range"};
    case ImageFileError::wrong_size:
      return {ImageErrorCode::wrong_size, "the image file is cut, or has something behind its end"};
    case ImageFileError::wrong_hash: break;
  }
  return {ImageErrorCode::wrong_hash, "the image's bytes do not fit its SHA-256"};
}

// The system's error number; 0: the file and its name survive a power cut.
int write_durable(const fs::path& path, Bytes bytes) {
  const fs::path partial = path.string() + ".new";
  const int file = open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return errno;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = write(file, bytes.data() + at, bytes.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    at += static_cast<std::size_t>(count);
  }
  const bool written = at == bytes.size() && fsync(file) == 0;
  const int reason = written ? 0 : std::max(errno, 1);
  close(file);
  if (!written) return reason;
  if (rename(partial.c_str(), path.c_str()) != 0) return errno;
  const int folder = open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  const int synced = fsync(folder) == 0 ? 0 : errno;
  close(folder);
  return synced;
}

std::string hex_of(const protocol::Digest& digest) {
  const auto digits = protocol::hex(digest);
  return {digits.begin(), digits.end()};
}

}  // namespace

std::expected<update::Image, ImageError> Images::add(Bytes file, std::int64_t now_ms) {
  const auto parsed = protocol::parse_image_file(file);
  if (!parsed) return std::unexpected(error_of(parsed.error()));
  if (settings_.keys.empty())
    return std::unexpected(ImageError{ImageErrorCode::no_keys,
                                      "no key is configured: name a file of public keys in "
                                      "update.public_keys_file"});
  const bool is_signed = std::ranges::any_of(settings_.keys, [&](const auto& key) {
    return protocol::is_signed(parsed->head, parsed->signature, key);
  });
  if (!is_signed)
    return std::unexpected(ImageError{ImageErrorCode::wrong_signature,
                                      "no configured key has signed this image"});
  const auto& head = parsed->head;
  update::Image image{0, head.part, std::string(head.board), head.version, head.image_bytes,
                      head.sha256, "", now_ms};
  // By the hash of the whole file: the same image for two boards has two.
  const fs::path path = settings_.folder / (hex_of(protocol::sha256(file)) + ".mli");
  image.path = path.string();
  std::error_code made;
  fs::create_directories(settings_.folder, made);
  const int reason = made ? made.value() : write_durable(path, file);
  if (reason != 0)
    return std::unexpected(
        ImageError{ImageErrorCode::store,
                   fmt::format("cannot write {}: {}", image.path, std::strerror(reason))});
  const auto id = store_.add_image(image);
  if (!id) return std::unexpected(ImageError{ImageErrorCode::store, id.error().message});
  auto stored = store_.image(*id);
  if (!stored) return std::unexpected(ImageError{ImageErrorCode::store, stored.error().message});
  return *std::move(stored);
}

std::shared_ptr<const update::Content> Images::load(std::int64_t id) {
  const auto image = store_.image(id);
  if (!image) return nullptr;
  const auto file = photo::Files::read(
      image->path, protocol::image_file_head_bytes + protocol::image_bytes_max);
  if (!file) {
    spdlog::error(fmt::format("image {}: {}", id, file.error().message));
    return nullptr;
  }
  const auto parsed = protocol::parse_image_file(*file);
  if (!parsed || parsed->head.sha256 != image->sha256) {
    spdlog::error(fmt::format("image {}: its file {} is damaged", id, image->path));
    return nullptr;
  }
  return std::make_shared<update::Content>(
      update::Content{*image,
                      {parsed->signature.begin(), parsed->signature.end()},
                      {parsed->image.begin(), parsed->image.end()}});
}

std::expected<protocol::PublicKey, std::string> parse_key(const std::string& text) {
  constexpr const char* space = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(space);
  const std::size_t end = text.find_last_not_of(space);
  const std::string digits =
      begin == std::string::npos ? "" : text.substr(begin, end + 1 - begin);
  protocol::PublicKey key{};
  bool good = digits.size() == 2 * key.size();
  for (std::size_t i = 0; good && i < key.size(); ++i) {
    const char* at = digits.data() + 2 * i;
    good = std::from_chars(at, at + 2, key[i], 16).ptr == at + 2;
  }
  if (!good) return std::unexpected("a public key has 64 hexadecimal digits");
  return key;
}

}  // namespace meterlens::server
