// The JSON of a SmartDTU, one event or one text from its UART at a time: SPEC.md section 7.
// nlohmann-json stays in the .cpp file. Stateless; any thread; no exceptions come out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "server/ingest/packet.h"

namespace meterlens::ingest {

// A string that came from a UART: text in pieces for the TextJoiner.
struct UartText {
  int uart = 0;  // 0 to 2
  std::string text;
};

struct SmartEvent {
  std::vector<std::variant<SmartPiece, SmartEnd, SmartState, UartText>> parts;
  bool not_json = false;   // the event as a whole
  int wrong_shape = 0;     // parts that are JSON but not what a DTU or a camera sends
  int wrong_checksum = 0;  // pieces whose own CRC-32 does not fit their bytes
};

// One payload of the topic `event`.
SmartEvent decode_event(std::string_view payload);
// One whole text from a UART, as the TextJoiner gives it.
SmartEvent decode_uart_text(std::string_view text);

// What asks a camera behind a SmartDTU for a photo: one payload of the topic `control`.
std::string encode_capture();

}  // namespace meterlens::ingest
