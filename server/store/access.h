// Who may come in, in the database of a Store: users, sessions, tokens, credentials of devices,
// products, and the audit. Only hashes of secrets are kept. Thread-safe, as the Store is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/door/user.h"
#include "server/store/store.h"

namespace meterlens::store {

class Access {
 public:
  // `store` must outlive it.
  explicit Access(Store& store);

  Result<std::vector<door::User>> users();
  Result<door::User> user(const std::string& name);
  // `conflict` when the name is taken.
  Result<void> add_user(const door::User& user);
  // All but the name. A new password, another role and disabling end the user's sessions, but for
  // `except_session` (a hash); `conflict` when no enabled administrator of all meters would stay.
  Result<void> save_user(const door::User& user, const std::string& except_session = {});
  // With sessions and tokens; `conflict` as save_user().
  Result<void> remove_user(const std::string& name);

  struct Visit {
    door::Session session;
    door::User user;
  };
  Result<void> add_session(const door::Session& session);
  Result<std::optional<Visit>> session(const std::string& hash);
  Result<void> touch_session(const std::string& hash, std::int64_t used_ms);
  Result<void> remove_session(const std::string& hash);
  // Of a user, or of all when the name is empty: the 1000 used last.
  Result<std::vector<door::Session>> sessions(const std::string& user);
  // Those not used since `used_ms`, or made before `created_ms`.
  Result<void> remove_sessions_before(std::int64_t used_ms, std::int64_t created_ms);

  struct Grant {
    door::Token token;
    door::User user;
  };
  Result<std::int64_t> add_token(const door::Token& token);
  Result<std::optional<Grant>> token(const std::string& hash);
  // Of a user, or of all when the name is empty; without their hashes.
  Result<std::vector<door::Token>> tokens(const std::string& user);
  // Of that user, or anybody's when the name is empty.
  Result<void> remove_token(std::int64_t id, const std::string& user);

  // Those removed are there too.
  Result<std::vector<door::Credential>> credentials();
  Result<std::optional<door::Credential>> credential(const std::string& device);
  Result<void> save_credential(const door::Credential& credential);
  // `conflict` when the device has or had a credential, or has ever been seen.
  Result<void> register_credential(const door::Credential& credential);

  Result<std::vector<door::Product>> products();
  Result<std::optional<door::Product>> product(const std::string& name);
  Result<void> add_product(const door::Product& product);  // `conflict` when the name is taken
  Result<void> remove_product(const std::string& name);

  Result<std::int64_t> add_entry(const door::Entry& entry);
  // Newest first; older than `before_id`, 0 for the newest. `who` and `path` (its beginning)
  // limit them unless empty.
  Result<std::vector<door::Entry>> entries(std::int64_t before_id, int count_max,
                                           const std::string& who = {},
                                           const std::string& path = {});

 private:
  Store::Engine& engine_;
};

}  // namespace meterlens::store
