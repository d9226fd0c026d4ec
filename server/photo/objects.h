// Photos in an object store instead of a folder. Row paths of such photos are
// s3://BUCKET/PREFIX/...; a photo has one path for ever, and its bytes never change.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "protocol/checksum.h"
#include "server/photo/files.h"

namespace meterlens::photo {

struct Object {
  std::string path;
  std::span<const std::uint8_t> bytes;
};

// Thread-safe. Each call waits for the other side, with an end to every wait; what may be better
// next time has been tried again before an error is told.
class Objects {
 public:
  virtual ~Objects() = default;
  // s3://BUCKET/PREFIX
  virtual const std::string& root() const = 0;
  // When it returns all are whole and durable, as far as the store's promise goes. Gives the paths
  // that were there already, with the same bytes. After an error some may be there.
  virtual std::expected<std::vector<std::string>, FileError> put(
      std::span<const Object> objects) = 0;
  virtual std::expected<std::vector<std::uint8_t>, FileError> get(const std::string& path,
                                                                  std::size_t bytes_max) = 0;
  // The bytes of it; `not_found` when it is not there.
  virtual std::expected<std::uint64_t, FileError> size(const std::string& path) = 0;
  virtual std::expected<void, FileError> remove(const std::string& path) = 0;
};

bool is_object(const std::string& path);

// A photo's bytes, wherever its row says that it is: at most so many, or the error.
using ReadFile = std::function<std::expected<std::vector<std::uint8_t>, FileError>(
    const std::string& path, std::size_t bytes_max)>;
// Files, and objects when there are some; an object is an error without.
ReadFile reader_of(std::shared_ptr<Objects> objects);

}  // namespace meterlens::photo
