// The first step: an MQTT message of either dialect becomes Packets. Refuses and counts whatever is
// too long, malformed or of a foreign topic; whatever bytes come, nothing is thrown.
// Owns the SmartDTU texts that are not whole yet (bounded by device and in all) and the client ids
// by which the broker's log names a SmartDTU. One thread; the clock is the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/checksum.h"
#include "protocol/ids.h"
#include "server/ingest/packet.h"
#include "server/ingest/smart_event.h"
#include "server/ingest/text_joiner.h"
#include "server/metrics/metrics.h"

namespace meterlens::ingest {

struct DecoderLimits {
  std::size_t status_bytes_max = 4096;
  std::size_t event_bytes_max = 16 * 1024;  // of a SmartDTU, as its cloud allows
  std::size_t log_line_bytes_max = 1024;
  std::size_t text_bytes_max = 64 * 1024;  // unfinished UART text of one device
  std::size_t text_bytes_total_max = 32 * 1024 * 1024;
  std::int64_t text_pause_ms = 3000;  // an unfinished text is given up after this
  std::size_t clients_max = 100'000;  // SmartDTUs known by client id
};

class Decoder {
 public:
  Decoder(const DecoderLimits& limits, metrics::Metrics& metrics);

  // A SmartDTU known from before, so that the broker's log is understood at once.
  void learn(const std::string& product, const std::string& device);

  // Appends what the message says to `out`: nothing, one or several packets.
  void message(std::string_view topic, protocol::Bytes payload, std::int64_t now_ms,
               std::vector<Packet>& out);

  // Their beginnings come again.
  void forget_texts();

  // Gives up texts that stay unfinished. Call every second or so.
  void tick(std::int64_t now_ms, std::vector<Packet>& out);

 private:
  struct Client {
    std::string product;
    std::string device;
  };
  struct Line {
    Client client;
    TextJoiner joiner;
    std::size_t bytes = 0;  // as counted in text_bytes_
  };

  void frame(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
             std::vector<Packet>& out);
  void status(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
              std::vector<Packet>& out);
  void event(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
             std::vector<Packet>& out);
  void broker_line(std::string_view line, std::int64_t now_ms, std::vector<Packet>& out);
  void smart(const Client& client, SmartEvent event, std::int64_t now_ms, std::vector<Packet>& out);
  void uart_text(const Client& client, const UartText& text, std::int64_t now_ms,
                 std::vector<Packet>& out);
  void texts(const Client& client, const std::vector<std::string>& whole, std::int64_t now_ms,
             std::vector<Packet>& out);
  void account(Line& line);
  void count_frame_error(protocol::FrameError error);

  DecoderLimits limits_;
  metrics::Metrics& metrics_;
  std::unordered_map<std::string, Client> clients_;  // by client id
  std::map<std::string, Line> lines_;                // by client id and UART; unfinished ones only
  std::size_t text_bytes_ = 0;                       // of all lines
};

}  // namespace meterlens::ingest
