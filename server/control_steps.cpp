// Controls of SmartDTUs: one at a time, never beside a photo. For about a second after a message
// the device drops the next one.
#include <spdlog/spdlog.h>

#include "server/fleet_steps.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

constexpr std::size_t waiting_max = 16;
constexpr std::int64_t pause_ms = 2'000;
constexpr std::int64_t confirm_ms = 60'000;  // a restart of the device comes before its answer

}  // namespace

using fleet::Control;
using fleet::ControlState;
using fleet::OrderError;

FleetSteps::Answer FleetSteps::send(const fleet::SendControl& order) {
  const Registry::Entry* device = steps_.registry.find(order.device);
  if (device == nullptr) return std::unexpected(OrderError::unknown_device);
  if (device->row.dialect != protocol::Dialect::smartdtu)
    return std::unexpected(OrderError::wrong_dialect);
  if (is_disabled(order.device)) return std::unexpected(OrderError::disabled);
  const auto known = lines_.find(order.device);
  if (known != lines_.end() && known->second.waiting.size() >= waiting_max)
    return std::unexpected(OrderError::queue_full);
  Control control;
  control.device = order.device;
  control.kind = order.kind;
  control.payload = order.payload;
  control.created_ms = control.updated_ms = steps_.now_ms;
  const auto id = rows_.add_control(control);
  if (!keep(id, "a control")) return std::unexpected(OrderError::store);
  control.id = *id;
  lines_[order.device].waiting.push_back(std::move(control));
  return *id;
}

void FleetSteps::end(Control& control, ControlState state, const std::string& reason) {
  control.state = state;
  control.reason = reason;
  control.updated_ms = steps_.now_ms;
  keep(rows_.save_control(control), "a control");
}

void FleetSteps::tick_controls() {
  for (auto at = lines_.begin(); at != lines_.end();)
    at = tick_line(at->first, at->second) ? std::next(at) : lines_.erase(at);
}

// false: nothing of this device waits any more.
bool FleetSteps::tick_line(const std::string& device, Line& line) {
  const std::int64_t now_ms = steps_.now_ms;
  if (line.sent && now_ms - line.sent->updated_ms >= confirm_ms) {
    end(*line.sent, ControlState::unconfirmed, "the device has not told that it is so now");
    line.sent.reset();
  }
  std::erase_if(line.waiting, [&](Control& control) {
    if (now_ms - control.created_ms < steps_.settings.commands.expire_ms) return false;
    end(control, ControlState::expired, "the device was not free in time");
    return true;
  });
  const Registry::Entry* known = steps_.registry.find(device);
  const bool may_go = known != nullptr && !line.sent && !line.waiting.empty() &&
                      known->link != command::Link::offline && now_ms >= line.not_before_ms &&
                      steps_.commands.may_pause(device);
  if (may_go) {
    Control control = std::move(line.waiting.front());
    line.waiting.erase(line.waiting.begin());
    steps_.publish(topic_of(known->row, protocol::Channel::down),
                   {control.payload.begin(), control.payload.end()}, 0);
    line.not_before_ms = now_ms + pause_ms;
    steps_.commands.pause(device, line.not_before_ms);
    end(control, ControlState::sent, "");
    if (!fleet::is_final(control.kind, control.state)) line.sent = std::move(control);
  }
  return line.sent || !line.waiting.empty() || now_ms < line.not_before_ms;
}

}  // namespace meterlens::server
