// `meterlens read` and `meterlens evaluate`: the reader on files, without a server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace meterlens::app {

// A longer file is refused without being read.
inline constexpr std::uintmax_t photo_file_bytes_max = 32 << 20;

struct ReadOptions {
  std::vector<std::string> files;
  std::string models;  // folder; empty: beside the program
  int threads = 0;     // 0: as many as cores
  bool json = false;
};

struct EvaluateOptions {
  std::string labels;  // a CSV with the columns file, label, and perhaps all_accepted
  std::string split;   // only rows whose label matches this regular expression; empty: all
  std::string models;
  bool json = false;
  bool list = false;   // one line for each photo that is not exact
};

// One line a photo on standard output, in the order of the files. 1 if one of them was no picture.
int read_photos(const ReadOptions& options);

// The figures of the reader on labelled photos. 1 when the labels cannot be read or none fits.
int evaluate_reader(const EvaluateOptions& options);

}  // namespace meterlens::app
