// One camera's DTU on Linux: its serial line, its connection to the broker, what survives a
// restart, and the DTU core between them. A gateway has one for each of its cameras; none waits for
// another. One thread.
#pragma once

#include <poll.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "boards/linux/line.h"
#include "boards/linux/modem_uplink.h"
#include "boards/linux/mqtt_client.h"
#include "boards/linux/state_folder.h"
#include "device/dtu/dtu.h"

namespace meterlens::boards {

struct StationOptions {
  std::string serial;
  std::uint32_t baud = 115200;
  std::uint32_t baud_max = 0;
  BrokerAddress broker;
  ModemOptions modem;  // no line: libmosquitto
  std::string device;
  std::string product;
  protocol::Dialect dialect = protocol::Dialect::native;
  std::uint16_t uart_read_bytes = dtu::uart_text_bytes_max;
  std::filesystem::path state;
  update::Settings update = {};  // of the DTU's own program
};

class Station {
 public:
  // The error says which line or folder, and why.
  static std::expected<std::unique_ptr<Station>, std::string> open(const StationOptions& options);
  Station(const Station&) = delete;
  Station& operator=(const Station&) = delete;

  void start();
  // Takes what has come, sends what may go.
  void step();
  // Says goodbye to the broker; go on with `step` until `stopped`.
  void stop();
  bool stopped() const;

  // What to poll for.
  void add_wishes(std::vector<pollfd>& files) const;
  // When `step` has something to do without anything coming in, on the clock of now_us().
  std::int64_t due_us() const;

 private:
  // Says what has changed since the last call.
  class Diary {
   public:
    explicit Diary(std::string device) : device_(std::move(device)) {}
    void write(const dtu::Dtu& dtu, const Uplink& client, const Line& line);

   private:
    void note(const char* what, std::uint32_t now, std::uint32_t before) const;

    std::string device_;
    bool online_ = false, line_open_ = true;
    std::string error_;
    std::uint32_t baud_ = link::bauds[0];
    dtu::Dtu::Counters before_;
  };

  explicit Station(const StationOptions& options);

  StationOptions options_;
  Diary diary_;
  std::unique_ptr<StateFolder> state_;
  std::unique_ptr<Line> line_;
  std::unique_ptr<Uplink> uplink_;
  std::unique_ptr<dtu::Dtu> dtu_;
  std::uint64_t leave_ms_ = 0;  // 0: stays
};

}  // namespace meterlens::boards
