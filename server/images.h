// The images that may be sent to devices: image files (SPEC.md, section 10) whose signature one of
// the configured keys has made, in a folder, and their rows in the store. A file is durable before
// its row is. Thread-safe as the store is.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "protocol/ed25519.h"
#include "server/store/store.h"
#include "server/update/update.h"

namespace meterlens::server {

struct ImageSettings {
  std::filesystem::path folder = "var/updates";
  std::vector<protocol::PublicKey> keys;  // none: every image is refused
};

enum class ImageErrorCode : std::uint8_t {
  not_an_image,
  malformed,
  wrong_size,  // cut, or too long
  wrong_hash,
  no_keys,
  wrong_signature,
  store,
};
struct ImageError {
  ImageErrorCode code = ImageErrorCode::store;
  std::string message;
};

class Images {
 public:
  Images(ImageSettings settings, store::Store& store)
      : settings_(std::move(settings)), store_(store) {}

  // The image of a file, stored now or before.
  std::expected<update::Image, ImageError> add(std::span<const std::uint8_t> file,
                                               std::int64_t now_ms);
  // Null: there is none, or its file is gone or damaged.
  std::shared_ptr<const update::Content> load(std::int64_t image);

 private:
  ImageSettings settings_;
  store::Store& store_;
};

// A key as `meterlens image key` writes it: 64 hexadecimal digits, white space around them.
std::expected<protocol::PublicKey, std::string> parse_key(const std::string& text);

}  // namespace meterlens::server
