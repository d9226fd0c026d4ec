#include "server/api/files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

namespace meterlens::api {
namespace {

namespace fs = std::filesystem;

bool is_plain_path(const std::string& path) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-' || c == '/';
  };
  return path.starts_with('/') && std::ranges::all_of(path, allowed) &&
         path.find("/.") == std::string::npos && path.find("//") == std::string::npos;
}

bool is_inside(const fs::path& folder, const fs::path& file) {
  const auto [end, ignored] = std::ranges::mismatch(folder, file);
  return end == folder.end();
}

}  // namespace

std::string content_type_of(const std::string& path) {
  constexpr std::array<std::pair<std::string_view, const char*>, 14> types{{
      {".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"}, {".css", "text/css; charset=utf-8"},
      {".json", "application/json"}, {".map", "application/json"},
      {".webmanifest", "application/manifest+json"}, {".svg", "image/svg+xml"},
      {".png", "image/png"}, {".jpg", "image/jpeg"}, {".ico", "image/x-icon"},
      {".woff2", "font/woff2"}, {".wasm", "application/wasm"},
      {".txt", "text/plain; charset=utf-8"},
  }};
  for (const auto& [ending, type] : types) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::expected<File, FileError> read_file(const std::string& folder, const std::string& path) {
  if (!is_plain_path(path)) return std::unexpected(FileError::not_found);
  auto bytes = read_file_inside({folder}, folder + path);
  if (!bytes) return std::unexpected(bytes.error());
  return File{content_type_of(path), std::move(*bytes)};
}

std::expected<std::string, FileError> read_file_inside(const std::vector<std::string>& folders,
                                                       const std::string& path) {
  std::error_code error;
  const fs::path file = fs::canonical(path, error);
  if (error || !fs::is_regular_file(file, error)) return std::unexpected(FileError::not_found);
  const bool allowed = std::ranges::any_of(folders, [&](const std::string& folder) {
    const fs::path root = fs::canonical(folder, error);
    return !error && is_inside(root, file);
  });
  if (!allowed) return std::unexpected(FileError::not_found);
  const auto bytes = fs::file_size(file, error);
  if (error || bytes > file_bytes_max) return std::unexpected(FileError::too_large);
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::unexpected(FileError::not_found);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

}  // namespace meterlens::api
