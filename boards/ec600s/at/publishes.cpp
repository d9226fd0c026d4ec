#include "boards/ec600s/at/publishes.h"

#include <algorithm>

#include "protocol/require.h"

namespace meterlens::at {

bool Publishes::fits(std::string_view topic, Bytes payload) const {
  return topic.size() <= name_chars_max && payload.size() <= memory_.size();
}

void Publishes::take(std::string_view topic, Bytes payload, std::uint8_t qos, bool retain) {
  protocol::require(!waiting_ && fits(topic, payload));
  topic_.set(topic);
  std::copy(payload.begin(), payload.end(), memory_.begin());
  bytes_ = payload.size();
  qos_ = qos;
  retain_ = retain;
  waiting_ = true;
  sent_ = false;
}

std::uint16_t Publishes::new_id() {
  if (qos_ == 0) return id_ = 0;
  last_id_ = static_cast<std::uint16_t>(last_id_ == 0xFFFF ? 1 : last_id_ + 1);
  return id_ = last_id_;
}

void Publishes::sent(std::uint64_t now_ms) {
  protocol::require(count_ < in_flight_.size());
  in_flight_[count_++] = {id_, now_ms + result_timeout_ms};
  sent_ = true;
}

void Publishes::refused() {
  if (sent_) remove(id_);
  waiting_ = false;
}

bool Publishes::remove(int id) {
  const auto last = in_flight_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto found = std::find_if(in_flight_.begin(), last,
                                  [id](const InFlight& publish) { return publish.id == id; });
  if (found == last) return false;
  std::copy(found + 1, last, found);
  --count_;
  return true;
}

Publishes::Result Publishes::hear(int id, int result) {
  if (result == 1) return Result::again;
  if (!remove(id)) return Result::unknown;
  if (waiting_ && sent_ && id == id_) sent_ = false;
  return result == 0 ? Result::acknowledged : Result::failed;
}

std::uint32_t Publishes::clear() {
  const std::uint32_t lost = unacknowledged();
  count_ = 0;
  waiting_ = sent_ = false;
  return lost;
}

std::uint32_t Publishes::unacknowledged() const {
  return static_cast<std::uint32_t>(count_ + (waiting_ && !sent_ ? 1 : 0));
}

std::uint64_t Publishes::due_ms() const {
  return count_ == 0 ? std::numeric_limits<std::uint64_t>::max() : in_flight_[0].due_ms;
}

}  // namespace meterlens::at
