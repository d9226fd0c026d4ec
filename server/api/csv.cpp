#include "server/api/csv.h"

#include <algorithm>

namespace meterlens::api {
namespace {

// Takes one line after another from a text.
class CsvCursor {
 public:
  explicit CsvCursor(std::string_view text) : rest_(text) {}
  bool at_end() const { return rest_.empty(); }

  CsvLine line() {
    CsvLine out;
    out.number = number_;
    for (;;) {
      out.fields.push_back(rest_.starts_with('"') ? quoted(out) : plain(out));
      if (rest_.starts_with(',')) {
        rest_.remove_prefix(1);
        continue;
      }
      // What follows a closing quotation mark belongs to nothing.
      if (!rest_.empty() && rest_.front() != '\n' && rest_.front() != '\r')
        out.wrong = "a quotation mark ends before the field does";
      end_line();
      return out;
    }
  }

 private:
  std::string plain(CsvLine& out) {
    const std::size_t end = std::min(rest_.find_first_of(",\n"), rest_.size());
    std::string field(rest_.substr(0, end));
    rest_.remove_prefix(end);
    if (field.ends_with('\r') && !rest_.starts_with(',')) field.pop_back();
    if (field.find('"') != std::string::npos) out.wrong = "a quotation mark inside of a field";
    return field;
  }
  std::string quoted(CsvLine& out) {
    std::string field;
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      const char c = rest_.front();
      if (c == '"' && !rest_.substr(1).starts_with('"')) {
        rest_.remove_prefix(1);
        return field;
      }
      if (c == '"') rest_.remove_prefix(1);
      if (c == '\n') ++number_;
      field += c;
    }
    out.wrong = "a quotation mark that never ends";
    return field;
  }
  void end_line() {
    const std::size_t end = rest_.find('\n');
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
  }

  std::string_view rest_;
  int number_ = 1;
};

}  // namespace

std::vector<CsvLine> parse_csv(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  std::vector<CsvLine> out;
  for (CsvCursor cursor(text); !cursor.at_end();) {
    CsvLine line = cursor.line();
    const bool is_empty = line.wrong.empty() && line.fields.size() == 1 && line.fields[0].empty();
    if (!is_empty) out.push_back(std::move(line));
  }
  return out;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string out;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    if (fields[i].find_first_of(",\"\r\n") == std::string::npos) {
      out += fields[i];
      continue;
    }
    out += '"';
    for (const char c : fields[i]) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    out += '"';
  }
  return out + "\r\n";
}

}  // namespace meterlens::api
