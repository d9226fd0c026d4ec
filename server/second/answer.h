// What Baidu OCR answers: words with their places, a token, or an error, and what each error asks
// of us. The JSON library stays in answer.cpp. Pure; any thread; foreign text gives a Fault.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace meterlens::second {

struct Box {
  double left = 0, top = 0, width = 0, height = 0;  // pixels of the picture that was sent
};

struct Word {
  std::string text;
  Box box;
  double confidence = -1;  // 0 to 1; below 0: not told
};

enum class Remedy : std::uint8_t {
  retry,          // later, with a pause that grows
  slow_down,      // more requests a second than allowed
  renew_token,    // once, then repeat once
  stop_today,     // the day's quota is used up
  stop,           // the total quota is used up
  configuration,  // rights or keys: somebody has to look at it
  photo,          // this photo will never be read
  bug,            // a request that makes no sense: our fault
};
Remedy remedy_of(int code);

struct Fault {
  int code = 0;  // the provider's; 0: no answer, or none that can be understood
  Remedy remedy = Remedy::retry;
  std::string message;  // one line, at most 200 bytes; never more than the provider's own words
};

inline constexpr std::size_t words_max = 256;  // further ones are not looked at

std::expected<std::vector<Word>, Fault> parse_answer(std::string_view body);

struct Token {
  std::string text;
  std::int64_t lasts_s = 0;
};
std::expected<Token, Fault> parse_token(std::string_view body);

}  // namespace meterlens::second
