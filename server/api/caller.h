// Inside api/: who asks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/door/rights.h"

namespace meterlens::api {

struct Caller {
  std::string name = {};     // of the user; "local" without doors; empty: nobody
  std::string by = {};       // "session", "token 7", "local", "none"
  std::string address = {};  // where the connection comes from
  door::Role role = door::Role::viewer;
  door::Rights rights = {};
  std::vector<std::string> groups = {};  // of meters; empty: all
  std::string session = {};              // the hash of its cookie, or empty
  std::string token = {};                // its hash, or empty
  std::int64_t expires_ms = 0;           // of the token; 0: never

  bool operator==(const Caller&) const = default;
  bool is_known() const { return !name.empty(); }
  // A person or program with an account here.
  bool has_account() const { return is_known() && by != "local"; }
  bool is_limited() const { return !groups.empty(); }
  // Whose sessions and tokens it may see and end; empty: everybody's.
  std::string whose_accounts() const { return rights.administer && !is_limited() ? "" : name; }
};

}  // namespace meterlens::api
