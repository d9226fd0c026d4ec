#include "reader/labels.h"

#include <regex.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>

namespace meterlens::reader {
namespace {

using Fields = std::vector<std::string>;

// The next record of a CSV with quotes; nothing at the end.
std::optional<Fields> record_of(std::istream& in) {
  Fields fields(1);
  bool quoted = false, any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    if (quoted && c == '"' && in.peek() == '"') {
      fields.back() += static_cast<char>(in.get());
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      return fields;
    } else if (c != '\r') {
      fields.back() += static_cast<char>(c);
    }
  }
  return any ? std::optional(fields) : std::nullopt;
}

// Spreadsheets begin UTF-8 with one.
void skip_byte_order_mark(std::istream& in) {
  for (const char c : {'\xEF', '\xBB', '\xBF'})
    if (in.peek() == static_cast<unsigned char>(c)) in.get();
}

std::optional<std::size_t> column_of(const Fields& header, const std::string& name) {
  const auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) return std::nullopt;
  return static_cast<std::size_t>(found - header.begin());
}

std::vector<std::string> accepted_of(const std::string& label, const std::string& others) {
  std::vector<std::string> accepted{label};
  std::istringstream words(others);
  for (std::string word; words >> word;)
    if (word != label) accepted.push_back(word);
  return accepted;
}

// POSIX extended; std::regex costs seconds of build and, with sanitizers, false warnings.
class Pattern {
 public:
  explicit Pattern(const std::string& text)
      : valid_(regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
  ~Pattern() {
    if (valid_) regfree(&compiled_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  bool valid() const { return valid_; }
  bool matches(const std::string& text) const {
    return regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_{};
  bool valid_;
};

// Empty where the column or the field is missing.
std::string field_at(const Fields& fields, std::optional<std::size_t> column) {
  return column && *column < fields.size() ? fields[*column] : "";
}

// A number of wheels, or -1.
int count_of(const std::string& text) {
  int count = -1;
  const char* end = text.data() + text.size();
  const auto [stopped, failed] = std::from_chars(text.data(), end, count);
  return failed == std::errc{} && stopped == end && count >= 0 ? count : -1;
}

}  // namespace

std::expected<std::vector<Labelled>, std::string> labels_of(const std::filesystem::path& csv,
                                                            const std::string& split) {
  std::ifstream in(csv, std::ios::binary);
  if (!in) return std::unexpected("cannot open " + csv.string());
  skip_byte_order_mark(in);
  const auto header = record_of(in);
  const auto file = header ? column_of(*header, "file") : std::nullopt;
  const auto label = header ? column_of(*header, "label") : std::nullopt;
  if (!file || !label) return std::unexpected(csv.string() + " has no columns `file` and `label`");
  const auto accepted = column_of(*header, "all_accepted");
  const auto red = column_of(*header, "red"), decimals = column_of(*header, "decimals");
  const Pattern wanted(split);
  if (!wanted.valid()) return std::unexpected("no regular expression: " + split);
  std::vector<Labelled> photos;
  while (const auto fields = record_of(in)) {
    if (fields->size() <= std::max(*file, *label) || (*fields)[*label].empty()) continue;
    const std::string& text = (*fields)[*label];
    if (!wanted.matches(text)) continue;
    photos.push_back({csv.parent_path() / (*fields)[*file], text,
                      accepted_of(text, field_at(*fields, accepted)),
                      count_of(field_at(*fields, red ? red : decimals))});
  }
  return photos;
}

}  // namespace meterlens::reader
