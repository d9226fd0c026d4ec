#include "app/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/place.h"
#include "reader/batch.h"
#include "reader/known.h"
#include "reader/reader.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using reader::Digits;
using reader::Error;
using reader::Fault;
using PhotoOutcome = std::expected<Digits, Error>;

std::expected<std::vector<std::byte>, Error> load(const std::string& file) {
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) return std::unexpected(Error{Fault::not_a_jpeg, "cannot read it: " + error.message()});
  if (bytes > photo_file_bytes_max) {
    return std::unexpected(Error{Fault::too_large, fmt::format("{} bytes; at most {} are read",
                                                               bytes, photo_file_bytes_max)});
  }
  std::vector<std::byte> content(bytes);
  std::ifstream in(file, std::ios::binary);
  in.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(content.size()));
  if (!in) return std::unexpected(Error{Fault::not_a_jpeg, "cannot read it to the end"});
  return content;
}

PhotoOutcome read_one(reader::Reader& reader, const std::string& file, const reader::Known& known) {
  const auto content = load(file);
  if (!content) return std::unexpected(content.error());
  return reader.read(*content, known);
}

// The error is one line that names the file.
std::expected<reader::Known, std::string> load_known(const std::string& file) {
  if (file.empty()) return {};
  const auto content = load(file);
  if (!content) return std::unexpected(fmt::format("{}: {}", file, content.error().text));
  const auto known = reader::parse_known(
      std::string(reinterpret_cast<const char*>(content->data()), content->size()));
  if (!known) return std::unexpected(fmt::format("{}: {}", file, known.error()));
  return *known;
}

std::string plain_line(const std::string& file, const PhotoOutcome& outcome) {
  if (!outcome) return fmt::format("{}: {}", file, outcome.error().text);
  const Digits& digits = *outcome;
  std::string line = fmt::format("{}: {}", file, reader::name_of(digits.status));
  if (!digits.digits.empty()) {
    line += fmt::format(" {} (wheels {}, {} of {} certain, confidence {:.3f})", digits.value,
                        digits.digits, digits.certain, digits.digits.size(), digits.confidence);
  }
  if (digits.reason != reader::Reason::none) {
    line += fmt::format(", {}", reader::name_of(digits.reason));
  }
  if (digits.alone) {
    line += fmt::format(", the photo alone: {}, {} certain", digits.alone->digits,
                        digits.alone->certain);
  }
  return line;
}

std::string line_of(const ReadOptions& options, const std::string& file,
                    const PhotoOutcome& outcome) {
  if (!options.json) return plain_line(file, outcome);
  return outcome ? to_json_line(file, *outcome, options.evidence)
                 : to_json_line(file, outcome.error());
}

bool is_jpeg_name(const fs::path& path) {
  std::string ending = path.extension().string();
  std::ranges::transform(ending, ending.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return ending == ".jpg" || ending == ".jpeg";
}

std::vector<std::string> photos_below(const fs::path& folder) {
  std::vector<std::string> photos;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied,
                                         error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (is_jpeg_name(entry->path()) && !entry->is_directory(error))
      photos.push_back(entry->path().string());
  }
  std::ranges::sort(photos);
  return photos;
}

}  // namespace

std::vector<std::string> photos_in(const std::vector<std::string>& names) {
  std::vector<std::string> photos;
  for (const std::string& name : names) {
    std::error_code error;
    std::vector<std::string> below;
    if (fs::is_directory(name, error)) below = photos_below(name);
    if (below.empty()) below.push_back(name);
    photos.insert(photos.end(), below.begin(), below.end());
  }
  return photos;
}

int read_photos(const ReadOptions& options) {
  const auto known = load_known(options.known);
  if (!known) {
    fmt::print(stderr, "meterlens: {}\n", known.error());
    return 1;
  }
  auto first = reader::Reader::open(find_folder(options.models, "reader/models", "models"));
  if (!first) {
    fmt::print(stderr, "meterlens: {}; --models names the folder\n", first.error().text);
    return 1;
  }
  const std::vector<std::string> photos = photos_in(options.files);
  std::vector<std::string> lines(photos.size());
  std::atomic<bool> has_errors{false};
  reader::for_each_photo(
      *first, photos.size(), reader::thread_count(options.threads, photos.size()),
      [&](reader::Reader& own, std::size_t i) {
        const PhotoOutcome outcome = read_one(own, photos[i], *known);
        if (!outcome) has_errors = true;
        lines[i] = line_of(options, photos[i], outcome);
      },
      [&](std::size_t i) {
        fmt::print("{}\n", lines[i]);
        lines[i] = {};
        std::fflush(stdout);
      });
  return has_errors ? 1 : 0;
}

}  // namespace meterlens::app
