#include "app/fleet_settings.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "app/doors.h"
#include "app/stored.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using server::Role;

constexpr const char* password_variable = "METERLENS_AMQP_PASSWORD";

std::expected<std::string, std::string> password_of(const Settings& settings) {
  const std::string& path = settings.fleet_password_file;
  if (path.empty()) {
    const char* given = std::getenv(password_variable);
    return std::string(given == nullptr ? "guest" : given);
  }
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!error && (status.permissions() & (fs::perms::group_all | fs::perms::others_all)) !=
                    fs::perms::none)
    return std::unexpected(
        fmt::format("others may read password_file {} of [fleet]: chmod 600 it", path));
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line))
    return std::unexpected(fmt::format("cannot read password_file {} of [fleet]", path));
  return line;
}

std::string worker_name(const Settings& settings) {
  if (!settings.fleet_worker.empty()) return settings.fleet_worker;
  std::array<char, 256> host{};
  const bool has_name = gethostname(host.data(), host.size() - 1) == 0;
  return fmt::format("{}:{}", has_name ? host.data() : "worker", getpid());
}

}  // namespace

std::expected<void, std::string> check_role(const Settings& settings, Role role) {
  if (settings.fleet_rabbitmq.empty()) {
    if (role == Role::whole) return {};
    return std::unexpected("a fleet needs RabbitMQ: set rabbitmq in [fleet], or run `meterlens "
                           "serve` alone, which is a whole server");
  }
  if (role == Role::whole)
    return std::unexpected("rabbitmq in [fleet] is set: run `meterlens serve --no-worker`, and any "
                           "number of `meterlens worker`, or leave it empty");
  if (settings.store_url.empty())
    return std::unexpected("a fleet keeps its rows in PostgreSQL: set url in [store]");
  return {};
}

std::expected<void, std::string> fleet_settings(const Settings& settings, Role role,
                                                server::Settings& out) {
  out.role = role;
  if (role == Role::whole) return {};
  out.embedded.reset();
  std::istringstream urls(settings.fleet_rabbitmq);
  for (std::string url; urls >> url;) {
    auto node = ingest::parse_amqp(url);
    if (!node) return std::unexpected("rabbitmq in [fleet]: " + node.error());
    out.queues.nodes.push_back(*std::move(node));
  }
  if (out.queues.nodes.empty())
    return std::unexpected("rabbitmq in [fleet] names no node");
  auto password = password_of(settings);
  if (!password) return std::unexpected(password.error());
  out.queues.password = *std::move(password);
  out.queues.ca_file = settings.fleet_ca_file;
  out.queues.rate = {settings.flood_messages_per_s, settings.flood_burst};
  out.queues.queue_count = static_cast<int>(settings.fleet_queues);
  out.queues.prefetch = static_cast<int>(settings.fleet_prefetch);
  out.queues.tries_max = static_cast<int>(settings.fleet_tries_max);
  out.share.worker = worker_name(settings);
  out.patience_ms = settings.fleet_patience_s * 1000;
  out.registry.devices_max = 1'000'000;
  // A queue that finds another leader or worker is silent for some seconds, and goes on in order.
  out.assembler.gap_ms = 30'000;
  return {};
}

std::optional<api::BrokerDoorSettings> broker_door_settings(const Settings& settings) {
  if (settings.fleet_rabbitmq.empty() || settings.broker_door_port == 0) return std::nullopt;
  api::BrokerDoorSettings out;
  out.address = settings.broker_door_address;
  out.port = static_cast<std::uint16_t>(settings.broker_door_port);
  std::istringstream urls(settings.fleet_rabbitmq);
  std::string url;
  urls >> url;
  if (const auto node = ingest::parse_amqp(url)) out.vhost = node->vhost;
  if (!is_loopback(out.address))
    spdlog::warn(fmt::format(
        "broker door: devices' passwords cross the network to {}:{} in the clear; keep it "
        "inside",
        out.address, out.port));
  return out;
}

std::expected<std::unique_ptr<store::Store>, std::string> open_served(
    const Settings& settings, Role role, const std::function<void(const std::string&)>& say,
    const std::function<bool()>& is_ending) {
  auto options = store_options(settings);
  if (!options) return std::unexpected(options.error());
  // The store keeps its options when it is open.
  const auto opening = std::make_shared<std::function<void(const std::string&)>>(say);
  options->say = [log = options->say, opening](const std::string& words) {
    log(words);
    if (*opening) (*opening)(words);
  };
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::seconds(role == Role::whole ? 0 : settings.fleet_patience_s);
  for (bool is_first = true;; is_first = false) {
    auto opened = store::Store::open(store_place(settings), *options);
    if (opened) {
      *opening = nullptr;
      return *std::move(opened);
    }
    const store::Error& error = opened.error();
    const bool may_come = error.code == store::ErrorCode::unreachable ||
                          error.code == store::ErrorCode::locked;
    if (role == Role::whole || !may_come) return std::unexpected(error.message);
    if (std::chrono::steady_clock::now() >= end)
      return std::unexpected(fmt::format("{}; waited {} s", error.message,
                                         settings.fleet_patience_s));
    if (is_first) {
      spdlog::warn(
          fmt::format("{}; waiting up to {} s for it", error.message, settings.fleet_patience_s));
      say(error.message);
    }
    for (int i = 0; i < 5; ++i) {
      if (is_ending()) return std::unexpected("ended while the database was waited for");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
}

}  // namespace meterlens::app
