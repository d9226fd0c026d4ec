// Inside api/: files for the browser, from one folder and never from outside of it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

namespace meterlens::api {

enum class FileError : std::uint8_t { not_found, too_large };

struct File {
  std::string content_type;
  std::string bytes;
};

inline constexpr std::size_t file_bytes_max = 16 << 20;

// `path`: as in a URL, beginning with '/', not decoded. Only A-Z a-z 0-9 . _ - / are allowed, no
// segment begins with a dot, and links that lead out of `folder` are not followed.
std::expected<File, FileError> read_file(const std::string& folder, const std::string& path);

// The bytes of the file at `path`, if it lies in one of `folders`, wherever links lead.
std::expected<std::string, FileError> read_file_inside(const std::vector<std::string>& folders,
                                                       const std::string& path);

// By the name's ending.
std::string content_type_of(const std::string& path);

}  // namespace meterlens::api
