// The two keys of an account with the provider. They come from the environment or from a file that
// only its owner can read, and go nowhere but into requests: no log, no answer, no error text.
#pragma once

#include <expected>
#include <string>

namespace meterlens::second {

struct Keys {
  std::string key;     // "API key", client_id
  std::string secret;  // "secret key", client_secret
};

inline constexpr const char* key_variable = "METERLENS_BAIDU_KEY";
inline constexpr const char* secret_variable = "METERLENS_BAIDU_SECRET";

// Where they come from, and how errors call that.
struct KeyNames {
  const char* whose = "the second reader has";
  const char* key = key_variable;        // of the environment
  const char* secret = secret_variable;
  const char* setting = "keys_file in [second]";
};

// From `file` (two lines: key, secret) or, when that is empty, from the environment. A file that
// others may read, or that somebody else owns, is refused. The error says what to do.
std::expected<Keys, std::string> load_keys(const std::string& file,
                                         const KeyNames& names = {});

}  // namespace meterlens::second
