// The words of a modem's lines: what kind of answer a line is, its numbers, and what they say of
// signal, identity and time. Pure functions on the caller's text; no heap, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace meterlens::at {

// Up to six decimal numbers of at most 6 digits each.
struct Numbers {
  std::array<int, 6> values{};
  std::size_t count = 0;

  int operator[](std::size_t index) const { return values[index]; }
};

// "1,-2, 3" with blanks around and at most one comma behind; count 0 when it is anything else.
Numbers numbers_of(std::string_view text);

enum class Word : std::uint8_t {
  ok,
  error,    // ERROR, +CME ERROR: ..., +CMS ERROR: ...
  started,  // RDY: the modem begins anew and has forgotten everything
  echo,     // of a command
  urc,      // +NAME: ..., an answer's text or unasked for
  text,     // anything else
};

Word word_of(std::string_view line);

// Of "+NAME: rest": NAME, and what stands behind the colon and blanks.
struct Named {
  std::string_view name;
  std::string_view rest;
};

Named named(std::string_view line);

// 0 to 31 of +CSQ as dBm; nothing for 99, "not known".
std::optional<int> signal_dbm(int csq);

// A line that is digits only, or behind "+CCID: " or "+QCCID: " also letters A to F, perhaps in
// quotes; empty: no number of a module or a card.
std::string_view identity_of(std::string_view line);

// "yy/MM/dd,hh:mm:ss+zz" with quotes around, zz the zone in quarters of an hour. `is_local`: the
// time is the zone's, not UTC. Nothing before 2020: a clock that no network has set.
std::optional<std::uint64_t> unix_ms_of(std::string_view clock, bool is_local);

// What +QMTSTAT's second number says; empty: no number that is known.
std::string_view reason_of_stat(int error);

}  // namespace meterlens::at
