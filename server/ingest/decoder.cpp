#include "server/ingest/decoder.h"

#include <utility>

#include "protocol/frame.h"
#include "server/ingest/broker_log.h"
#include "server/ingest/status.h"

namespace meterlens::ingest {
namespace {

using metrics::Count;

constexpr std::string_view broker_log_prefix = "$SYS/broker/log/";

std::string_view as_text(protocol::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

// What a camera may say; nothing for the messages of the other direction.
std::optional<Content> content_of(const protocol::Message& message) {
  using Result = std::optional<Content>;
  return std::visit(
      Overloaded{
          [](const protocol::Hello& hello) -> Result {
            return Started{hello.photos_waiting, hello.photos_lost, std::string(hello.firmware)};
          },
          [](const protocol::Packet& packet) -> Result {
            return PhotoData{
                packet.photo_id, packet.index, {packet.data.begin(), packet.data.end()}};
          },
          [](const protocol::ImageMissing& missing) -> Result {
            return ImageMissing{missing.part,
                                missing.update_id,
                                {missing.bitmap.begin(), missing.bitmap.end()}};
          },
          [](const protocol::View& view) -> Result {
            return ViewData{
                view.number, view.index, view.count, {view.data.begin(), view.data.end()}};
          },
          [](const protocol::ImageState& state) -> Result { return state; },
          [](const protocol::Report& report) -> Result { return report; },
          [](const protocol::Offer& offer) -> Result { return offer; },
          [](const protocol::Sent& sent) -> Result { return sent; },
          [](const protocol::Health& health) -> Result { return health; },
          [](const protocol::SettingsTaken& taken) -> Result {
            return SettingsTaken{taken.part,
                                 taken.revision,
                                 {taken.refused_keys.begin(), taken.refused_keys.end()}};
          },
          [](const auto&) -> Result { return std::nullopt; }},
      message);
}

}  // namespace

Decoder::Decoder(const DecoderLimits& limits, metrics::Metrics& metrics)
    : limits_(limits), metrics_(metrics) {}

void Decoder::learn(const std::string& product, const std::string& device) {
  if (clients_.size() >= 2 * limits_.clients_max) return;
  clients_.try_emplace(product + device, product, device);
  // Where devices have credentials, their names are their client ids.
  clients_.try_emplace(device, product, device);
}

void Decoder::message(std::string_view topic_text, protocol::Bytes payload, std::int64_t now_ms,
                      std::vector<Packet>& out) {
  if (topic_text.starts_with(broker_log_prefix)) {
    if (payload.size() <= limits_.log_line_bytes_max) broker_line(as_text(payload), now_ms, out);
    return;
  }
  metrics_.add(Count::messages_received);
  const auto topic = protocol::parse_topic(topic_text);
  if (!topic || topic->channel == protocol::Channel::down) {
    metrics_.add(Count::messages_foreign_topic);
  } else if (topic->dialect == protocol::Dialect::smartdtu) {
    event(*topic, payload, now_ms, out);
  } else if (topic->channel == protocol::Channel::status) {
    status(*topic, payload, now_ms, out);
  } else {
    frame(*topic, payload, now_ms, out);
  }
}

void Decoder::frame(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
                    std::vector<Packet>& out) {
  if (payload.size() > protocol::frame_bytes_max) {
    metrics_.add(Count::messages_too_long);
    return;
  }
  const auto message = protocol::decode_message(payload);
  if (!message) {
    count_frame_error(message.error());
    return;
  }
  auto content = content_of(*message);
  if (!content) {
    metrics_.add(Count::frames_unexpected);
    return;
  }
  out.push_back({std::string(topic.device), std::string(topic.product), topic.dialect, now_ms,
                 *std::move(content)});
}

void Decoder::count_frame_error(protocol::FrameError error) {
  using protocol::FrameError;
  switch (error) {
    case FrameError::too_short:
      return metrics_.add(Count::frames_too_short);
    case FrameError::wrong_version:
      return metrics_.add(Count::frames_wrong_version);
    case FrameError::wrong_length:
      return metrics_.add(Count::frames_wrong_length);
    case FrameError::wrong_checksum:
      return metrics_.add(Count::frames_wrong_checksum);
    case FrameError::unknown_type:
      return metrics_.add(Count::frames_unknown_type);
    case FrameError::malformed:
      return metrics_.add(Count::frames_malformed);
  }
}

void Decoder::status(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
                     std::vector<Packet>& out) {
  if (payload.empty()) return;  // a retained status that was taken back
  if (payload.size() > limits_.status_bytes_max) {
    metrics_.add(Count::messages_too_long);
    return;
  }
  auto presence = decode_status(as_text(payload));
  if (!presence) {
    metrics_.add(Count::frames_malformed);
    return;
  }
  out.push_back({std::string(topic.device), std::string(topic.product), topic.dialect, now_ms,
                 *std::move(presence)});
}

void Decoder::event(const protocol::Topic& topic, protocol::Bytes payload, std::int64_t now_ms,
                    std::vector<Packet>& out) {
  if (payload.size() > limits_.event_bytes_max) {
    metrics_.add(Count::messages_too_long);
    return;
  }
  smart({std::string(topic.product), std::string(topic.device)}, decode_event(as_text(payload)),
        now_ms, out);
}

void Decoder::broker_line(std::string_view line, std::int64_t now_ms, std::vector<Packet>& out) {
  const auto change = parse_broker_log(line);
  if (!change) return;
  const auto known = clients_.find(std::string(change->client_id));
  if (known == clients_.end()) return;
  out.push_back({known->second.device, known->second.product, protocol::Dialect::smartdtu, now_ms,
                 Presence{change->connected, {}, {}}});
}

void Decoder::smart(const Client& client, SmartEvent event, std::int64_t now_ms,
                    std::vector<Packet>& out) {
  if (event.not_json) metrics_.add(Count::smartdtu_not_json);
  metrics_.add(Count::smartdtu_wrong_shape, static_cast<std::uint64_t>(event.wrong_shape));
  metrics_.add(Count::frames_wrong_checksum, static_cast<std::uint64_t>(event.wrong_checksum));
  if (!event.parts.empty()) learn(client.product, client.device);
  for (auto& part : event.parts) {
    std::visit(
        Overloaded{[&](UartText& text) { uart_text(client, text, now_ms, out); },
                   [&](auto& content) {
                     out.push_back({client.device, client.product, protocol::Dialect::smartdtu,
                                    now_ms, std::move(content)});
                   }},
        part);
  }
}

void Decoder::uart_text(const Client& client, const UartText& text, std::int64_t now_ms,
                        std::vector<Packet>& out) {
  const std::string key =
      client.product + '/' + client.device + '/' + static_cast<char>('0' + text.uart);
  auto at = lines_.find(key);
  if (at == lines_.end()) {
    if (text_bytes_ + text.text.size() > limits_.text_bytes_total_max) {
      metrics_.add(Count::smartdtu_text_dropped);
      return;
    }
    at = lines_.try_emplace(key, client, TextJoiner(limits_.text_bytes_max)).first;
  }
  Line& line = at->second;
  std::vector<std::string> whole;
  line.joiner.add(text.text, now_ms, whole);
  account(line);
  if (line.joiner.pending_bytes() == 0) lines_.erase(at);
  texts(client, whole, now_ms, out);
}

void Decoder::account(Line& line) {
  constexpr std::size_t line_overhead_bytes = 512;  // so that many short ones are bounded as well
  const std::size_t pending = line.joiner.pending_bytes();
  text_bytes_ -= line.bytes;
  line.bytes = pending == 0 ? 0 : pending + line_overhead_bytes;
  text_bytes_ += line.bytes;
  if (line.joiner.take_dropped() > 0) metrics_.add(Count::smartdtu_text_dropped);
}

void Decoder::texts(const Client& client, const std::vector<std::string>& whole,
                    std::int64_t now_ms, std::vector<Packet>& out) {
  for (const std::string& text : whole) smart(client, decode_uart_text(text), now_ms, out);
}

void Decoder::forget_texts() {
  lines_.clear();
  text_bytes_ = 0;
}

void Decoder::tick(std::int64_t now_ms, std::vector<Packet>& out) {
  for (auto at = lines_.begin(); at != lines_.end();) {
    Line& line = at->second;
    const std::int64_t silent_ms = now_ms - line.joiner.last_ms();
    // A text from the future was begun before the clock was set back.
    if (silent_ms >= 0 && silent_ms < limits_.text_pause_ms) {
      ++at;
      continue;
    }
    std::vector<std::string> whole;
    const Client client = line.client;
    line.joiner.give_up(whole);
    account(line);
    at = line.joiner.pending_bytes() == 0 ? lines_.erase(at) : std::next(at);
    texts(client, whole, now_ms, out);
  }
}

}  // namespace meterlens::ingest
