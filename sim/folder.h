// A folder of its own for a world's files, in memory where there is such a place: nothing in it has
// to survive this process. Gone with the object.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace meterlens::sim {

class Folder {
 public:
  Folder() {
    std::error_code none;
    std::filesystem::path parent = "/dev/shm";
    if (!std::filesystem::is_directory(parent, none))
      parent = std::filesystem::temp_directory_path();
    std::string pattern = (parent / "meterlens-sim-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error("cannot make a folder in " + parent.string());
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace meterlens::sim
