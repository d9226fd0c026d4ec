// `meterlens read`: the reader on files, without a server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterlens::app {

// A longer file is refused without being read.
inline constexpr std::uintmax_t photo_file_bytes_max = 32 << 20;

struct ReadOptions {
  std::vector<std::string> files;  // or folders
  std::string models;              // folder; empty: beside the program
  std::string known;  // a file with what is known of the meter (parse_known()); empty: nothing
  int threads = 0;    // 0: as many as cores
  bool json = false;
  bool evidence = false;  // in JSON, what each reading was judged by
};

// One line a photo on standard output, in the order of the files; of a folder, every JPEG in it
// and below, by name. 1 if one of them was no picture, or at once if the models or the file of what
// is known cannot be used.
int read_photos(const ReadOptions& options);

// Files as they are, folders as the *.jpg and *.jpeg in them and below, by name. A folder without
// any stays.
std::vector<std::string> photos_in(const std::vector<std::string>& names);

}  // namespace meterlens::app
