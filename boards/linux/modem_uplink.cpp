#include "boards/linux/modem_uplink.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "boards/linux/loop.h"

namespace meterlens::boards {

std::expected<std::unique_ptr<ModemUplink>, std::string> ModemUplink::open(
    const ModemOptions& options, const std::string& host, int port, Receive receive) {
  auto line = Line::open(options.line, options.baud);
  if (!line) return std::unexpected(line.error());
  return std::unique_ptr<ModemUplink>(
      new ModemUplink(options, std::move(*line), host, port, std::move(receive)));
}

ModemUplink::ModemUplink(const ModemOptions& options, std::unique_ptr<Line> line, std::string host,
                         int port, Receive receive)
    : line_(std::move(line)),
      options_(options),
      host_(std::move(host)),
      receive_(std::move(receive)),
      publish_memory_(options.publish_bytes),
      modem_({.host = host_,
              .port = static_cast<std::uint16_t>(port),
              .quote = options.quote,
              .clock_is_local = options.clock_is_local,
              .tls = {options_.authority, options_.certificate, options_.key}},
             publish_memory_, {this, [](void* self, std::string_view topic, at::Bytes payload) {
                                 static_cast<ModemUplink*>(self)->receive_(topic, payload);
                               }}) {
  modem_.start(uptime_ms());
}

void ModemUplink::step() {
  std::array<std::uint8_t, 1024> bytes;
  const std::size_t count = line_->read(bytes, now_us());
  modem_.receive(std::span(bytes).first(count), uptime_ms());
  modem_.step(uptime_ms());
  if (modem_.trouble() != std::string_view(last_error_)) last_error_ = modem_.trouble();
}

void ModemUplink::write() {
  line_->write([&](std::span<std::uint8_t> out) { return modem_.pull(out, uptime_ms()); },
               now_us());
}

std::int64_t ModemUplink::due_us() const {
  const std::int64_t line_due_us = line_->due_us();
  if (!line_->is_open()) return line_due_us;
  const std::uint64_t now_ms = uptime_ms();
  const std::uint64_t due_ms = modem_.due_ms(now_ms);
  // What is to be written waits for the line; only `write` knows when that takes it.
  if (due_ms <= now_ms) return std::min(line_due_us, now_us() + 1000);
  const std::uint64_t wait_ms = std::min<std::uint64_t>(due_ms - now_ms, 60'000);
  return std::min(line_due_us, now_us() + static_cast<std::int64_t>(wait_ms) * 1000);
}

}  // namespace meterlens::boards
