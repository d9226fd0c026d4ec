// `meterlens user`: users made and changed in the database itself, for an owner who cannot log in.
#pragma once

#include <string>
#include <vector>

namespace meterlens::app {

struct UserOptions {
  std::string config;  // the server's settings file; empty: the defaults
  std::string name;
  std::string role;
  std::vector<std::string> groups;
  bool from_stdin = false;  // the password
};

// Each returns the exit status; errors go to standard error.
int user_add(const UserOptions& options);
int user_password(const UserOptions& options);
int user_disable(const UserOptions& options);
int user_enable(const UserOptions& options);
int user_list(const UserOptions& options);

}  // namespace meterlens::app
