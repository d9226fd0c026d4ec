// The server's own folders at its start: made, writable, and those of one server alone.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <string>

namespace meterlens::app {

// With those above it. The error is one line and says what to do.
std::expected<void, std::string> make_folder(const std::filesystem::path& folder);
// Made, and tried with an empty file. A full disk is no error here: the server lives with one.
std::expected<void, std::string> make_photo_folder(const std::filesystem::path& folder);

// A data folder's only server: others are kept out as long as this object, or its process, lives.
// A program that this one starts does not get the lock.
class FolderLock {
 public:
  // The error names the folder. Where the file system has no locks it is held in name only, and
  // the log says so.
  static std::expected<std::unique_ptr<FolderLock>, std::string> take(
      const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int file) : file_(file) {}

  int file_;
};

}  // namespace meterlens::app
