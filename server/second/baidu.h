// Asks Baidu OCR what stands on a picture: keeps the token, obeys the provider's limits and error
// table, counts what it costs. Owns the token and the pace. Waits while it asks: call it from
// threads that may wait. Thread-safe. The keys and the token never leave it but in requests.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/second/answer.h"
#include "server/second/keys.h"
#include "server/second/policy.h"
#include "server/second/web.h"

namespace meterlens::second {

struct BaiduSettings {
  std::string base_url = "https://aip.baidubce.com";
  std::string endpoint = "/rest/2.0/ocr/v1/meter";
  double calls_per_second = 2;
  std::int64_t daily_quota = 1000;     // billed calls a day; 0: none at all
  std::int64_t price_micro = 0;        // of a billed call, millionths of the currency
  std::int64_t day_offset_ms = 28'800'000;  // the provider's day begins so much before UTC's
  std::int64_t timeout_ms = 10'000;    // of one request
  int tries_max = 4;                   // of one question
  std::int64_t pause_ms_first = 500;   // after a failure, doubled up to pause_ms_max, with jitter
  std::int64_t pause_ms_max = 8000;
  std::int64_t patience_ms = 60'000;   // of one question, in all
  std::size_t answer_bytes_max = std::size_t{1} << 20;
};
// https, or http on this machine; the error says what is wrong.
std::expected<void, std::string> check(const BaiduSettings& settings);

// The account's book. Called with no lock held but the book's own.
struct Book {
  // Billed calls of that day; nothing: it cannot be told, and nothing is asked then.
  std::function<std::optional<std::int64_t>(std::int64_t day)> billed;
  std::function<void(const Use& use)> add;  // to what is there
  std::function<Stop()> stopped;            // kind none: go on
  std::function<void(const Stop& stop)> stop;
};

// What it needs of the world; tests have their own.
struct World {
  std::function<std::expected<Reply, std::string>(const Post&)> post;
  std::function<std::int64_t()> unix_ms;
  std::function<std::int64_t()> steady_ms;
  std::function<bool(std::int64_t ms)> wait;  // false: given up, it is stopping
  std::function<double()> chance;             // 0 to 1, for jitter
};

struct Refusal {
  bool asked = false;  // a request went out
  std::string reason;  // for people, without secrets
};

class Baidu {
 public:
  Baidu(const BaiduSettings& settings, Keys keys, Book book, World world);

  // `field`: the picture, Base64, URL-encoded. `meter`: who pays.
  std::expected<std::vector<Word>, Refusal> ask(const std::string& meter,
                                                const std::string& field);
  // Whether the provider takes the keys: asks for a new token, which costs nothing. Once, within
  // the time-out of a request; a stop stays. The error is for people, without secrets.
  std::expected<void, std::string> try_keys();

 private:
  struct Question {
    std::string meter;
    const std::string* field = nullptr;
    std::int64_t began_ms = 0;  // steady
    int failures = 0;
    bool renewed = false;
    bool asked = false;
  };

  std::optional<std::string> why_not();
  bool reserve();
  void release();
  std::expected<std::string, Fault> token();
  std::expected<std::vector<Word>, Fault> once(Question& question);
  std::expected<std::vector<Word>, Fault> send(Question& question, const std::string& token);
  // Nothing: try again.
  std::optional<Refusal> after(Question& question, const Fault& fault);
  void put_stop(Stop::Kind kind, std::int64_t until_ms, const std::string& reason);
  bool wait_for_turn();
  std::int64_t pause_ms(int failures);
  std::int64_t day() const;
  std::string clean(std::string text) const;

  const BaiduSettings settings_;
  const Keys keys_;
  const Book book_;
  const World world_;

  mutable std::mutex mutex_;
  std::mutex token_mutex_;  // one asks for a token, the others wait
  std::string token_;
  std::int64_t token_ends_ms_ = 0;  // steady
  double turns_ = 1;                // the bucket: calls that may go now
  std::int64_t turns_ms_ = 0;       // steady, when `turns_` was right
  std::int64_t held_until_ms_ = 0;  // steady: the provider said "too fast"
  std::int64_t open_ = 0;           // calls that are under way, for the quota
};

}  // namespace meterlens::second
