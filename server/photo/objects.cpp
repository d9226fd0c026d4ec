#include "server/photo/objects.h"

#include <fmt/format.h>

namespace meterlens::photo {

bool is_object(const std::string& path) { return path.starts_with("s3://"); }

ReadFile reader_of(std::shared_ptr<Objects> objects) {
  return [objects = std::move(objects)](const std::string& path, std::size_t bytes_max)
             -> std::expected<std::vector<std::uint8_t>, FileError> {
    if (!is_object(path)) return Files::read(path, bytes_max);
    if (objects && path.starts_with(objects->root() + "/")) return objects->get(path, bytes_max);
    return std::unexpected(FileError{
        FileErrorCode::failed,
        fmt::format("cannot read {}: photos in [store] names no store, or another one", path)});
  };
}

}  // namespace meterlens::photo
