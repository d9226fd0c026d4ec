#include "server/second/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace meterlens::second {
namespace {

using Json = nlohmann::json;

constexpr std::size_t message_bytes_max = 200;
constexpr std::size_t word_bytes_max = 200;

struct Row {
  int first;
  int last;
  Remedy remedy;
};
// Later rows give way to earlier ones.
constexpr std::array table{
    Row{1, 2, Remedy::retry},
    Row{4, 4, Remedy::retry},
    Row{282000, 282000, Remedy::retry},
    Row{18, 18, Remedy::slow_down},
    Row{17, 17, Remedy::stop_today},
    Row{19, 19, Remedy::stop},
    Row{100, 100, Remedy::renew_token},
    Row{110, 111, Remedy::renew_token},
    Row{3, 3, Remedy::configuration},
    Row{6, 6, Remedy::configuration},
    Row{14, 14, Remedy::configuration},
    Row{216200, 216202, Remedy::photo},
    Row{216630, 216631, Remedy::photo},
    Row{282102, 282103, Remedy::photo},
    Row{216100, 216199, Remedy::bug},
    Row{282110, 282119, Remedy::bug},
    Row{282800, 282899, Remedy::bug},
    Row{283300, 283300, Remedy::bug},
};

bool goes_on(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Of UTF-8: what is cut off are whole characters, for PostgreSQL refuses parts of them.
std::string plain(const std::string& text, std::size_t bytes_max) {
  std::size_t bytes = std::min(text.size(), bytes_max);
  if (bytes < text.size()) {
    while (bytes > 0 && goes_on(text[bytes])) --bytes;
  }
  std::string out = text.substr(0, bytes);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

std::string text_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

// A number, or a text that is one; NaN else.
double number_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_number()) return std::numeric_limits<double>::quiet_NaN();
  return at->get<double>();
}

int code_of(const Json& json) {
  const auto at = json.find("error_code");
  if (at == json.end()) return 0;
  if (at->is_number_integer()) return static_cast<int>(at->get<std::int64_t>() & 0x7fffffff);
  if (!at->is_string()) return 0;
  return std::atoi(at->get<std::string>().c_str());
}

Fault no_answer(const std::string& why) {
  return {0, Remedy::retry, "the answer cannot be understood: " + why};
}

std::optional<Box> box_of(const Json& location) {
  const Box box{number_of(location, "left"), number_of(location, "top"),
                number_of(location, "width"), number_of(location, "height")};
  for (const double side : {box.left, box.top, box.width, box.height}) {
    if (!std::isfinite(side) || std::abs(side) > 1e6) return std::nullopt;
  }
  if (box.width < 0 || box.height < 0) return std::nullopt;
  return box;
}

std::optional<Word> word_of(const Json& entry) {
  if (!entry.is_object()) return std::nullopt;
  Word word;
  word.text = plain(text_of(entry, "words"), word_bytes_max);
  if (word.text.empty()) return std::nullopt;
  const auto location = entry.find("location");
  if (location != entry.end() && location->is_object())
    word.box = box_of(*location).value_or(Box{});
  const auto probability = entry.find("probability");
  if (probability == entry.end() || !probability->is_object()) return word;
  const double average = number_of(*probability, "average");
  if (std::isfinite(average)) word.confidence = std::clamp(average, 0.0, 1.0);
  return word;
}

}  // namespace

Remedy remedy_of(int code) {
  for (const Row& row : table) {
    if (code >= row.first && code <= row.last) return row.remedy;
  }
  // What the table does not know is tried again a few times, and costs nothing.
  return Remedy::retry;
}

std::expected<std::vector<Word>, Fault> parse_answer(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return std::unexpected(no_answer("no JSON"));
  if (!json.is_object()) return std::unexpected(no_answer("no object"));
  if (json.contains("error_code")) {
    const int code = code_of(json);
    const std::string said = plain(text_of(json, "error_msg"), message_bytes_max);
    return std::unexpected(Fault{code, remedy_of(code), fmt::format("error {}: {}", code, said)});
  }
  const auto results = json.find("words_result");
  if (results == json.end() || !results->is_array())
    return std::unexpected(no_answer("no words_result"));
  std::vector<Word> words;
  for (const Json& entry : *results) {
    if (words.size() == words_max) break;
    if (auto word = word_of(entry)) words.push_back(*std::move(word));
  }
  return words;
}

std::expected<Token, Fault> parse_token(std::string_view body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::unexpected(no_answer("the token's is no JSON object"));
  if (const std::string error = text_of(json, "error"); !error.empty()) {
    const std::string said = plain(text_of(json, "error_description"), message_bytes_max);
    const Remedy remedy = error == "invalid_client" ? Remedy::configuration : Remedy::retry;
    return std::unexpected(
        Fault{0, remedy, fmt::format("no token: {}: {}", plain(error, 40), said)});
  }
  Token token{text_of(json, "access_token"), 0};
  const double lasts = number_of(json, "expires_in");
  if (token.text.empty() || token.text.size() > 1024 || !(lasts >= 1) || lasts > 1e9)
    return std::unexpected(no_answer("no access_token with expires_in"));
  token.lasts_s = static_cast<std::int64_t>(lasts);
  return token;
}

}  // namespace meterlens::second
