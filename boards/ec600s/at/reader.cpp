#include "boards/ec600s/at/reader.h"

#include "boards/ec600s/at/answer.h"

namespace meterlens::at {
namespace {

constexpr std::string_view message_head = "+QMTRECV:";

bool ends_line(std::uint8_t byte) { return byte == '\r' || byte == '\n'; }

}  // namespace

std::optional<Said> Reader::put(std::uint8_t byte) {
  switch (state_) {
    case State::line: return put_in_line(byte);
    case State::payload: return put_in_payload(byte);
    case State::closing:
      state_ = State::rest;
      if (byte == '"') return std::nullopt;
      ++counters_.cut_messages;
      [[fallthrough]];
    default:
      if (ends_line(byte)) state_ = State::line;
      return std::nullopt;
  }
}

std::optional<Said> Reader::put_in_line(std::uint8_t byte) {
  if (ends_line(byte)) return end_line();
  // No line has control characters: a wire that is switched on gives some.
  if (byte < ' ' || (line_count_ == 0 && byte == ' ')) return std::nullopt;
  if (line_count_ == 0 && byte == '>') return Said{Said::Kind::prompt, {}, {}};
  if (line_count_ == line_.size()) {
    ++counters_.overlong_lines;
    line_count_ = quotes_ = 0;
    state_ = State::overlong;
    return std::nullopt;
  }
  line_[line_count_++] = static_cast<char>(byte);
  if (byte != '"' || ++quotes_ != 3 || !begin_payload()) return std::nullopt;
  state_ = State::payload;
  payload_count_ = 0;
  if (payload_bytes_ > payload_.size()) ++counters_.overlong_messages;
  return payload_bytes_ == 0 ? end_payload() : std::nullopt;
}

std::optional<Said> Reader::end_line() {
  if (line_count_ == 0) return std::nullopt;
  const std::string_view text(line_.data(), line_count_);
  line_count_ = quotes_ = 0;
  return Said{Said::Kind::line, text, {}};
}

// The line so far is a message's, up to the quote before its payload.
bool Reader::begin_payload() {
  const std::string_view line(line_.data(), line_count_);
  if (!line.starts_with(message_head)) return false;
  const std::size_t first = line.find('"');
  const std::size_t second = line.find('"', first + 1);
  const auto numbers = numbers_of(line.substr(message_head.size(), first - message_head.size()));
  const std::string_view behind = line.substr(second + 1);  // ,LENGTH,"
  if (numbers.count != 2 || behind.size() < 4 || !behind.ends_with(",\"")) return false;
  const auto length = numbers_of(behind.substr(1, behind.size() - 2));
  if (behind[0] != ',' || length.count != 1 || length[0] < 0 || length[0] > int{length_max})
    return false;
  topic_begin_ = first + 1;
  topic_chars_ = second - first - 1;
  payload_bytes_ = static_cast<std::size_t>(length[0]);
  return true;
}

std::optional<Said> Reader::put_in_payload(std::uint8_t byte) {
  if (payload_count_ < payload_.size()) payload_[payload_count_] = byte;
  return ++payload_count_ == payload_bytes_ ? end_payload() : std::nullopt;
}

std::optional<Said> Reader::end_payload() {
  state_ = State::closing;
  line_count_ = quotes_ = 0;
  if (payload_bytes_ > payload_.size()) return std::nullopt;
  return Said{Said::Kind::message, std::string_view(line_.data() + topic_begin_, topic_chars_),
              Bytes(payload_).first(payload_bytes_)};
}

void Reader::give_up() {
  if (in_message()) ++counters_.cut_messages;
  state_ = State::line;
  line_count_ = quotes_ = 0;
}

}  // namespace meterlens::at
