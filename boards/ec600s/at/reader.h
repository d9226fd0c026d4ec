// What a modem says, cut into lines, prompts and MQTT messages. Takes any bytes in pieces of any
// size; a message's payload is taken by its length, so it may look like anything.
//
//   \r\n+QMTRECV: 0,<msgid>,"<topic>",<length>,"<length bytes>"\r\n     a message
//   \r\n> ...                                                           a prompt
//   \r\n<text>\r\n                                                      a line
//
// Whatever comes, it is in step again after the next line end that is outside a payload; a payload
// that stops coming is given up by its owner (`give_up`), for this has no clock.
// Memory: 1.9 KB in the object, no heap. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/checksum.h"
#include "protocol/ids.h"

namespace meterlens::at {

using protocol::Bytes;

// The longest line that is kept; a longer one is dropped up to its end.
inline constexpr std::size_t line_chars_max = 256;
// The longest payload that is kept; a longer one is passed over by its length.
inline constexpr std::size_t message_bytes_max = 1536;
// A length above this is no length of a message.
inline constexpr std::size_t length_max = 65'535;

struct Said {
  enum class Kind : std::uint8_t { line, prompt, message };

  Kind kind = Kind::line;
  std::string_view text;  // of a line, without its end; of a message its topic
  Bytes payload;          // of a message
};

class Reader {
 public:
  struct Counters {
    std::uint32_t overlong_lines = 0;
    std::uint32_t overlong_messages = 0;
    std::uint32_t cut_messages = 0;  // given up, or without their closing quote
  };

  // Takes one byte; what it completed. The views hold until the next call.
  std::optional<Said> put(std::uint8_t byte);
  // Within a payload, or the line of one.
  bool in_message() const { return state_ == State::payload || state_ == State::closing; }
  // The rest of a payload will not come.
  void give_up();
  const Counters& counters() const { return counters_; }

 private:
  enum class State : std::uint8_t { line, overlong, payload, closing, rest };

  std::optional<Said> put_in_line(std::uint8_t byte);
  std::optional<Said> put_in_payload(std::uint8_t byte);
  std::optional<Said> end_line();
  std::optional<Said> end_payload();
  bool begin_payload();

  State state_ = State::line;
  std::array<char, line_chars_max> line_;
  std::size_t line_count_ = 0;
  std::size_t quotes_ = 0;  // in the line so far
  std::size_t topic_begin_ = 0;
  std::size_t topic_chars_ = 0;
  std::array<std::uint8_t, message_bytes_max> payload_;
  std::size_t payload_bytes_ = 0;  // of the message
  std::size_t payload_count_ = 0;  // that have come
  Counters counters_;
};

}  // namespace meterlens::at
