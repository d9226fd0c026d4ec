#include "server/second/choose.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace meterlens::second {
namespace {

constexpr std::size_t wheels_max = 12;
constexpr std::size_t wheels_least = 3;  // of a register whose number of wheels is not known
constexpr std::size_t joined_max = 3;    // words of one row that are taken together
// How much each part speaks for a word. A place that fits alone is worth more than a plausible
// value, for that may be a serial number's too; the shape is worth as much as the place.
constexpr double place_worth = 2, shape_worth = 2, history_worth = 1.5;
constexpr double clear_lead = 0.5;  // so much better than the next, or it is not clear

struct Candidate {
  std::string digits;
  int red = -1;
  Box box;
  double confidence = -1;
  double score = 0;
  std::string why;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "00195.419", "00195 419 m3": the digits and how many follow the point; nothing for other words.
std::optional<std::pair<std::string, int>> number_in(std::string_view text) {
  for (const std::string_view unit : {"m3", "M3", "m\xc2\xb3", "kWh", "KWH", "kwh", "kW.h", "m"}) {
    if (text.ends_with(unit)) {
      text.remove_suffix(unit.size());
      break;
    }
  }
  std::string digits;
  int after = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    if ((c == '.' || c == ',') && after < 0) {
      after = 0;
      continue;
    }
    if (!is_digit(c)) return std::nullopt;
    digits += c;
    if (after >= 0) ++after;
  }
  if (digits.empty() || digits.size() > wheels_max) return std::nullopt;
  return std::pair(digits, after <= 0 ? -1 : after);
}

Box around(const Box& a, const Box& b) {
  const double left = std::min(a.left, b.left), top = std::min(a.top, b.top);
  return {left, top, std::max(a.left + a.width, b.left + b.width) - left,
          std::max(a.top + a.height, b.top + b.height) - top};
}

// The next word of the same row: beside it, of like height.
bool follows(const Box& before, const Box& after) {
  if (before.height <= 0 || after.height <= 0) return false;
  const double taller = std::max(before.height, after.height);
  const double middle = std::abs(before.top + before.height / 2 - after.top - after.height / 2);
  const double gap = after.left - before.left - before.width;
  return middle < taller / 3 && gap > -taller / 2 && gap < 1.5 * taller &&
         std::min(before.height, after.height) > taller / 2;
}

std::optional<Candidate> candidate_of(std::span<const Word* const> row) {
  Candidate out;
  std::string text;
  for (const Word* word : row) {
    out.box = text.empty() ? word->box : around(out.box, word->box);
    out.confidence = text.empty() ? word->confidence : std::min(out.confidence, word->confidence);
    text += word->text;
    if (row.size() > 1 && !number_in(word->text)) return std::nullopt;
  }
  auto number = number_in(text);
  if (!number) return std::nullopt;
  std::tie(out.digits, out.red) = *std::move(number);
  return out;
}

std::vector<Candidate> candidates_of(std::span<const Word> words) {
  std::vector<const Word*> sorted;
  for (const Word& word : words) sorted.push_back(&word);
  std::ranges::stable_sort(sorted, {}, [](const Word* word) { return word->box.left; });
  std::vector<Candidate> out;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    std::vector<const Word*> row{sorted[i]};
    if (auto one = candidate_of(row)) out.push_back(*std::move(one));
    for (std::size_t j = i + 1; j < sorted.size() && row.size() < joined_max; ++j) {
      if (!follows(row.back()->box, sorted[j]->box)) continue;
      row.push_back(sorted[j]);
      if (auto joined = candidate_of(row)) out.push_back(*std::move(joined));
    }
  }
  return out;
}

// The part of the smaller box that both share.
double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.left + a.width, b.left + b.width) - std::max(a.left, b.left);
  const double height = std::min(a.top + a.height, b.top + b.height) - std::max(a.top, b.top);
  const double smaller = std::min(a.width * a.height, b.width * b.height);
  return width <= 0 || height <= 0 || smaller <= 0 ? 0 : width * height / smaller;
}

// Below 0: it cannot be the register.
double shape_of(const Candidate& one, const Hint& hint) {
  const int seen = static_cast<int>(one.digits.size());
  if (hint.wheels == 0) {
    if (one.digits.size() < wheels_least) return -1;
    return hint.red >= 0 && one.red == hint.red ? 1 : 0.5;
  }
  if (seen == hint.wheels) return one.red >= 0 && hint.red > 0 && one.red != hint.red ? 0.5 : 1;
  // The red wheels were not seen, or left off.
  if (hint.red > 0 && seen == hint.wheels - hint.red && one.red < 0) return 0.6;
  return -1;
}

double history_of(const Candidate& one, const Hint& hint) {
  if (!hint.low || !hint.high) return 0;
  std::int64_t count = 0;
  for (const char c : one.digits) count = count * 10 + (c - '0');
  std::int64_t unit = 1;
  for (int i = static_cast<int>(one.digits.size()); i < hint.wheels; ++i) unit *= 10;
  const std::int64_t least = count * unit, most = least + unit - 1;
  return most >= *hint.low && least <= *hint.high ? 1 : 0;
}

void weigh(Candidate& one, const Hint& hint) {
  const double shape = shape_of(one, hint);
  if (shape < 0) {
    one.score = -1;
    return;
  }
  const double place = hint.window ? overlap(one.box, *hint.window) : 0;
  if (hint.window && place < 0.2) {
    one.score = -1;
    return;
  }
  const double history = history_of(one, hint);
  one.score = place_worth * place + shape_worth * shape + history_worth * history;
  if (place > 0) one.why += "place";
  if (shape == 1) one.why += one.why.empty() ? "shape" : ", shape";
  if (history > 0) one.why += one.why.empty() ? "history" : ", history";
  if (one.why.empty()) one.why = "the only number";
}

}  // namespace

std::expected<Choice, std::string> choose(std::span<const Word> words, const Hint& hint) {
  auto candidates = candidates_of(words);
  for (Candidate& one : candidates) weigh(one, hint);
  std::erase_if(candidates, [](const Candidate& one) { return one.score < 0; });
  if (candidates.empty()) {
    return std::unexpected(
        fmt::format("none of the {} words that were seen looks like the register", words.size()));
  }
  // A row beats its own parts, which are shorter.
  std::ranges::stable_sort(candidates, [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.digits.size() > b.digits.size();
  });
  const Candidate& best = candidates.front();
  const auto other = std::ranges::find_if(candidates, [&](const Candidate& one) {
    return one.digits != best.digits && best.digits.find(one.digits) == std::string::npos;
  });
  if (other != candidates.end() && best.score - other->score < clear_lead) {
    return std::unexpected(fmt::format("{} and {} both look like the register", best.digits,
                                       other->digits));
  }
  return Choice{best.digits, best.red, best.confidence, best.why};
}

}  // namespace meterlens::second
