#include "protocol/ids.h"

#include <algorithm>

#include "protocol/require.h"

namespace meterlens::protocol {
namespace {

std::string_view last_level(const Topic& topic) {
  const bool native = topic.dialect == Dialect::native;
  switch (topic.channel) {
    case Channel::up: return native ? "up" : "event";
    case Channel::down: return native ? "down" : "control";
    case Channel::status: return "status";
  }
  return "";
}

std::optional<Channel> channel_of(Dialect dialect, std::string_view level) {
  for (const Channel channel : {Channel::up, Channel::down, Channel::status}) {
    if (channel == Channel::status && dialect == Dialect::smartdtu) continue;
    if (last_level({dialect, channel, {}, {}}) == level) return channel;
  }
  return std::nullopt;
}

}  // namespace

bool is_device_name(std::string_view text) {
  return !text.empty() && text.size() <= device_name_chars_max && text.front() != '.' &&
         std::all_of(text.begin(), text.end(), is_name_char);
}

const char* name(Dialect dialect) {
  return dialect == Dialect::native ? "native" : "smartdtu";
}

std::optional<Topic> parse_topic(std::string_view text) {
  const std::size_t first = text.find('/');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  Topic topic;
  topic.product = text.substr(0, first);
  topic.device = text.substr(first + 1, second - first - 1);
  if (!is_device_name(topic.product) || !is_device_name(topic.device)) return std::nullopt;
  topic.dialect = topic.product == native_prefix ? Dialect::native : Dialect::smartdtu;
  const auto channel = channel_of(topic.dialect, text.substr(second + 1));
  if (!channel) return std::nullopt;
  topic.channel = *channel;
  return topic;
}

std::string_view format_topic(const Topic& topic, std::span<char> out) {
  require(is_device_name(topic.product) && is_device_name(topic.device) &&
          out.size() >= topic_chars_max);
  std::size_t count = 0;
  for (const std::string_view part :
       {topic.product, std::string_view("/"), topic.device, std::string_view("/"),
        last_level(topic)}) {
    std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(count));
    count += part.size();
  }
  return {out.data(), count};
}

}  // namespace meterlens::protocol
