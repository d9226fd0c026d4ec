#include "server/remote.h"

#include <spdlog/spdlog.h>

#include <array>
#include <chrono>

#include "server/steps.h"

namespace meterlens::server {
namespace {

// Another worker has the queues of a dead one within 10 s.
constexpr std::int64_t patience_ms = 15'000;
constexpr int due_tries_max = 2;

Errand errand_of(Errand::Kind kind, const std::string& device) {
  Errand errand;
  errand.kind = kind;
  errand.device = device;
  return errand;
}

}  // namespace

std::optional<Outcome> Remote::wait(const std::string& topic, const Errand& errand) {
  std::string correlation;
  std::future<Outcome> answer;
  {
    const std::lock_guard lock(mutex_);
    correlation = std::to_string(++last_);
    answer = waiting_[correlation].get_future();
  }
  std::optional<Outcome> out;
  if (link_.want(topic, encode(errand), correlation, patience_ms) &&
      answer.wait_for(std::chrono::milliseconds(patience_ms)) == std::future_status::ready)
    out = answer.get();
  const std::lock_guard lock(mutex_);
  waiting_.erase(correlation);
  return out;
}

void Remote::answered(const std::string& correlation, std::string_view body) {
  const auto outcome = decode_outcome(body);
  const std::lock_guard lock(mutex_);
  const auto at = waiting_.find(correlation);
  if (!outcome || at == waiting_.end()) return;
  at->second.set_value(*outcome);
  waiting_.erase(at);
}

// The id of what was made. When nobody answers it may have been done all the same.
template <class Error>
std::expected<std::int64_t, Error> Remote::ask(const Errand& errand) {
  const auto device = store_.device(errand.device);
  if (!device) {
    return std::unexpected(device.error().code == store::ErrorCode::not_found
                               ? Error::unknown_device
                               : Error::store);
  }
  const auto outcome = wait(topic_of(*device, protocol::Channel::up), errand);
  if (!outcome) {
    spdlog::warn("device {}: no worker has answered within {} s", errand.device,
                 patience_ms / 1000);
    return std::unexpected(Error::store);
  }
  if (outcome->error >= 0) return std::unexpected(static_cast<Error>(outcome->error));
  return outcome->id;
}

std::expected<command::Command, CommandError> Remote::capture(const std::string& device) {
  const auto id = ask<CommandError>(errand_of(Errand::Kind::capture, device));
  if (!id) return std::unexpected(id.error());
  auto command = store_.command(*id);
  if (!command) return std::unexpected(CommandError::store);
  return *std::move(command);
}

std::expected<update::Update, UpdateError> Remote::update(const std::string& device,
                                                          std::int64_t image) {
  Errand errand = errand_of(Errand::Kind::update, device);
  errand.number = image;
  const auto id = ask<UpdateError>(errand);
  if (!id) return std::unexpected(id.error());
  auto update = store_.update(*id);
  if (!update) return std::unexpected(UpdateError::store);
  return *std::move(update);
}

std::expected<command::WishedSettings, CommandError> Remote::change_settings(
    const std::string& device, protocol::Part part, protocol::Bytes entries) {
  Errand errand = errand_of(Errand::Kind::settings, device);
  errand.part = part;
  errand.bytes.assign(entries.begin(), entries.end());
  if (const auto done = ask<CommandError>(errand); !done) return std::unexpected(done.error());
  auto wished = store_.settings(device, part);
  if (!wished || !*wished) return std::unexpected(CommandError::store);
  return **std::move(wished);
}

std::expected<void, CommandError> Remote::aim(const std::string& device, const protocol::Aim& aim) {
  Errand errand = errand_of(Errand::Kind::aim, device);
  errand.number = aim.seconds;
  errand.second = aim.period_ms;
  if (const auto done = ask<CommandError>(errand); !done) return std::unexpected(done.error());
  return {};
}

std::expected<std::int64_t, fleet::OrderError> Remote::obey(const fleet::Order& order) {
  Errand errand;
  if (const auto* one = std::get_if<fleet::SetEnabled>(&order)) {
    errand = errand_of(Errand::Kind::enable, one->device);
    errand.flag = one->enabled;
  } else if (const auto* removed = std::get_if<fleet::Remove>(&order)) {
    errand = errand_of(Errand::Kind::remove, removed->device);
    errand.flag = removed->purge;
  } else if (const auto* reset = std::get_if<fleet::Reset>(&order)) {
    errand = errand_of(Errand::Kind::reset, reset->device);
  } else if (const auto* control = std::get_if<fleet::SendControl>(&order)) {
    errand = errand_of(Errand::Kind::control, control->device);
    errand.number = static_cast<std::int64_t>(control->kind);
    errand.bytes.assign(control->payload.begin(), control->payload.end());
  }
  return ask<fleet::OrderError>(errand);
}

// The worker knows by the commands that it has whether it was asked before.
std::optional<bool> Remote::order(const schedule::Due& due) {
  Errand errand = errand_of(Errand::Kind::due, due.device);
  errand.number = due.due_ms;
  errand.flag = due.missed;
  for (int tries = 0; tries < due_tries_max; ++tries) {
    errand.second = tries;
    const auto done = ask<CommandError>(errand);
    if (done) return true;
    if (done.error() != CommandError::store) return false;
  }
  return std::nullopt;
}

}  // namespace meterlens::server
