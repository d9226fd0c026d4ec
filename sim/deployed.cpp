#include "sim/deployed.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "face/face.h"
#include "protocol/base64.h"

namespace meterlens::sim {
namespace {

constexpr std::int64_t ms_us = 1000;
// Measured with the programs themselves.
constexpr std::size_t piece_bytes = 1024;
constexpr std::int64_t first_piece_us = 800 * ms_us;
constexpr std::int64_t piece_us = 1'390 * ms_us;
constexpr std::int64_t end_wait_us = second_us;
constexpr const char* product = "field";

// The same picture with a short comment, so that no two are equal: as two shots of a meter are.
Buffer take_photo(Random& random) {
  const auto& drawn = drawn_photo();
  Buffer out(drawn.begin(), drawn.begin() + 2);
  out.insert(out.end(), {0xFF, 0xFE, 0, 10});
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(random.next()));
  out.insert(out.end(), drawn.begin() + 2, drawn.end());
  return out;
}

std::string base64(protocol::Bytes bytes) {
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  out.resize(protocol::base64_encode(bytes, out));
  return out;
}

}  // namespace

Deployed::Deployed(Events& events, Broker& broker, const Faults& faults, std::string name,
                   Random random)
    : events_(events),
      broker_(broker),
      faults_(faults),
      name_(std::move(name)),
      random_(random),
      client_(broker.add(50 * ms_us, {[this] { link_changed(); },
                                      [this](std::string_view, protocol::Bytes payload) {
                                        hear(payload);
                                      }})) {}

void Deployed::after(std::int64_t delay_us, std::function<void()> work) {
  events_.after(delay_us, [this, number = number_, work = std::move(work)] {
    if (powered_ && number_ == number) work();
  });
}

void Deployed::start() { power(); }

void Deployed::power() {
  if (powered_) return;
  powered_ = true;
  ++number_;
  busy_ = false;
  held_.clear();
  connect();
}

void Deployed::connect() {
  broker_.connect(client_, {.client_id = product + name_, .keep_alive_s = 300});
  // Without service nobody says no.
  after(40 * second_us, [this] {
    if (broker_.state(client_) != MqttState::connecting) return;
    broker_.disconnect(client_);
    connect();
  });
}

void Deployed::cut_power(std::int64_t away_us) {
  if (!powered_) return;
  powered_ = false;
  broker_.cut(client_, away_us);
  broker_.disconnect(client_);
  events_.after(away_us, [this, number = number_] {
    if (number_ == number) power();
  });
}

void Deployed::restore() { power(); }

void Deployed::link_changed() {
  if (!powered_) return;
  if (broker_.state(client_) == MqttState::up) {
    broker_.subscribe(client_, fmt::format("{}/{}/control", product, name_));
    publish(R"({"modem":{"imei":"860000000000001","fwVersion":"FW1"},"gpio":{"gpio1":0}})");
    return;
  }
  after(random_.in(5, 20) * second_us, [this] {
    if (broker_.state(client_) == MqttState::down) connect();
  });
}

void Deployed::hear(protocol::Bytes payload) {
  if (!powered_) return;
  const auto control = nlohmann::json::parse(payload.begin(), payload.end(), nullptr, false);
  const nlohmann::json::json_pointer capture("/uart1/payload/capture");
  // One that comes during a photo glues to the next in the camera's UART: both are lost.
  if (control.is_discarded() || !control.contains(capture) || busy_) return;
  busy_ = true;
  after(first_piece_us, [this] { shoot(); });
}

void Deployed::shoot() {
  ++shots_;
  file_ = fmt::format("capture_{:016x}.jpg", random_.next());
  const bool failed = fails();
  // The frame is false: an end mark without pieces.
  if (failed && (photo_.empty() || random_.chance(0.5))) return send_end();
  // An exception: the photo before goes again under a new name.
  if (!failed) photo_ = take_photo(random_);
  on_shot(name_, photo_);
  send_piece(0);
}

void Deployed::send_piece(std::size_t at) {
  const std::size_t bytes = std::min(piece_bytes, photo_.size() - at);
  write_uart(fmt::format(R"({{"image":{{"image_file":"{}","image_binary":"{}\n"}}}})", file_,
                         base64(protocol::Bytes(photo_).subspan(at, bytes))));
  const std::size_t next = at + bytes;
  if (next < photo_.size()) {
    after(piece_us, [this, next] { send_piece(next); });
  } else if (fails()) {
    busy_ = false;  // no end mark
  } else {
    after(end_wait_us, [this] { send_end(); });
  }
}

void Deployed::send_end() {
  write_uart(fmt::format(R"({{"image":{{"image_file":"{}","image_end":true}}}})", file_));
  busy_ = false;
}

void Deployed::write_uart(const std::string& text) {
  const auto event = [](std::string_view payload, bool object) {
    return fmt::format(R"({{"uart1":{{"config":{{"baud_rate":115200}},"payload":{}}}}})",
                       object ? std::string(payload) : nlohmann::json(payload).dump());
  };
  if (!held_.empty()) return publish(event(std::exchange(held_, {}) + text, false));
  if (fails()) {
    // Its end mark is the last that is written: nothing would come to glue to it.
    const bool last = text.find("image_end") != std::string::npos;
    if (!last && random_.chance(0.3)) {
      held_ = text;
      return;
    }
    const std::size_t cut = std::min<std::size_t>(1024, 1 + random_.below(text.size() - 1));
    publish(event(std::string_view(text).substr(0, cut), false));
    after(random_.in(50, 150) * ms_us, [this, event, rest = text.substr(cut)] {
      publish(event(rest, false));
    });
    return;
  }
  publish(event(text, true));
}

void Deployed::publish(const std::string& event) {
  broker_.publish(client_, fmt::format("{}/{}/event", product, name_),
                  {reinterpret_cast<const std::uint8_t*>(event.data()), event.size()}, 0, false);
}

}  // namespace meterlens::sim
