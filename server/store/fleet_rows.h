// Inside store/: what the files of fleet's rows share.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "server/store/engine.h"
#include "server/store/fleet.h"

namespace meterlens::store {

// Names without spaces, or numbers, as one text and back.
inline std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

inline std::vector<std::string> parted(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    names.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return names;
}

template <class Number>
std::string numbers_text(const std::vector<Number>& numbers) {
  std::vector<std::string> texts;
  for (const Number number : numbers) texts.push_back(std::to_string(number));
  return joined(texts);
}

template <class Number>
std::vector<Number> numbers_of(const std::string& text) {
  std::vector<Number> out;
  for (const std::string& one : parted(text))
    out.push_back(static_cast<Number>(std::atoi(one.c_str())));
  return out;
}

// The value whose name is in the database; `most` is the last one of the enumeration.
template <class Enum>
Enum named(const std::string& text, Enum most) {
  for (int i = 0; i <= static_cast<int>(most); ++i)
    if (text == fleet::name(static_cast<Enum>(i))) return static_cast<Enum>(i);
  throw soci::soci_error("an unknown word in the database: " + text);
}

struct NameRow {
  explicit NameRow(soci::statement& statement) { statement.exchange(soci::into(name)); }
  std::string take() { return std::move(name); }
  std::string name;
};

using Names = std::vector<std::string>;

// Rows of many names: `text` has one `?` where they go, `between` parts them there. In groups;
// the order is that of each group.
template <class Row>
auto select_of(soci::session& sql, const std::string& text, const Names& names,
               const std::string& between = ", ") {
  constexpr std::size_t group_max = 200;
  const std::size_t place = text.find('?');
  std::vector<decltype(std::declval<Row&>().take())> out;
  for (std::size_t from = 0; from < names.size(); from += group_max) {
    const std::size_t to = std::min(from + group_max, names.size());
    std::string whole = text.substr(0, place);
    for (std::size_t i = from; i < to; ++i)
      whole += (i == from ? ":v" : between + ":v") + std::to_string(i - from);
    whole += text.substr(place + 1);
    soci::statement statement(sql);
    Row row(statement);
    for (std::size_t i = from; i < to; ++i) statement.exchange(soci::use(names[i]));
    statement.alloc();
    statement.prepare(text_for(sql, whole), soci::details::st_one_time_query);
    statement.define_and_bind();
    statement.execute(false);
    while (statement.fetch()) out.push_back(row.take());
  }
  return out;
}

// A condition of a query that is put together, and its values in the order of their places; each
// place has a name of its own.
class Where {
 public:
  // `text` has one `?` for each value.
  void add(const std::string& text, const std::vector<std::string>& values = {}) {
    add(text, text, values);
  }
  // `column` is among what `query` selects. PostgreSQL would rather walk through a whole table
  // beside its answer than look up each; an array it looks up.
  void add_among(const std::string& column, const std::string& query,
                 const std::vector<std::string>& values) {
    add(column + " IN (" + query + ")", column + " = ANY (ARRAY(" + query + "))", values);
  }

  template <class Row>
  auto select(soci::session& sql, const std::string& before, const std::string& after) const {
    soci::statement statement(sql);
    Row row(statement);
    for (const std::string& value : values_) statement.exchange(soci::use(value));
    statement.alloc();
    const bool is_postgresql = sql.get_backend_name() == "postgresql";
    statement.prepare(before + (is_postgresql ? postgresql_text_ : text_) + after);
    statement.define_and_bind();
    statement.execute(false);
    std::vector<decltype(row.take())> out;
    while (statement.fetch()) out.push_back(row.take());
    return out;
  }

 private:
  void add(const std::string& text, const std::string& postgresql_text,
           const std::vector<std::string>& values) {
    put(text_, text);
    put(postgresql_text_, postgresql_text);
    values_.insert(values_.end(), values.begin(), values.end());
  }
  void put(std::string& out, const std::string& text) const {
    std::size_t place = values_.size();
    out += out.empty() ? " WHERE " : " AND ";
    for (const char c : text) {
      if (c == '?') out += ":v" + std::to_string(place++);
      else out += c;
    }
  }

  std::string text_, postgresql_text_;
  std::vector<std::string> values_;
};

// Which rows a filter or a target means; `a` is the alias of the table whose id is meant.
void add_target(Where& where, fleet::Kind kind, const fleet::Target& target);
Where where_of(const DeviceFilter& filter);
Where where_of(const MeterFilter& filter);

inline std::unexpected<Error> changed_meanwhile(const std::string& what) {
  return std::unexpected(
      Error{ErrorCode::conflict,
            what + " has been changed meanwhile: look at it again, and send its new version"});
}

}  // namespace meterlens::store
