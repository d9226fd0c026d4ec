// Who is logged in from where, and the end of a session.
#include <algorithm>

#include "server/api/answers.h"
#include "server/api/door_json.h"
#include "server/api/doorkeeper.h"

namespace meterlens::api {

bool Doorkeeper::is_over(const door::Session& session, std::int64_t now) const {
  return now - session.used_ms > settings_.doors.session_idle_ms ||
         now - session.created_ms > settings_.doors.session_ms_max;
}

Response Doorkeeper::sessions(const Request& request, const std::string&) {
  const Caller& caller = request.caller;
  auto sessions = access_.sessions(caller.whose_accounts());
  if (!sessions) return store_error(sessions.error(), "session");
  std::erase_if(*sessions, [&, now = unix_ms()](const door::Session& one) {
    return is_over(one, now);
  });
  return json_response(sessions_json(*sessions, caller.session, settings_.doors));
}

Response Doorkeeper::end_session(const Request& request, const std::string& id) {
  const auto sessions = access_.sessions(request.caller.whose_accounts());
  if (!sessions) return store_error(sessions.error(), "session");
  const auto found = std::ranges::find(*sessions, id, session_id);
  if (found == sessions->end()) return unknown("session", id);
  if (const auto removed = access_.remove_session(found->hash); !removed)
    return store_error(removed.error(), "session");
  Response response = json_response("{}");
  write_down(request, response, sessions_json({*found}, "", settings_.doors), "");
  return response;
}

}  // namespace meterlens::api
