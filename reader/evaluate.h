// How well a reader does on labelled photos.
//
// Threads: one call, one thread. Memory: one photo at a time.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "reader/reader.h"

namespace meterlens::reader {

struct Labelled {
  std::filesystem::path file;
  std::string label;                  // as written, for --split
  std::vector<std::string> accepted;  // `label` first, then the column all_accepted
};

// Reads a CSV with the columns `file` (relative to the CSV) and `label`, and perhaps `all_accepted`
// (readings with spaces between); others are skipped. Only rows whose label matches the extended
// regular expression `split` are kept (empty: all). Rows without a label are left out. The error is
// one line.
std::expected<std::vector<Labelled>, std::string> labels_of(const std::filesystem::path& csv,
                                                            const std::string& split = "");

struct Report {
  int n = 0;
  int exact = 0;             // every digit right, whatever the status
  int read = 0;              // status read
  int wrong_while_read = 0;  // read, and one of its certain wheels or their number wrong
  int doubtful = 0, unreadable = 0;
  int errors = 0;  // no such file, or no whole JPEG
  double ms_per_photo = 0;
};

// What became of one photo: handed to `each` in order, for lists and progress.
struct Outcome {
  const Labelled& photo;
  const std::expected<Digits, Error>& digits;
  bool exact = false, wrong_while_read = false;
};

Report evaluate(Reader& reader, const std::vector<Labelled>& photos,
                const std::function<void(const Outcome&)>& each = {});

bool is_exact(const Digits& digits, const std::vector<std::string>& accepted);
bool is_wrong_while_read(const Digits& digits, const std::vector<std::string>& accepted);

std::string to_json_line(const Report& report);

}  // namespace meterlens::reader
