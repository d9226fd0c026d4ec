// Puts the local reader's claim and the second reader's word together by a policy. Both are kept in
// the claim; which was believed, and why, too. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "server/second/choose.h"
#include "server/second/policy.h"
#include "server/validate/validate.h"

namespace meterlens::second {

// What came of asking.
struct Heard {
  std::vector<Word> words;
  std::optional<Choice> choice;
  std::string why_none;  // without a choice: why; of the words, or of having no answer
  bool asked = false;
};

// Empty: ask. Else why not: by the policy, or because no number could help this photo.
std::optional<std::string> why_not_asked(Policy policy, const validate::Claim& local);

// `sure`: the least confidence, 0 to 1, by which the second reader's number is believed alone; a
// provider that tells none is not believed alone.
validate::Claim settle(Policy policy, validate::Claim local, const Heard& heard, double sure);

}  // namespace meterlens::second
