#include "app/user.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <expected>
#include <iostream>
#include <memory>

#include "app/failure.h"
#include "app/stored.h"
#include "protocol/ids.h"
#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::app {
namespace {

std::int64_t whole_second_ms() { return std::time(nullptr) * std::int64_t{1000}; }

// What was typed, or a new one, which is printed once.
std::expected<std::string, std::string> typed_password(const UserOptions& options) {
  if (!options.from_stdin) return door::random_secret(16);
  std::string line;
  std::getline(std::cin, line);
  if (line.size() < door::password_chars_min || line.size() > door::password_chars_max)
    return std::unexpected(fmt::format("a password has {} to {} bytes", door::password_chars_min,
                                       door::password_chars_max));
  return line;
}

void write_down(store::Access& access, const std::string& what, const std::string& name) {
  const auto kept = access.add_entry({.at_ms = whole_second_ms(),
                                      .who = "command line",
                                      .by = fmt::format("user id {}", getuid()),
                                      .address = "local",
                                      .method = what,
                                      .path = "/api/v1/users/" + name,
                                      .status = 200,
                                      .before = "",
                                      .after = ""});
  if (!kept) fmt::print(stderr, "meterlens: not in the audit: {}\n", kept.error().message);
}

// Finds the user, lets `change` change it, and stores it.
template <class Change>
int change_user(const UserOptions& options, const char* what, Change change) {
  auto store = open_store(options.config);
  if (!store) return fail(store.error());
  store::Access access(**store);
  auto user = access.user(options.name);
  if (!user) return fail(user.error().message + "; `meterlens user list` names all");
  change(*user);
  if (const auto saved = access.save_user(*user); !saved) return fail(saved.error().message);
  write_down(access, what, options.name);
  return 0;
}

int set_disabled(const UserOptions& options, bool disabled) {
  return change_user(options, disabled ? "disable" : "enable",
                     [&](door::User& user) { user.disabled = disabled; });
}

}  // namespace

int user_add(const UserOptions& options) {
  const auto role = door::parse_role(options.role);
  if (!role) return fail("--role: viewer, reviewer, operator or administrator");
  if (!protocol::is_device_name(options.name))
    return fail("a name has 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot");
  const auto password = typed_password(options);
  if (!password) return fail(password.error());
  auto store = open_store(options.config);
  if (!store) return fail(store.error());
  store::Access access(**store);
  const auto added = access.add_user({.name = options.name,
                                      .role = *role,
                                      .groups = options.groups,
                                      .password_hash = door::hash_password(*password),
                                      .disabled = false,
                                      .created_ms = whole_second_ms(),
                                      .password_ms = whole_second_ms()});
  if (!added) return fail(added.error().message);
  write_down(access, "add", options.name);
  if (!options.from_stdin) fmt::print("{}\n", *password);
  return 0;
}

int user_password(const UserOptions& options) {
  const auto password = typed_password(options);
  if (!password) return fail(password.error());
  const int status = change_user(options, "password", [&](door::User& user) {
    user.password_hash = door::hash_password(*password);
    user.password_ms = whole_second_ms();
  });
  if (status == 0 && !options.from_stdin) fmt::print("{}\n", *password);
  return status;
}

int user_disable(const UserOptions& options) { return set_disabled(options, true); }

int user_enable(const UserOptions& options) { return set_disabled(options, false); }

int user_list(const UserOptions& options) {
  auto store = open_store(options.config);
  if (!store) return fail(store.error());
  const auto users = store::Access(**store).users();
  if (!users) return fail(users.error().message);
  for (const auto& user : *users) {
    std::string groups;
    for (const auto& group : user.groups) groups += (groups.empty() ? " " : ", ") + group;
    fmt::print("{:20} {:14} {:9}{}\n", user.name, door::name(user.role),
               user.disabled ? "disabled" : "enabled", groups);
  }
  return 0;
}

}  // namespace meterlens::app
