// Inside api/: comma-separated values as RFC 4180 has them. Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace meterlens::api {

struct CsvLine {
  int number = 0;  // of its first line in the text, from 1
  std::vector<std::string> fields;
  std::string wrong;  // empty, or why it cannot be understood
};
// Lines end with LF or CRLF; empty ones are left out, a byte order mark at the begin as well. A
// quotation mark that never ends makes the rest of the text one wrong line.
std::vector<CsvLine> parse_csv(std::string_view text);

// One line with its end (CRLF); quoted where needed.
std::string csv_line(const std::vector<std::string>& fields);

}  // namespace meterlens::api
