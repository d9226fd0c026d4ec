#include "server/notify/webhook.h"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <chrono>
#include <set>
#include <utility>

#include "protocol/require.h"
#include "server/clock.h"
#include "server/notify/http_client.h"
#include "server/notify/news_json.h"

namespace meterlens::notify {
namespace {

using server::unix_ms;

class Webhook : public Sink {
 public:
  Webhook(const WebhookSettings& settings, store::Store& store)
      : settings_(settings), store_(store), client_(stopping_) {}

  bool wants(store::Stream stream) const override {
    return stream == store::Stream::alarm ? settings_.alarms : settings_.readings;
  }
  int batch_max() const override { return static_cast<int>(settings_.batch_max); }

  Sent send(std::span<const store::News> news) override {
    std::vector<validate::Meter> meters;
    std::set<std::string> known;
    for (const store::News& one : news) {
      if (one.stream == store::Stream::alarm || !known.insert(one.reading.meter).second) continue;
      auto meter = store_.meter(one.reading.meter);
      if (meter) meters.push_back(*std::move(meter));
      else if (meter.error().code != store::ErrorCode::not_found)
        return later(meter.error().message);
    }
    return post(client_, news_json(settings_.name, news, meters, unix_ms()));
  }
  Sent test() override {
    HttpClient client(stopping_);
    return post(client, test_json(settings_.name, unix_ms()));
  }

 private:
  Sent post(HttpClient& client, std::string body) {
    HttpRequest request;
    request.url = settings_.url;
    request.headers = {"Content-Type: application/json"};
    if (!settings_.secret.empty()) {
      request.headers.push_back("Meterlens-Signature: " +
                                signature(settings_.secret, unix_ms() / 1000, body));
    }
    request.body = std::move(body);
    request.timeout_s = settings_.timeout_s;
    request.ca_file = settings_.ca_file;
    const auto status = client.post(request);
    if (!status) return later(status.error(), Trouble::no_answer);
    Sent sent = judge_status(*status);
    if (!sent.good()) sent.error = host_of(settings_.url) + ": " + sent.error;
    return sent;
  }

  const WebhookSettings settings_;
  store::Store& store_;
  HttpClient client_;
};

}  // namespace

std::unique_ptr<Sink> make_webhook(const WebhookSettings& settings, store::Store& store) {
  return std::make_unique<Webhook>(settings, store);
}

std::string signature(std::string_view secret, std::int64_t unix_s, std::string_view body) {
  protocol::require(sodium_init() >= 0);
  const auto bytes = [](std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  };
  const std::string head = std::to_string(unix_s) + ".";
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, bytes(secret), secret.size());
  crypto_auth_hmacsha256_update(&state, bytes(head), head.size());
  crypto_auth_hmacsha256_update(&state, bytes(body), body.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> code{};
  crypto_auth_hmacsha256_final(&state, code.data());
  std::string hex;
  for (const unsigned char byte : code) hex += fmt::format("{:02x}", byte);
  return fmt::format("t={},v1={}", unix_s, hex);
}

}  // namespace meterlens::notify
