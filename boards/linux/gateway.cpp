#include "boards/linux/gateway.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace meterlens::boards {
namespace {

constexpr std::int64_t look_us = 200'000;  // for newcomers

}  // namespace

std::expected<void, std::string> Gateway::run(const std::vector<StationOptions>& wanted) {
  Loop loop;
  for (const StationOptions& one : wanted) {
    const std::string password = kept_password(one.state);
    const bool must_register =
        one.broker.user.empty() && password.empty() && !registration_.server.empty();
    if (must_register)
      newcomers_.push_back(one);
    else if (Done opened = open(one, password); !opened)
      return opened;
  }
  begin_to_register();
  while (!loop.asked_to_stop()) {
    if (Done let_in = let_newcomers_in(); !let_in) return let_in;
    if (stations_.size() == wanted.size()) registrar_.reset();
    step(loop);
  }
  registrar_.reset();
  for (const auto& station : stations_) station->stop();
  while (!std::ranges::all_of(stations_, &Station::stopped)) step(loop);
  return {};
}

// What it shows to the broker: what --broker says, or its own name and password.
Gateway::Done Gateway::open(StationOptions options, const std::string& password) {
  if (options.broker.user.empty() && !password.empty()) {
    options.broker.user = options.device;
    options.broker.password = password;
  }
  auto station = Station::open(options);
  if (!station) return std::unexpected(station.error());
  stations_.push_back(*std::move(station));
  stations_.back()->start();
  return {};
}

void Gateway::begin_to_register() {
  if (newcomers_.empty()) return;
  std::vector<Newcomer> newcomers;
  for (const StationOptions& one : newcomers_) newcomers.push_back({one.state, one.device});
  registrar_.emplace(registration_, newcomers);
}

Gateway::Done Gateway::let_newcomers_in() {
  if (!registrar_) return {};
  for (const auto& [newcomer, password] : registrar_->take())
    if (Done opened = open(newcomers_[newcomer], password); !opened) return opened;
  if (!stations_.empty()) return {};
  if (auto refusal = registrar_->refusal()) return std::unexpected(*std::move(refusal));
  return {};
}

void Gateway::step(Loop& loop) {
  std::vector<pollfd> files;
  std::int64_t due_us =
      registrar_ ? now_us() + look_us : std::numeric_limits<std::int64_t>::max();
  for (const auto& station : stations_) {
    station->step();
    station->add_wishes(files);
    due_us = std::min(due_us, station->due_us());
  }
  loop.wait(files, due_us - now_us());
}

}  // namespace meterlens::boards
