// Inside api/: who may ask for what. Every request passes here first: the doorkeeper finds out who
// asks (session cookie, token, or the local administrator), refuses what that caller may not do,
// answers what is about the doors themselves (session, users, tokens, credentials, audit), and
// writes every change down. Thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "server/api/caller.h"
#include "server/api/http.h"
#include "server/api/route_list.h"
#include "server/api/visible.h"
#include "server/door/throttle.h"
#include "server/metrics/metrics.h"
#include "server/store/access.h"

namespace meterlens::api {

// Of a token, or of a password that is made here: 130 bits.
inline constexpr std::size_t secret_chars = 26;

class Doorkeeper {
 public:
  using Next = std::function<Response(const Request&)>;
  // All must outlive it but the settings.
  Doorkeeper(const Settings& settings, store::Store& store, metrics::Metrics& metrics,
             const Doors& doors);

  // `next` answers what is not about the doors; `look` does so for a GET that nobody sent, which
  // shows what a change changes.
  Response answer(Request request, const Next& next, const Next& look);

 private:
  void list();
  Caller find_out(const Request& request);
  // By the hash of cookie or token: nobody when it has ended, nothing when the store cannot say.
  std::optional<Caller> of_session(const std::string& hash, const std::string& address,
                                   bool is_use);
  std::optional<Caller> of_token(const std::string& hash, const std::string& address);
  // Whether a stream's caller is who they were when it began.
  std::optional<bool> is_still(const Caller& caller);
  // Nothing when the request may go on.
  std::optional<Response> refuse(const Request& request);
  Response look_or_change(const Request& request, const Next& next, const Next& look);
  void write_down(const Request& request, const Response& response, const std::string& before,
                  const std::string& after);
  // How long this key has to wait, as an answer.
  std::optional<Response> too_often(const std::string& name, const std::string& address);

  Response who(const Request& request, const std::string& id);
  Response log_in(const Request& request, const std::string& id);
  Response judge_log_in(const Request& request, const std::string& name,
                        const std::string& password);
  Response log_out(const Request& request, const std::string& id);
  Response change_own_password(const Request& request, const std::string& id);
  bool is_over(const door::Session& session, std::int64_t now) const;
  Response sessions(const Request& request, const std::string& id);
  Response end_session(const Request& request, const std::string& id);
  Response users(const Request& request, const std::string& id);
  Response user(const Request& request, const std::string& id);
  Response add_user(const Request& request, const std::string& id);
  Response change_user(const Request& request, const std::string& id);
  Response remove_user(const Request& request, const std::string& id);
  Response tokens(const Request& request, const std::string& id);
  Response add_token(const Request& request, const std::string& id);
  Response remove_token(const Request& request, const std::string& id);
  Response audit(const Request& request, const std::string& id);

  Response credentials(const Request& request, const std::string& id);
  Response add_credential(const Request& request, const std::string& id);
  Response remove_credential(const Request& request, const std::string& id);
  Response products(const Request& request, const std::string& id);
  Response add_product(const Request& request, const std::string& id);
  Response remove_product(const Request& request, const std::string& id);
  Response register_device(const Request& request, const std::string& id);
  // Why no device of this name gets a credential; empty: it may.
  std::string name_fault(const std::string& device) const;

  Response with_cookie(const Request& request, const std::string& cookie, const Caller& caller);
  Response store_error(const store::Error& error, const char* what);

  const Settings settings_;
  store::Access access_;
  metrics::Metrics& metrics_;
  const Doors& doors_;
  Visible visible_;
  RouteList routes_;
  std::mutex mutex_;
  door::Throttle log_ins_{{.count_max = 10, .window_ms = 900'000}};
  door::Throttle registrations_{{.count_max = 30, .window_ms = 60'000}};
};

}  // namespace meterlens::api
