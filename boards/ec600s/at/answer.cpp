#include "boards/ec600s/at/answer.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace meterlens::at {
namespace {

constexpr std::size_t digits_max = 6;

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<int> number_of(std::string_view text) {
  text = without_blanks(text);
  int value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  if (error != std::errc() || end != last || text.size() > digits_max) return std::nullopt;
  return value;
}

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string_view without_quotes(std::string_view text) {
  text = without_blanks(text);
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
    text = text.substr(1, text.size() - 2);
  return text;
}

// Of "dd?dd?...": the pairs of digits, if every one is there.
bool read_pairs(std::string_view text, std::array<int, 7>& pairs) {
  if (text.size() != 20) return false;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const char tens = text[3 * i];
    const char ones = text[3 * i + 1];
    if (!is_digit(tens) || !is_digit(ones)) return false;
    pairs[i] = 10 * (tens - '0') + (ones - '0');
  }
  return true;
}

}  // namespace

Numbers numbers_of(std::string_view text) {
  Numbers numbers;
  text = without_blanks(text);
  if (text.ends_with(',')) text.remove_suffix(1);
  while (numbers.count < numbers.values.size()) {
    const std::size_t comma = text.find(',');
    const auto value = number_of(text.substr(0, comma));
    if (!value) return {};
    numbers.values[numbers.count++] = *value;
    if (comma == std::string_view::npos) return numbers;
    text = text.substr(comma + 1);
  }
  return {};
}

Word word_of(std::string_view line) {
  if (line == "OK") return Word::ok;
  if (line == "ERROR" || line.starts_with("+CME ERROR") || line.starts_with("+CMS ERROR"))
    return Word::error;
  if (line == "RDY") return Word::started;
  if (line.starts_with("AT")) return Word::echo;
  if (line.starts_with('+') && line.find(':') != std::string_view::npos) return Word::urc;
  return Word::text;
}

Named named(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (!line.starts_with('+') || colon == std::string_view::npos) return {};
  return {line.substr(1, colon - 1), without_blanks(line.substr(colon + 1))};
}

std::optional<int> signal_dbm(int csq) {
  if (csq < 0 || csq > 31) return std::nullopt;
  return 2 * csq - 113;
}

std::string_view identity_of(std::string_view line) {
  const Named card = named(line);
  const bool is_card = card.name == "CCID" || card.name == "QCCID";
  const std::string_view number = without_quotes(is_card ? card.rest : line);
  const bool fits = std::all_of(number.begin(), number.end(), [&](char letter) {
    return is_digit(letter) || (is_card && letter >= 'A' && letter <= 'F');
  });
  return fits && number.size() >= 14 && number.size() <= 20 ? number : std::string_view();
}

std::optional<std::uint64_t> unix_ms_of(std::string_view clock, bool is_local) {
  namespace chrono = std::chrono;
  clock = without_quotes(clock);
  std::array<int, 7> part;
  if (!read_pairs(clock, part)) return std::nullopt;
  if (clock[2] != '/' || clock[5] != '/' || clock[8] != ',' || clock[11] != ':' || clock[14] != ':')
    return std::nullopt;
  const char sign = clock[17];
  const chrono::year_month_day date(chrono::year(2000 + part[0]),
                                    chrono::month(static_cast<unsigned>(part[1])),
                                    chrono::day(static_cast<unsigned>(part[2])));
  // A clock that was never set begins in 1970 or 1980, which two digits make 2070 or 2080.
  if (part[0] < 20 || part[0] >= 70 || !date.ok() || part[3] > 23 || part[4] > 59 || part[5] > 59 ||
      part[6] > 56 || (sign != '+' && sign != '-'))
    return std::nullopt;
  const std::int64_t days = chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t zone_s = (sign == '-' ? -900 : 900) * part[6];
  const std::int64_t second = ((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5];
  return static_cast<std::uint64_t>(second - (is_local ? zone_s : 0)) * 1000;
}

std::string_view reason_of_stat(int error) {
  constexpr std::array<std::string_view, 8> reasons = {
      "",
      "closed by the broker",
      "ping unanswered",
      "CONNECT not sent in time",
      "CONNECT unanswered",
      "disconnected",
      "sends failed repeatedly",
      "link dead",
  };
  return error >= 0 && error < static_cast<int>(reasons.size())
             ? reasons[static_cast<std::size_t>(error)]
             : std::string_view();
}

}  // namespace meterlens::at
