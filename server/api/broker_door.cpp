#include "server/api/broker_door.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "server/api/http.h"
#include "server/api/query.h"
#include "server/door/admission.h"
#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::api {
namespace {

// A node of RabbitMQ opens one for each question while thousands of devices come back.
constexpr int connections_max = 8'192;
constexpr int threads = 4;
constexpr std::size_t form_bytes_max = 8'192;

Response plain_text(int status, const char* words) {
  return {status, "text/plain; charset=utf-8", words, {{"Cache-Control", "no-store"}}};
}

}  // namespace

struct BrokerDoor::Parts {
  Parts(const BrokerDoorSettings& given, store::Store& store, metrics::Metrics& its_metrics)
      : settings(given), access(store), metrics(its_metrics) {}

  Response answer(const Request& request);
  store::Result<bool> may(const std::string& path, const door::Question& question);
  store::Result<bool> is_known(const door::Question& question);

  const BrokerDoorSettings settings;
  store::Access access;
  metrics::Metrics& metrics;
  std::unique_ptr<HttpServer> http;  // goes first: it asks the rest
};

Response BrokerDoor::Parts::answer(const Request& request) {
  if (request.method != "POST")
    return plain_text(405,
                      "set auth_http.http_method = post: a password does not belong into a URL");
  if (request.body.size() > form_bytes_max) return plain_text(413, "deny");
  const auto form = parse_query(request.body);
  if (!form) return plain_text(200, "deny");
  const auto allowed = may(request.path, form->values);
  if (!allowed) {
    spdlog::error(
        fmt::format("broker door: RabbitMQ cannot be answered: {}", allowed.error().message));
    return plain_text(503, "the store cannot be asked");
  }
  if (*allowed) return plain_text(200, "allow");
  metrics.add(metrics::Count::broker_refusals);
  spdlog::debug(fmt::format("broker door: {} is refused {} {} {}", form->get("username"),
                            request.path, form->get("name"), form->get("routing_key")));
  return plain_text(200, "deny");
}

store::Result<bool> BrokerDoor::Parts::may(const std::string& path,
                                           const door::Question& question) {
  if (path == "/topic")
    return question.contains("vhost") && question.at("vhost") == settings.vhost &&
           door::may_use_topic(question);
  if (!door::is_device_question(question, settings.vhost)) return false;
  if (path == "/user") return is_known(question);
  if (path == "/vhost") return true;
  if (path == "/resource") return door::may_use_resource(question);
  return false;
}

store::Result<bool> BrokerDoor::Parts::is_known(const door::Question& question) {
  const auto password = question.find("password");
  if (password == question.end()) return false;
  const auto credential = access.credential(question.at("username"));
  if (!credential) return std::unexpected(credential.error());
  if (!*credential || (*credential)->removed) return false;
  return door::is_mosquitto_password((*credential)->hash, password->second);
}

BrokerDoor::BrokerDoor(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

BrokerDoor::~BrokerDoor() = default;

std::uint16_t BrokerDoor::port() const { return parts_->http->port(); }

std::expected<std::unique_ptr<BrokerDoor>, std::string> BrokerDoor::start(
    const BrokerDoorSettings& settings, store::Store& store, metrics::Metrics& metrics) {
  auto parts = std::make_unique<Parts>(settings, store, metrics);
  Settings http;
  http.address = settings.address;
  http.port = settings.port;
  http.threads = threads;
  http.connection_count_max = connections_max;
  http.upload_bytes_max = 0;
  auto listening = HttpServer::start(
      http, [its = parts.get()](const Request& request) { return its->answer(request); });
  if (!listening)
    return std::unexpected("[broker_door], where RabbitMQ asks for devices: " + listening.error());
  parts->http = *std::move(listening);
  return std::unique_ptr<BrokerDoor>(new BrokerDoor(std::move(parts)));
}

}  // namespace meterlens::api
