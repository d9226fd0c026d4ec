// Which reader is asked for a meter, and whom to believe. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace meterlens::second {

enum class Policy : std::uint8_t {
  local,             // the reader here alone
  baidu,             // Baidu's word counts; the local one stands in when there is none
  local_then_baidu,  // Baidu is asked when the local reader doubts
  both_must_agree,   // nothing is accepted that only one of them says
};
const char* name(Policy policy);
std::optional<Policy> policy_named(std::string_view text);

// One edit of what a person wishes for a meter; without a policy the global one counts again.
struct MeterPolicy {
  std::string meter;
  std::optional<Policy> policy;
  std::string author;
  std::string reason;
  std::int64_t at_ms = 0;  // Unix
};

// Why nothing is asked for a while; kept in the store, so that a restart does not forget it.
struct Stop {
  enum class Kind : std::uint8_t {
    none,
    quota_today,    // until the provider's next day
    quota,          // the total quota: until somebody says so
    configuration,  // wrong keys or rights: until somebody says so, or the next start
    fault,          // a request that the provider calls wrong, a fault of ours: as above
  };
  Kind kind = Kind::none;
  std::int64_t until_ms = 0;  // Unix; 0: until somebody says so
  std::string reason;
};
const char* name(Stop::Kind kind);
std::optional<Stop::Kind> stop_named(std::string_view text);

// What was asked for one meter on one day.
struct Use {
  std::int64_t day = 0;   // days since 1970 as the provider counts them
  std::string meter;
  std::int64_t calls = 0;       // requests sent
  std::int64_t billed = 0;      // of them, answered with a result
  std::int64_t cost_micro = 0;  // millionths of the currency
};

}  // namespace meterlens::second
