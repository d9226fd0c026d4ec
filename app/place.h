// Where the program finds what belongs to it: in the source tree it was built in, or installed.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace meterlens::app {

// The folder that is asked for when it is named; else, seen from the program, `tree` of the source
// tree (build/<name>/meterlens lies two folders below its root), or `installed` of
// /usr/share/meterlens. Empty when there is none of them.
std::string find_folder(const std::string& named, const std::string& tree,
                        const std::string& installed);

// The same, seen from `program`.
std::string find_folder_from(const std::filesystem::path& program, const std::string& named,
                             const std::string& tree, const std::string& installed);

}  // namespace meterlens::app
