#include "server/remote.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "server/steps.h"
#include "server/store/leases.h"

namespace meterlens::server {
namespace {

using Clock = std::chrono::steady_clock;

// Another worker has the queues of a dead one within 10 s.
constexpr std::chrono::milliseconds patience{15'000};
constexpr int due_tries_max = 2;

Errand errand_of(Errand::Kind kind, const std::string& device) {
  Errand errand;
  errand.kind = kind;
  errand.device = device;
  return errand;
}

}  // namespace

// A question that could not be sent has an answer that never comes.
Remote::Question Remote::put(const std::string& topic, const Errand& errand) {
  Question out;
  {
    const std::lock_guard lock(mutex_);
    out.correlation = std::to_string(++last_);
    out.answer = waiting_[out.correlation].get_future();
  }
  if (!link_.want(topic, encode(errand), out.correlation, patience.count())) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(out.correlation);
  }
  return out;
}

std::optional<std::string> Remote::wait(Question& question, Clock::time_point until) {
  std::optional<std::string> out;
  try {
    if (question.answer.wait_until(until) == std::future_status::ready) out = question.answer.get();
  } catch (const std::future_error&) {
    // It was not sent.
  }
  const std::lock_guard lock(mutex_);
  // Asked, and never answered.
  if (waiting_.erase(question.correlation) > 0) link_.renew_sender();
  return out;
}

void Remote::answered(const std::string& correlation, std::string_view body) {
  const std::lock_guard lock(mutex_);
  const auto at = waiting_.find(correlation);
  if (at == waiting_.end()) return;
  at->second.set_value(std::string(body));
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
  Question question = put(topic_of(*device, protocol::Channel::up), errand);
  const auto answer = wait(question, Clock::now() + patience);
  const auto outcome = answer ? decode_outcome(*answer) : std::nullopt;
  if (!outcome) {
    spdlog::warn(fmt::format("device {}: no worker has answered within {} s", errand.device,
                             patience / std::chrono::seconds(1)));
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

std::optional<std::vector<bool>> Remote::order(std::span<const schedule::Due> dues) {
  std::vector<std::optional<bool>> known(dues.size());
  order_together(dues, known);
  std::vector<bool> out;
  for (std::size_t i = 0; i < dues.size(); ++i) {
    if (!known[i]) known[i] = order_alone(dues[i]);
    if (!known[i]) return std::nullopt;
    out.push_back(*known[i]);
  }
  return out;
}

// By the queue that a device was last seen in; the worker says when it is another one by now.
void Remote::order_together(std::span<const schedule::Due> dues,
                            std::vector<std::optional<bool>>& known) {
  struct Group {
    std::string topic;  // of one of its devices
    std::vector<std::size_t> places;
    std::vector<schedule::Due> dues;
    Question question;
  };
  std::vector<std::string> names;
  for (const schedule::Due& one : dues) names.push_back(one.device);
  const auto rows = store::Leases(store_).devices_named(names);
  if (!rows) return;
  std::map<std::string_view, const store::Device*> by_name;
  for (const store::Device& row : *rows) by_name.emplace(row.id, &row);
  std::map<int, Group> groups;
  for (std::size_t i = 0; i < dues.size(); ++i) {
    const auto row = by_name.find(dues[i].device);
    if (row == by_name.end() || row->second->queue < 0) continue;
    Group& group = groups[row->second->queue];
    if (group.dues.size() == dues_max) continue;
    if (group.dues.empty()) group.topic = topic_of(*row->second, protocol::Channel::up);
    group.places.push_back(i);
    group.dues.push_back(dues[i]);
  }
  for (auto& [queue, group] : groups) group.question = put(group.topic, errand_of(group.dues));
  const auto until = Clock::now() + patience;
  for (auto& [queue, group] : groups) {
    const auto answer = wait(group.question, until);
    const auto all = answer ? decode_ordered(*answer) : std::nullopt;
    if (!all || all->size() != group.places.size()) continue;
    for (std::size_t i = 0; i < all->size(); ++i)
      if ((*all)[i] != Ordered::elsewhere) known[group.places[i]] = (*all)[i] == Ordered::yes;
  }
}

// The worker knows by the commands that it has whether it was asked before. false: it could not be
// ordered.
std::optional<bool> Remote::order_alone(const schedule::Due& due) {
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
