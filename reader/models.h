// The files of the nets, proven whole: a flipped bit in a weight changes readings and nothing else.
//
// Threads: any. Memory: the bytes of the file.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "reader/reader.h"

namespace meterlens::reader {

// In the models' folder: a line a file, its CRC-32 in 8 hexadecimal digits, a space and its name.
// tools/train/export.py writes it with each model.
inline constexpr const char* checksums_name = "checksums";

// The bytes of one model. The error names the file: missing, no file, empty, longer than 64 MiB,
// not in the list, or not what the list says.
std::expected<std::vector<unsigned char>, Error> load_model(const std::filesystem::path& folder,
                                                            const std::string& name);

}  // namespace meterlens::reader
