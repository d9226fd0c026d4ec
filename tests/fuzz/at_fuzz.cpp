// Foreign bytes from a modem, while the DTU program connects, publishes and says goodbye. It goes
// on: what it sends is whole commands, or exactly the payload after a prompt; what it counts is
// bounded; and a modem that answers properly afterwards is brought up.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "boards/ec600s/at/modem.h"
#include "protocol/require.h"

using namespace meterlens;

namespace {

using at::Bytes;
using protocol::require;

constexpr std::string_view payload = "\x01payload\r\nOK\r\n>";

// The far end of the modem's line.
class FarEnd {
 public:
  explicit FarEnd(at::Modem& modem) : modem_(modem) {}

  void hear(std::string_view bytes) {
    modem_.receive({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, now_ms);
  }

  // The last whole command of what it sends now; empty: none.
  std::string pull() {
    std::array<std::uint8_t, 300> out;
    while (const std::size_t count = modem_.pull(out, now_ms))
      sent_.append(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count));
    std::string last;
    for (std::size_t end; !sent_.empty();) {
      if (sent_.starts_with(payload)) {
        sent_.erase(0, payload.size());
        continue;
      }
      if ((end = sent_.find('\r')) == std::string::npos) break;
      last = sent_.substr(0, end);
      sent_.erase(0, end + 1);
      require(last.empty() || last.starts_with("AT"));
    }
    return last;
  }

  // Goes to the next deadline.
  void wait() {
    const std::uint64_t due_ms = modem_.due_ms(now_ms);
    now_ms = std::max(now_ms + 1, std::min(due_ms, now_ms + 60'000));
    modem_.step(now_ms);
  }

  std::uint64_t now_ms = 1;

 private:
  at::Modem& modem_;
  std::string sent_;
};

std::string_view proper_answer(std::string_view command) {
  if (command.starts_with("AT+CPIN")) return "\r\n+CPIN: READY\r\n\r\nOK\r\n";
  if (command.starts_with("AT+CEREG")) return "\r\n+CEREG: 0,1\r\n\r\nOK\r\n";
  return command.empty() ? "" : "\r\nOK\r\n";
}

void act(const MeterlensMqtt& mqtt, std::uint8_t choice) {
  static const MeterlensMqttLogin login{"id", "user", "pass", 30, true, "will", "{\"a\":1}"};
  switch (choice) {
    case 0: return mqtt.connect(mqtt.context, &login);
    case 1: return mqtt.disconnect(mqtt.context);
    case 2: mqtt.subscribe(mqtt.context, "down", 1); break;
    default:
      mqtt.publish(mqtt.context, "up", payload.data(), payload.size(), choice % 2, choice == 5);
  }
  require(mqtt.unacknowledged(mqtt.context) <= at::publishes_limit + 1);
}

}  // namespace

// Each record: a byte below 6 is an act of the program, below 12 a proper answer to the command
// that was last seen, below 18 time that passes; above that, so many bytes less 18 of the line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::array<std::uint8_t, 64> memory;
  auto modem = std::make_unique<at::Modem>(
      at::ModemSettings{.host = "h"}, memory,
      at::Receiver{nullptr, [](void*, std::string_view topic, Bytes message) {
                     require(topic.size() <= at::line_chars_max);
                     require(message.size() <= at::message_bytes_max);
                   }});
  const MeterlensMqtt mqtt = modem->port();
  auto far_end = std::make_unique<FarEnd>(*modem);
  modem->start(far_end->now_ms);
  std::string command;
  for (std::string_view left(reinterpret_cast<const char*>(data), size); !left.empty();) {
    const auto code = static_cast<std::uint8_t>(left[0]);
    left.remove_prefix(1);
    if (const std::string next = far_end->pull(); !next.empty()) command = next;
    if (code < 6) {
      act(mqtt, code);
    } else if (code < 12) {
      far_end->hear(proper_answer(command));
    } else if (code < 18) {
      far_end->wait();
    } else {
      const std::string_view part = left.substr(0, code - 18U);
      far_end->hear(part);
      left.remove_prefix(part.size());
    }
    modem->step(far_end->now_ms);
  }
  for (int i = 0; i < 3; ++i) far_end->wait();
  far_end->now_ms += 10 * at::payload_pause_ms;
  modem->step(far_end->now_ms);
  far_end->hear("\r\n\r\nRDY\r\n");
  for (int i = 0; i < 40 && !modem->ready(); ++i) {
    far_end->hear(proper_answer(far_end->pull()));
    far_end->wait();
  }
  require(modem->ready());
  return 0;
}
