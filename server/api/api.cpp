#include "server/api/api.h"

#include "protocol/require.h"
#include "server/api/doorkeeper.h"
#include "server/api/http.h"
#include "server/api/live.h"
#include "server/api/routes.h"

namespace meterlens::api {

const char* name(Subject subject) {
  switch (subject) {
    case Subject::device: return "device";
    case Subject::command: return "command";
    case Subject::photo: return "photo";
    case Subject::reading: return "reading";
    case Subject::update: return "update";
    case Subject::view: return "view";
    case Subject::alarm: return "alarm";
  }
  protocol::require(false);
  return "";
}

Response error_response(int status, const std::string& code, const std::string& message) {
  return {status, "application/json", error_json(code, message), {{"Cache-Control", "no-store"}}};
}

// Destroyed from the last to the first: no request comes when the rest goes.
struct Api::Parts {
  Parts(const Settings& settings, store::Store& store, metrics::Metrics& metrics, Doors given)
      : doors(std::move(given)),
        routes(settings, store, metrics, doors,
               [this](Subject subject, const std::string& id) { live.changed(subject, id); }),
        doorkeeper(settings, store, metrics, doors),
        live([this](Subject subject, const std::string& id) { return routes.render(subject, id); },
             {.client_count_max = settings.live_client_count_max,
              .pending_bytes_max = settings.live_pending_bytes_max,
              .judge_ms = settings.live_judge_ms}) {}
  ~Parts() { live.close(); }

  Doors doors;
  Routes routes;
  Doorkeeper doorkeeper;
  Live live;  // asks both of them
  std::unique_ptr<HttpServer> http;
};

Api::Api() = default;
Api::~Api() = default;

std::expected<std::unique_ptr<Api>, std::string> Api::start(const Settings& settings,
                                                            store::Store& store,
                                                            metrics::Metrics& metrics,
                                                            Doors doors) {
  protocol::require(doors.capture && doors.schedules_changed && doors.change_settings &&
                    doors.broker_connected &&
                    doors.reader_state && doors.storage_fault);
  std::unique_ptr<Api> api(new Api);
  api->parts_ = std::make_unique<Parts>(settings, store, metrics, std::move(doors));
  Parts& parts = *api->parts_;
  auto http = HttpServer::start(
      settings,
      [&parts](const Request& request) {
        return parts.doorkeeper.answer(
            request,
            [&](const Request& one) { return parts.routes.answer(one, parts.live.is_full()); },
            [&](const Request& one) { return parts.routes.dispatch(one); });
      },
      &parts.live);
  if (!http) return std::unexpected(std::move(http.error()));
  parts.http = std::move(*http);
  return api;
}

std::uint16_t Api::port() const { return parts_->http->port(); }

void Api::set_certificate(const door::Certificate& certificate) {
  parts_->http->set_certificate(certificate);
}

void Api::changed(Subject subject, const std::string& id) { parts_->live.changed(subject, id); }

int Api::live_clients() const { return parts_->live.count(); }

}  // namespace meterlens::api
