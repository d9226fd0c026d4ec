#include "boards/ec600s/at/identity.h"

#include <algorithm>
#include <cstdlib>

#include "boards/ec600s/at/answer.h"
#include "device/text.h"

namespace meterlens::at {

void Identity::hear(std::string_view line, std::uint64_t now_ms) {
  const Named answer = named(line);
  if (answer.name == "CSQ") {
    const Numbers numbers = numbers_of(answer.rest);
    if (numbers.count > 0) dbm_ = signal_dbm(numbers[0]);
  } else if (answer.name == "CCID" || answer.name == "QCCID") {
    card_.set(identity_of(line));
  } else if (answer.name == "CCLK") {
    if (const auto unix = unix_ms_of(answer.rest, clock_is_local_)) {
      heard_unix_ms_ = *unix;
      heard_ms_ = now_ms;
      has_time_ = true;
    }
  }
}

void Identity::hear_imei(std::string_view line) {
  const std::string_view number = identity_of(line);
  if (number.size() != imei_.size()) return;
  std::copy(number.begin(), number.end(), imei_.begin());
  has_imei_ = true;
}

std::uint64_t Identity::unix_ms(std::uint64_t now_ms) const {
  return has_time_ ? heard_unix_ms_ + (now_ms - heard_ms_) : 0;
}

std::size_t Identity::put_json(std::span<char> out) const {
  device::TextWriter json(out);
  if (has_imei_) json.put(",\"imei\":\"").put(imei()).put("\"");
  if (!card_.empty()) json.put(",\"iccid\":\"").put(card()).put("\"");
  if (dbm_) {
    json.put(",\"signal_dbm\":").put(*dbm_ < 0 ? "-" : "");
    json.put_number(static_cast<std::uint64_t>(std::abs(*dbm_)));
  }
  return json.count();
}

}  // namespace meterlens::at
