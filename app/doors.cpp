#include "app/doors.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <ctime>

#include "server/door/certificate.h"
#include "server/door/secret.h"
#include "server/store/access.h"

namespace meterlens::app {
namespace {

std::expected<void, std::string> make_first_user(store::Store& store) {
  store::Access access(store);
  const auto users = access.users();
  if (!users) return std::unexpected(users.error().message);
  if (!users->empty()) return {};
  const std::string password = door::random_secret(16);
  const std::int64_t now_ms = std::time(nullptr) * std::int64_t{1000};
  const door::User user{.name = "admin",
                        .role = door::Role::administrator,
                        .groups = {},
                        .password_hash = door::hash_password(password),
                        .disabled = false,
                        .created_ms = now_ms,
                        .password_ms = now_ms};
  if (const auto added = access.add_user(user); !added)
    return std::unexpected(added.error().message);
  fmt::print("first start: log in as \"admin\" with the password {} - it is shown only this once; "
             "`meterlens user password admin` sets another one\n", password);
  std::fflush(stdout);
  return {};
}

std::expected<void, std::string> show_certificate(const Settings& settings, api::Settings& out) {
  if (settings.tls_http_certificate_file.empty() && settings.tls_http_key_file.empty()) return {};
  auto certificate = door::read_certificate(settings.tls_http_certificate_file,
                                            settings.tls_http_key_file, std::time(nullptr));
  if (!certificate) return std::unexpected(certificate.error());
  out.certificate = *std::move(certificate);
  return {};
}

}  // namespace

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1" || address == "localhost";
}

std::expected<void, std::string> shut_broker(const Settings& settings,
                                             ingest::BrokerSettings& out) {
  const bool has_tls = !settings.tls_mqtt_certificate_file.empty() ||
                       !settings.tls_mqtt_key_file.empty();
  bool is_local = is_loopback(settings.broker_address);
  if (has_tls) {
    auto certificate = door::read_certificate(settings.tls_mqtt_certificate_file,
                                              settings.tls_mqtt_key_file, std::time(nullptr));
    if (!certificate) return std::unexpected(certificate.error());
    out.certificate = std::move(certificate->chain);
    out.key = std::move(certificate->key);
    out.tls_port = static_cast<int>(settings.tls_mqtt_port);
    out.tls_address = settings.tls_mqtt_address.empty() ? settings.broker_address
                                                        : settings.tls_mqtt_address;
    is_local = is_local && is_loopback(out.tls_address);
  }
  out.open = settings.doors_devices == "open" || (settings.doors_devices == "auto" && is_local);
  if (out.open && !is_local)
    spdlog::warn(fmt::format(
        "broker: open beyond this machine; whoever reaches {}:{} may speak for any device "
        "([doors] devices = \"credentials\" ends that)",
        settings.broker_address, settings.broker_port));
  const auto& home = settings.notify.home_assistant;
  if (!out.open && home.enabled && home.address.empty())
    return std::unexpected(
        "[notify.home_assistant] is enabled without an address, and would speak on the server's "
        "own broker, which lets in only devices with a credential: set address and user of the "
        "broker that Home Assistant uses there, or enabled = false ([doors] devices = \"open\" "
        "lets everybody in)");
  return {};
}

std::expected<std::unique_ptr<api::StartingDoor>, std::string> starting_sign(
    const Settings& settings, const std::string& version) {
  api::Settings out;
  out.address = settings.http_address;
  out.port = static_cast<std::uint16_t>(settings.http_port);
  out.version = version;
  if (const auto good = show_certificate(settings, out); !good)
    return std::unexpected(good.error());
  return api::StartingDoor::start(out);
}

std::expected<void, std::string> shut_api(const Settings& settings, store::Store& store,
                                          api::Settings& out) {
  if (const auto good = show_certificate(settings, out); !good) return good;
  const bool is_local = is_loopback(settings.http_address);
  out.doors.required = settings.doors_required || !is_local;
  out.doors.session_idle_ms = settings.doors_session_hours * 3'600'000;
  if (!out.doors.required) {
    spdlog::info("doors: only this machine can ask, and who does not log in is the local "
                 "administrator ([doors] required = true ends that)");
    return {};
  }
  if (!is_local && !out.certificate)
    spdlog::warn("doors: passwords and photos cross the network in the clear; give a certificate "
                 "in [tls], or put a proxy with one in front");
  return make_first_user(store);
}

}  // namespace meterlens::app
