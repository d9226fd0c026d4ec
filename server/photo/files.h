// Photos on disk: public/images/{device}/{yyyy-mm-dd}/{time}_{number}_{hash}.jpg, and quarantined
// ones in a folder of their own that is not public. A file appears under its name only when it is
// whole, and `write` returns only when all of them survive a power cut. Or in an object store,
// under the same names. One thread at a time.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/photo/photo.h"

namespace meterlens::photo {

class Objects;  // objects.h

struct Folders {
  std::filesystem::path images = "public/images";
  std::filesystem::path quarantine = "var/quarantine";
  // Asked before each 4 KB of a file are written; false: the disk is full. A simulation throws from
  // it, as a process ends in the middle of a file. Empty: as the system says.
  std::function<bool()> before_write = {};
  // Where there is one, photos of both kinds go there, and the folders are not used.
  std::shared_ptr<Objects> objects = {};
};

enum class FileErrorCode : std::uint8_t {
  disk_full,
  read_only,
  not_found,
  unreachable,  // the object store is, for now
  failed,
};
struct FileError {
  FileErrorCode code = FileErrorCode::failed;
  std::string message;  // which file, the system's words, what to do
};

// Where the photo belongs: a file's path, or an object's; the time is UTC of the shot.
std::filesystem::path path_of(const Photo& photo, const Folders& folders);

class Files {
 public:
  explicit Files(Folders folders) : folders_(std::move(folders)) {}

  // Writes all and sets each `path`; after an error none is left behind that was not there before.
  std::expected<void, FileError> write(std::span<Photo> photos);
  // Whether both folders take a small file.
  std::expected<void, FileError> probe();
  // Takes back what the last `write` wrote and what was not there before.
  void remove(std::span<const Photo> photos);

  static std::expected<std::vector<std::uint8_t>, FileError> read(const std::string& path,
                                                                  std::size_t bytes_max);

 private:
  void note_files(std::span<const Photo> photos);
  std::expected<void, FileError> write_one(Photo& photo);
  std::expected<void, FileError> write_objects(std::span<Photo> photos);
  std::expected<void, FileError> make_durable(std::span<const Photo> photos);

  Folders folders_;
  std::vector<std::string> were_there_;  // before the last write
};

}  // namespace meterlens::photo
