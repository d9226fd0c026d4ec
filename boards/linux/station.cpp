#include "boards/linux/station.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <random>

#include "boards/linux/loop.h"

namespace meterlens::boards {
namespace {

// For the goodbye to the broker.
constexpr std::uint64_t leave_timeout_ms = 8'000;
constexpr std::uint64_t rest_ms_max = 1'000, leaving_rest_ms = 20;

}  // namespace

void Station::Diary::note(const char* what, std::uint32_t now, std::uint32_t before) const {
  if (now != before) spdlog::info(fmt::format("{}: {}: {}", device_, what, now));
}

void Station::Diary::write(const dtu::Dtu& dtu, const Uplink& client, const Line& line) {
  if (dtu.online() != online_)
    spdlog::info(fmt::format("{}: {}", device_, dtu.online() ? "connected" : "connection lost"));
  online_ = dtu.online();
  if (line.is_open() && !line_open_)
    spdlog::info(fmt::format("{}: the serial line is there", device_));
  if (!line.is_open() && line_open_)
    spdlog::warn(fmt::format(
        "{}: the serial line is not there ({}), and is tried again: look at its cable, at "
        "its path in the command line, and whether this user may open it",
        device_, line.fault()));
  line_open_ = line.is_open();
  if (client.last_error() != error_) {
    error_ = client.last_error();
    spdlog::warn(fmt::format("{}: {}", device_, error_));
  }
  const auto& now = dtu.counters();
  note("frames dropped, the queue to the broker is full", now.up_dropped, before_.up_dropped);
  note("frames dropped, the queue to the camera is full", now.down_dropped, before_.down_dropped);
  note("broken frames from the camera", now.serial_errors, before_.serial_errors);
  note("foreign messages from the broker", now.foreign, before_.foreign);
  before_ = now;
  if (dtu.link().baud() != baud_)
    spdlog::info(fmt::format("{}: line at {} baud", device_, dtu.link().baud()));
  baud_ = dtu.link().baud();
}

Station::Station(const StationOptions& options) : options_(options), diary_(options.device) {}

std::expected<std::unique_ptr<Station>, std::string> Station::open(const StationOptions& options) {
  std::unique_ptr<Station> station(new Station(options));
  Station& self = *station;
  auto state = StateFolder::open(options.state);
  if (!state) return std::unexpected(state.error());
  self.state_ = *std::move(state);
  auto line = Line::open(options.serial, options.baud);
  if (!line) return std::unexpected(line.error());
  self.line_ = *std::move(line);

  dtu::DtuSettings settings;
  // The core keeps views of these texts, which live as long as the station.
  settings.session = {self.options_.dialect,         self.options_.product,
                      self.options_.device,          self.options_.broker.user,
                      self.options_.broker.password, std::random_device()()};
  settings.firmware = firmware_name;
  settings.uart_read_bytes = options.uart_read_bytes;
  settings.power.reset_cause = self.state_->run().reset_cause();
  settings.update = options.update;
  settings.update.power = self.line_->ending(self.state_->run().ending(options.update.power));
  const auto receive = [&self](std::string_view topic, std::span<const std::uint8_t> payload) {
    self.dtu_->mqtt_in(topic, payload, uptime_ms());
  };
  if (options.modem.line.empty()) {
    self.uplink_ = std::make_unique<MqttClient>(options.broker, receive);
  } else {
    auto modem = ModemUplink::open(options.modem, options.broker.host, options.broker.port,
                                   receive);
    if (!modem) return std::unexpected(modem.error());
    settings.imei = (*modem)->modem().identity().imei();
    self.uplink_ = *std::move(modem);
  }
  self.dtu_ = std::make_unique<dtu::Dtu>(self.uplink_->port(), settings,
                                         self.line_->port(options.baud_max),
                                         self.state_->areas());
  return station;
}

void Station::start() { dtu_->start(uptime_ms()); }

void Station::step() {
  uplink_->step();
  std::array<std::uint8_t, 1024> bytes;
  const std::size_t count = line_->read(bytes, now_us());
  dtu_->serial_in(std::span(bytes).first(count), uptime_ms());
  dtu_->step(uptime_ms());
  line_->write([&](std::span<std::uint8_t> out) { return dtu_->pull(out, uptime_ms()); },
               now_us());
  uplink_->write();
  diary_.write(*dtu_, *uplink_, *line_);
}

void Station::stop() {
  if (leave_ms_ != 0) return;
  dtu_->stop(uptime_ms());
  leave_ms_ = uptime_ms() + leave_timeout_ms;
  state_->run().ended();
}

bool Station::stopped() const {
  return dtu_->stopped() && (uplink_->closed() || uptime_ms() >= leave_ms_);
}

void Station::add_wishes(std::vector<pollfd>& files) const {
  files.push_back(line_->wish());
  files.push_back(uplink_->wish());
}

std::int64_t Station::due_us() const {
  const std::uint64_t now_ms = uptime_ms();
  const std::uint64_t due_ms = std::max(dtu_->due_ms(now_ms), now_ms + 1);
  const std::uint64_t rest_ms =
      std::min(due_ms - now_ms, leave_ms_ != 0 ? leaving_rest_ms : rest_ms_max);
  const std::int64_t timer_us = now_us() + static_cast<std::int64_t>(rest_ms) * 1000;
  return std::min({timer_us, line_->due_us(), uplink_->due_us()});
}

}  // namespace meterlens::boards
