#include "reader/models.h"

#include <zlib.h>

#include <cstdio>
#include <fstream>
#include <optional>

namespace meterlens::reader {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t model_bytes_most = 64 << 20;

std::unexpected<Error> missing(const fs::path& path) {
  return std::unexpected(Error{Fault::model_missing, "cannot open the model " + path.string()});
}

std::unexpected<Error> damaged_model(const fs::path& path, const std::string& why) {
  return std::unexpected(
      Error{Fault::model_damaged, "the model " + path.string() + " is damaged: " + why});
}

std::optional<std::string> listed_checksum(std::istream& list, const std::string& name) {
  for (std::string checksum, file; list >> checksum >> file;)
    if (file == name) return checksum;
  return std::nullopt;
}

std::string checksum_of(const std::vector<unsigned char>& bytes) {
  char text[9];
  std::snprintf(text, sizeof text, "%08lx",
                crc32_z(0, bytes.data(), bytes.size()));
  return text;
}

}  // namespace

std::expected<std::vector<unsigned char>, Error> load_model(const fs::path& folder,
                                                            const std::string& name) {
  const fs::path path = folder / name, list_path = folder / checksums_name;
  std::error_code error;
  if (!fs::exists(path, error)) return missing(path);
  if (!fs::is_regular_file(path, error)) return damaged_model(path, "it is no file");
  const auto size = fs::file_size(path, error);
  if (error || size == 0 || size > model_bytes_most)
    return damaged_model(path, "it is empty or longer than 64 MiB");
  std::vector<unsigned char> bytes(size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) return missing(path);
  std::ifstream list(list_path);
  if (!list || !fs::is_regular_file(list_path, error)) return missing(list_path);
  const auto wanted = listed_checksum(list, name);
  if (!wanted) return damaged_model(path, "it is not in " + list_path.string());
  if (*wanted != checksum_of(bytes))
    return damaged_model(path, "its checksum is not that in " + list_path.string());
  return bytes;
}

}  // namespace meterlens::reader
