#include "reader/evaluate.h"

#include <regex.h>

#include <algorithm>
#include <fstream>
#include <iterator>
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
    } else if (c == '"') {
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

std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

void count(Report& report, const Outcome& outcome) {
  ++report.n;
  if (!outcome.digits) {
    ++report.errors;
    return;
  }
  report.exact += outcome.exact;
  report.wrong_while_read += outcome.wrong_while_read;
  report.read += outcome.digits->status == Status::read;
  report.doubtful += outcome.digits->status == Status::doubtful;
  report.unreadable += outcome.digits->status == Status::unreadable;
}

}  // namespace

std::expected<std::vector<Labelled>, std::string> labels_of(const std::filesystem::path& csv,
                                                            const std::string& split) {
  std::ifstream in(csv, std::ios::binary);
  if (!in) return std::unexpected("cannot open " + csv.string());
  const auto header = record_of(in);
  const auto file = header ? column_of(*header, "file") : std::nullopt;
  const auto label = header ? column_of(*header, "label") : std::nullopt;
  if (!file || !label) return std::unexpected(csv.string() + " has no columns `file` and `label`");
  const auto accepted = column_of(*header, "all_accepted");
  const Pattern wanted(split);
  if (!wanted.valid()) return std::unexpected("no regular expression: " + split);
  std::vector<Labelled> photos;
  while (const auto fields = record_of(in)) {
    if (fields->size() <= std::max(*file, *label) || (*fields)[*label].empty()) continue;
    const std::string& text = (*fields)[*label];
    if (!wanted.matches(text)) continue;
    const std::string others = accepted && *accepted < fields->size() ? (*fields)[*accepted] : "";
    photos.push_back({csv.parent_path() / (*fields)[*file], text, accepted_of(text, others)});
  }
  return photos;
}

bool is_exact(const Digits& digits, const std::vector<std::string>& accepted) {
  return std::find(accepted.begin(), accepted.end(), digits.digits) != accepted.end();
}

bool is_wrong_while_read(const Digits& digits, const std::vector<std::string>& accepted) {
  if (digits.status != Status::read) return false;
  const auto certain = static_cast<std::size_t>(digits.certain);
  return std::none_of(accepted.begin(), accepted.end(), [&](const std::string& text) {
    return text.size() == digits.digits.size() &&
           text.compare(0, certain, digits.digits, 0, certain) == 0;
  });
}

Report evaluate(Reader& reader, const std::vector<Labelled>& photos,
                const std::function<void(const Outcome&)>& each) {
  Report report;
  double ms = 0;
  for (const Labelled& photo : photos) {
    const std::vector<std::byte> jpeg = bytes_of(photo.file);
    const std::expected<Digits, Error> digits = reader.read(jpeg);
    Outcome outcome{photo, digits};
    if (digits) {
      outcome.exact = is_exact(*digits, photo.accepted);
      outcome.wrong_while_read = is_wrong_while_read(*digits, photo.accepted);
      ms += digits->ms;
    }
    count(report, outcome);
    if (each) each(outcome);
  }
  const int whole = report.n - report.errors;
  report.ms_per_photo = whole > 0 ? ms / whole : 0;
  return report;
}

}  // namespace meterlens::reader
