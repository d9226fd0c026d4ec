// Inside api/: meters and values by hand from CSV. Bad lines are listed with number and reason;
// good ones go in when there is no bad one, or when that is asked for.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace meterlens::api {

struct BadLine {
  int number = 0;
  std::string reason;
};
struct Imported {
  int lines = 0;             // without the head line
  int good = 0;
  int taken = 0;
  std::vector<BadLine> bad;
  store::Judged judged;      // what values by hand have changed
};
struct ImportOrder {
  std::string text;
  bool accept_good = false;
  validate::Author author;   // of lines that name none
  bool is_signed = false;    // the author is known, whatever a line names
};

inline constexpr int import_line_count_max = 20'000;

// The inner error says what is wrong with the text as a whole.
using ImportResult = store::Result<std::expected<Imported, std::string>>;
// Columns: id and those of a `MeterEdit`, in any order.
ImportResult import_meters(store::Store& store, const ImportOrder& order);
// Columns: meter, at (ISO 8601 or Unix ms), value or digits, author, reason.
ImportResult import_readings(store::Store& store, const ImportOrder& order);

std::string imported_json(const Imported& imported);

}  // namespace meterlens::api
