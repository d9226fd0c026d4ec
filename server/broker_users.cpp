// Who may come in to the embedded broker, when not everybody may.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "server/door/secret.h"
#include "server/steps.h"
#include "server/store/access.h"

namespace meterlens::server {

std::expected<std::vector<ingest::BrokerUser>, std::string> Pipeline::Steps::broker_users() {
  const auto credentials = store::Access(store).credentials();
  if (!credentials) return std::unexpected(credentials.error().message);
  std::vector<ingest::BrokerUser> users{{ingest::server_user, server_hash}};
  for (const auto& credential : *credentials)
    if (!credential.removed) users.push_back({credential.device, credential.hash});
  return users;
}

std::expected<void, std::string> Pipeline::Steps::close_broker() {
  if (settings.embedded->open) return {};
  settings.link.user = ingest::server_user;
  settings.link.password = door::random_secret(32);
  server_hash = door::mosquitto_hash(settings.link.password);
  auto users = broker_users();
  if (!users) return std::unexpected(users.error());
  spdlog::info(
      fmt::format("broker: {} devices have a credential, others are refused", users->size() - 1));
  settings.embedded->users = *std::move(users);
  return {};
}

void Pipeline::Steps::tell_broker() {
  if (!users_are_stale || !broker || settings.embedded->open) return;
  auto users = broker_users();
  if (!users)
    return spdlog::error(fmt::format("the broker's users cannot be read: {}", users.error()));
  broker->set_users(*std::move(users));
  users_are_stale = false;
}

}  // namespace meterlens::server
