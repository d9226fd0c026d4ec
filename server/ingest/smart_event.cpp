#include "server/ingest/smart_event.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "protocol/base64.h"

namespace meterlens::ingest {
namespace {

using nlohmann::json;

enum class Field { absent, good, bad };

Field number(const json& object, const char* key, std::uint32_t most,
             std::optional<std::uint32_t>& out) {
  const auto found = object.find(key);
  if (found == object.end()) return Field::absent;
  if (!found->is_number_unsigned()) return Field::bad;
  const auto value = found->get<std::uint64_t>();
  if (value > most) return Field::bad;
  out = static_cast<std::uint32_t>(value);
  return Field::good;
}

std::optional<std::string> text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<protocol::Digest> parse_digest(std::string_view hex) {
  protocol::Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    int nibble = -1;
    if (c >= '0' && c <= '9') nibble = c - '0';
    if (c >= 'a' && c <= 'f') nibble = c - 'a' + 10;
    if (c >= 'A' && c <= 'F') nibble = c - 'A' + 10;
    if (nibble < 0) return std::nullopt;
    digest[i / 2] = static_cast<std::uint8_t>(digest[i / 2] * 16 + nibble);
  }
  return digest;
}

constexpr auto count_max = static_cast<std::uint32_t>(protocol::packet_count_max);
constexpr auto bytes_max = static_cast<std::uint32_t>(protocol::photo_bytes_max);

void decode_piece(const json& image, const std::string& file, const std::string& binary,
                  SmartEvent& out) {
  SmartPiece piece;
  piece.image_file = file;
  std::optional<std::uint32_t> crc32;
  const bool bad =
      number(image, "index", count_max - 1, piece.index) == Field::bad ||
      number(image, "count", count_max, piece.count) == Field::bad ||
      number(image, "bytes", bytes_max, piece.photo_bytes) == Field::bad ||
      number(image, "crc32", std::numeric_limits<std::uint32_t>::max(), crc32) == Field::bad;
  piece.data.resize(binary.size() / 4 * 3 + 3);
  const auto bytes = protocol::base64_decode(binary, piece.data);
  if (bad || !bytes || *bytes == 0 ||
      (piece.index && piece.count && *piece.index >= *piece.count)) {
    ++out.wrong_shape;
    return;
  }
  piece.data.resize(*bytes);
  if (crc32 && *crc32 != protocol::crc32(piece.data)) {
    ++out.wrong_checksum;
    return;
  }
  out.parts.emplace_back(std::move(piece));
}

void decode_end(const json& image, const std::string& file, SmartEvent& out) {
  SmartEnd end;
  end.image_file = file;
  const bool bad = number(image, "count", count_max, end.count) == Field::bad ||
                   number(image, "bytes", bytes_max, end.photo_bytes) == Field::bad;
  const bool has_hash = image.contains("sha256");
  const auto hash = text(image, "sha256");
  if (hash) end.sha256 = parse_digest(*hash);
  if (bad || (has_hash && !end.sha256)) {
    ++out.wrong_shape;
    return;
  }
  out.parts.emplace_back(std::move(end));
}

// What a camera said: {"image": {...}}, or ours after a shot that failed: {"capture_failed":
// "why"}.
void decode_camera(const json& said, SmartEvent& out) {
  if (text(said, "capture_failed")) {
    out.parts.emplace_back(SmartEnd());
    return;
  }
  const auto image = said.find("image");
  if (image == said.end() || !image->is_object()) {
    ++out.wrong_shape;
    return;
  }
  const auto file = text(*image, "image_file");
  const auto binary = text(*image, "image_binary");
  const auto end = image->find("image_end");
  const bool ended = end != image->end() && end->is_boolean() && end->get<bool>();
  if (!file || !protocol::is_device_name(*file) || (!binary && !ended)) {
    ++out.wrong_shape;
    return;
  }
  if (binary) decode_piece(*image, *file, *binary, out);
  if (ended) decode_end(*image, *file, out);
}

void decode_payload(int uart, const json& payload, SmartEvent& out) {
  if (payload.is_object()) {
    decode_camera(payload, out);
  } else if (payload.is_string()) {
    out.parts.emplace_back(UartText{uart, payload.get<std::string>()});
  } else {
    ++out.wrong_shape;
  }
}

// A string only if it can stand as a firmware name; anything else is not said.
std::string firmware_of(const json& event) {
  const auto modem = event.find("modem");
  if (modem == event.end() || !modem->is_object()) return {};
  const std::string version = text(*modem, "fwVersion").value_or("");
  return protocol::is_device_name(version) ? version : std::string();
}

}  // namespace

SmartEvent decode_event(std::string_view payload) {
  SmartEvent out;
  const json event = json::parse(payload, nullptr, false);
  if (event.is_discarded()) {
    out.not_json = true;
    return out;
  }
  if (!event.is_object() || event.empty()) {
    ++out.wrong_shape;
    return out;
  }
  bool state = false;
  constexpr const char* uarts[] = {"uart0", "uart1", "uart2"};
  for (const auto& [key, value] : event.items()) {
    const auto uart = std::find(std::begin(uarts), std::end(uarts), key);
    if (uart != std::end(uarts) && value.is_object() && value.contains("payload")) {
      decode_payload(static_cast<int>(uart - std::begin(uarts)), value["payload"], out);
    } else if (value.is_object()) {
      state = true;
    } else {
      ++out.wrong_shape;
    }
  }
  if (state) out.parts.emplace_back(SmartState{std::string(payload), firmware_of(event)});
  return out;
}

SmartEvent decode_uart_text(std::string_view text) {
  SmartEvent out;
  const json said = json::parse(text, nullptr, false);
  if (said.is_discarded()) {
    out.not_json = true;
  } else if (!said.is_object()) {
    ++out.wrong_shape;
  } else {
    decode_camera(said, out);
  }
  return out;
}

std::string encode_capture() { return R"({"uart1":{"payload":{"capture":1}}})"; }

}  // namespace meterlens::ingest
