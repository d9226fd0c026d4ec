#include "app/place.h"

namespace meterlens::app {

namespace fs = std::filesystem;

std::string find_folder_from(const fs::path& program, const std::string& named,
                             const std::string& tree, const std::string& installed) {
  if (!named.empty()) return named;
  std::error_code error;
  for (const fs::path& candidate : {program.parent_path() / "../.." / tree,
                                    fs::path("/usr/share/meterlens") / installed}) {
    const fs::path folder = fs::canonical(candidate, error);
    if (!error && fs::is_directory(folder, error)) return folder.string();
  }
  return {};
}

std::string find_folder(const std::string& named, const std::string& tree,
                        const std::string& installed) {
  std::error_code error;
  return find_folder_from(fs::read_symlink("/proc/self/exe", error), named, tree, installed);
}

}  // namespace meterlens::app
