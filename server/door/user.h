// Who may come in: users, their sessions and tokens, credentials of devices, and what is written
// down of all changes. Values; no secret is in any of them, only hashes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/door/rights.h"

namespace meterlens::door {

struct User {
  std::string name;  // as a device's name: 1 to 64 of A-Z a-z 0-9 . _ -
  Role role = Role::viewer;
  std::vector<std::string> groups;  // of meters; empty: all meters
  std::string password_hash;        // secret.h
  bool disabled = false;
  std::int64_t created_ms = 0;
  std::int64_t password_ms = 0;  // when the password was set
};

struct Session {
  std::string hash;  // of the cookie
  std::string user;
  std::string address;
  std::int64_t created_ms = 0;
  std::int64_t used_ms = 0;
};

struct Token {
  std::int64_t id = 0;
  std::string hash;
  std::string name;  // what it is for
  std::string user;
  Rights scopes;
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = 0;  // 0: never
};

// What a device shows to the embedded broker.
struct Credential {
  std::string device;
  std::string hash;     // as mosquitto's password file has it
  std::string by;       // a user, or "product NAME"
  std::int64_t made_ms = 0;
  bool removed = false;  // kept, so that nobody registers under this name again
};

// Devices that know a product's secret may register themselves.
struct Product {
  std::string name;
  std::string hash;  // of the secret
  std::int64_t made_ms = 0;
};

// One change, or one attempt to come in.
struct Entry {
  std::int64_t id = 0;
  std::int64_t at_ms = 0;
  std::string who;      // a user's name, "local", "device NAME", "command line"
  std::string by;       // session, token NUMBER, local, none
  std::string address;  // from where
  std::string method;
  std::string path;
  int status = 0;      // of the answer
  std::string before;  // JSON without secrets, or empty
  std::string after;
};

}  // namespace meterlens::door
