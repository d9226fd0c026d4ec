// Labelled photos, as a CSV lists them.
//
// Pure but for reading the file; any thread.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace meterlens::reader {

struct Labelled {
  std::filesystem::path file;
  std::string label;                  // as written; empty: not known
  std::vector<std::string> accepted;  // `label` first, then the column all_accepted
  int red = -1;                       // trailing wheels that are decimals; -1: not known
};

// Reads a CSV with the columns `file` (relative to the CSV) and `label`, and perhaps `all_accepted`
// (readings with spaces between) and `red` or `decimals`; others are skipped. Only rows whose label
// matches the extended regular expression `split` are kept (empty: all). Rows without a label are
// left out. The error is one line.
std::expected<std::vector<Labelled>, std::string> labels_of(const std::filesystem::path& csv,
                                                            const std::string& split = "");

}  // namespace meterlens::reader
