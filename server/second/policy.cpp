#include "server/second/policy.h"

#include <array>

#include "protocol/require.h"

namespace meterlens::second {

const char* name(Policy policy) {
  switch (policy) {
    case Policy::local: return "local";
    case Policy::baidu: return "baidu";
    case Policy::local_then_baidu: return "local-then-baidu";
    case Policy::both_must_agree: return "both-must-agree";
  }
  protocol::require(false);
  return "";
}

std::optional<Policy> policy_named(std::string_view text) {
  for (const auto one : {Policy::local, Policy::baidu, Policy::local_then_baidu,
                         Policy::both_must_agree}) {
    if (text == name(one)) return one;
  }
  return std::nullopt;
}

const char* name(Stop::Kind kind) {
  switch (kind) {
    case Stop::Kind::none: return "none";
    case Stop::Kind::quota_today: return "quota_today";
    case Stop::Kind::quota: return "quota";
    case Stop::Kind::configuration: return "configuration";
    case Stop::Kind::fault: return "fault";
  }
  protocol::require(false);
  return "";
}

std::optional<Stop::Kind> stop_named(std::string_view text) {
  using enum Stop::Kind;
  for (const auto one : {none, quota_today, quota, configuration, fault}) {
    if (text == name(one)) return one;
  }
  return std::nullopt;
}

}  // namespace meterlens::second
