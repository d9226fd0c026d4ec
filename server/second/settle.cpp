#include "server/second/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace meterlens::second {
namespace {

using validate::Claim;
using validate::Said;

constexpr std::size_t words_kept_max = 32;

Said local_of(const Claim& claim) {
  Said said;
  said.reader = "local";
  said.status = claim.status;
  said.digits = claim.digits;
  said.certain = claim.certain;
  said.red = claim.red;
  said.confidence = claim.confidence;
  said.note = claim.reason;
  return said;
}

Said second_of(const Heard& heard) {
  Said said;
  said.reader = "baidu";
  said.status = heard.choice ? "read" : heard.asked ? "unreadable" : "not asked";
  for (std::size_t i = 0; i < std::min(heard.words.size(), words_kept_max); ++i)
    said.words.push_back(heard.words[i].text);
  if (!heard.choice) {
    said.note = heard.why_none;
    return said;
  }
  said.digits = heard.choice->digits;
  said.certain = static_cast<int>(heard.choice->digits.size());
  said.red = std::max(heard.choice->red, 0);
  said.confidence = std::max(heard.choice->confidence, 0.0);
  said.note = "chosen by " + heard.choice->why;
  return said;
}

// The second reader's digits at the local claim's wheels: it may not have seen the red ones.
std::string aligned(const Choice& choice, const Claim& local) {
  const std::size_t seen = choice.digits.size();
  const bool lacks_red = local.red > 0 && seen + static_cast<std::size_t>(local.red) ==
                                              local.digits.size();
  return lacks_red ? choice.digits + local.digits.substr(seen) : choice.digits;
}

bool agree(const Claim& local, const std::string& digits, int wheels) {
  const auto count = static_cast<std::size_t>(std::min(wheels, local.certain));
  return count > 0 && digits.size() == local.digits.size() &&
         digits.substr(0, count) == local.digits.substr(0, count);
}

// The leading wheels that both see alike.
int alike(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return 0;
  return static_cast<int>(std::ranges::mismatch(a, b).in1 - a.begin());
}

void believe(Claim& claim, std::size_t which, std::string why) {
  claim.said[which].believed = true;
  claim.said[which].note +=
      claim.said[which].note.empty() ? "believed: " + why : "; believed: " + why;
}

// Takes the second reader's number; where the register is, the local one has seen.
void take(Claim& claim, const Choice& choice, const std::string& digits, const std::string& why) {
  claim.status = "read";
  claim.reason.clear();
  claim.prior.clear();
  claim.red_is_clear = choice.red >= 0 ? choice.red == claim.red
                                       : claim.red_is_clear && claim.digits.size() == digits.size();
  if (choice.red >= 0) claim.red = choice.red;
  claim.digits = digits;
  claim.certain = std::min(static_cast<int>(choice.digits.size()), validate::wheel_count_max);
  claim.confidence = std::max(choice.confidence, 0.0);
  believe(claim, 1, why);
}

bool is_sure(const Choice& choice, double sure) { return choice.confidence >= sure; }

void settle_baidu(Claim& claim, const Choice& choice, const std::string& digits, double sure) {
  const bool same = agree(claim, digits, static_cast<int>(choice.digits.size()));
  if (same && claim.status == "read") {
    claim.said[0].believed = true;
    return believe(claim, 1, "both readers agree");
  }
  if (is_sure(choice, sure)) return take(claim, choice, digits, "the policy is baidu");
  claim.said[1].note += "; not sure enough to be believed alone";
  // What it sees speaks against the local number all the same.
  if (claim.status == "read" && !same) claim.second = digits;
  believe(claim, 0, "the second reader is not sure");
}

void settle_doubtful(Claim& claim, const Choice& choice, const std::string& digits, double sure) {
  const int shared = alike(claim.digits, digits);
  const int seen = std::min(static_cast<int>(choice.digits.size()), validate::wheel_count_max);
  if (shared > 0 && std::min(shared, seen) >= std::max(claim.certain, seen - 1)) {
    // Each has seen the same by itself; the last wheel may turn.
    claim.status = "read";
    claim.reason.clear();
    claim.certain = std::min(shared, seen);
    claim.confidence = std::max(claim.confidence, choice.confidence);
    claim.said[0].believed = true;
    return believe(claim, 1, "both readers see the same");
  }
  if (claim.certain > 0 && shared < claim.certain && !claim.digits.empty()) {
    claim.second = digits;
    return believe(claim, 0, "the second reader sees another number where this one is certain");
  }
  if (is_sure(choice, sure))
    return take(claim, choice, digits, "the local reader doubts, this one is sure");
  claim.said[1].note += "; not sure enough to be believed alone";
  believe(claim, 0, "the second reader is not sure");
}

void settle_both(Claim& claim, const Choice& choice, const std::string& digits) {
  if (!agree(claim, digits, static_cast<int>(choice.digits.size()))) {
    claim.second = digits;
    return believe(claim, 0, "kept for review: the second reader sees another number");
  }
  // Stands behind no wheel that only one has seen.
  claim.certain = std::min(claim.certain, static_cast<int>(choice.digits.size()));
  claim.said[0].believed = true;
  believe(claim, 1, "both readers agree");
}

}  // namespace

std::optional<std::string> why_not_asked(Policy policy, const Claim& local) {
  if (policy == Policy::local) return "the policy is local";
  constexpr std::array hopeless{"mirrored", "several meters", "damaged"};
  for (const char* reason : hopeless) {
    if (local.reason == reason) return "no second look helps a photo that is " + local.reason;
  }
  const bool doubts = local.status != "read";
  if (policy == Policy::local_then_baidu && !doubts) return "the local reader does not doubt";
  if (policy == Policy::both_must_agree && doubts) return "the local reader does not agree anyway";
  return std::nullopt;
}

Claim settle(Policy policy, Claim local, const Heard& heard, double sure) {
  local.said = {local_of(local), second_of(heard)};
  if (!heard.choice) {
    believe(local, 0, "there is no second word");
    local.remark = (heard.asked ? "the second reader gave no number: "
                                : "the second reader was not asked: ") + heard.why_none;
    if (policy == Policy::both_must_agree && local.status == "read")
      local.unconfirmed = "no second reader confirms it";
    return local;
  }
  const std::string digits = aligned(*heard.choice, local);
  switch (policy) {
    case Policy::local: break;
    case Policy::baidu: settle_baidu(local, *heard.choice, digits, sure); break;
    case Policy::local_then_baidu:
      settle_doubtful(local, *heard.choice, digits, sure);
      break;
    case Policy::both_must_agree: settle_both(local, *heard.choice, digits); break;
  }
  return local;
}

}  // namespace meterlens::second
