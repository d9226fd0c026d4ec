// A stock modem on a serial line as the way to the broker (boards/ec600s/at on Linux). One thread.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boards/ec600s/at/modem.h"
#include "boards/linux/line.h"
#include "boards/linux/uplink.h"
#include "protocol/frame.h"

namespace meterlens::boards {

struct ModemOptions {
  std::string line;  // as Line::open takes it
  std::uint32_t baud = 115200;
  std::uint32_t publish_bytes = protocol::frame_bytes_max;  // of the largest publish
  at::Quote quote = at::Quote::hex;
  bool clock_is_local = true;
  std::string authority, certificate, key;  // files in the modem, see at::Tls
};

class ModemUplink : public Uplink {
 public:
  using Receive = std::function<void(std::string_view topic, std::span<const std::uint8_t>)>;

  // Fails as Line::open does. Requires a host of 1 to at::host_chars_max characters.
  static std::expected<std::unique_ptr<ModemUplink>, std::string> open(const ModemOptions& options,
                                                                       const std::string& host,
                                                                       int port, Receive receive);

  MeterlensMqtt port() override { return modem_.port(); }
  pollfd wish() const override { return line_->wish(); }
  void step() override;
  void write() override;
  std::int64_t due_us() const override;
  bool closed() const override { return modem_.closed(); }
  const std::string& last_error() const override { return last_error_; }
  const at::Modem& modem() const { return modem_; }

 private:
  ModemUplink(const ModemOptions& options, std::unique_ptr<Line> line, std::string host, int port,
              Receive receive);

  std::unique_ptr<Line> line_;
  ModemOptions options_;
  std::string host_;
  Receive receive_;
  std::vector<std::uint8_t> publish_memory_;
  at::Modem modem_;
  std::string last_error_;
};

}  // namespace meterlens::boards
