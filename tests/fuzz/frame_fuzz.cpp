// Foreign bytes as one frame: decoding never fails worse than by an error, and whatever is decoded
// is encoded again to the same bytes, or to those of a newer program.
#include <algorithm>
#include <array>

#include "protocol/frame.h"
#include "protocol/json.h"
#include "protocol/message.h"
#include "protocol/require.h"

using namespace meterlens::protocol;

namespace {

using FrameBytes = std::array<std::uint8_t, frame_bytes_max>;

void check(Bytes bytes) {
  const auto frame = decode_frame(bytes);
  const auto message = decode_message(bytes);
  require(frame.has_value() || !message.has_value());
  if (!frame) return;
  FrameBytes again;
  const std::size_t count = encode_frame(frame->type, frame->body, again);
  require(std::ranges::equal(bytes, Bytes(again).first(count)));
  if (!message) return;
  const Bytes whole = Bytes(again).first(encode_message(*message, again));
  if (whole.size() == bytes.size()) return require(std::ranges::equal(bytes, whole));
  // A camera's health from before it had all its counters: the missing ones are 0 from now on.
  require(frame->type == Health::type && whole.size() > bytes.size());
  const auto longer = decode_message(whole);
  require(longer.has_value());
  FrameBytes once_more;
  require(std::ranges::equal(whole, Bytes(once_more).first(encode_message(*longer, once_more))));
}

void check_json(std::string_view text) {
  const auto value = json_text(text);
  if (!value) return;
  require(value->text.size() <= text.size());
  for (JsonMembers members(value->text); value->kind == JsonKind::object && members.next();)
    require(json_text(members.value().text).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  check(bytes);
  check_json({reinterpret_cast<const char*>(data), size});
  // With the checksum that no fuzzer guesses: the first byte is the type, the rest the body.
  if (size == 0 || size - 1 > frame_body_bytes_max) return 0;
  FrameBytes frame;
  check(Bytes(frame).first(encode_frame(data[0], bytes.subspan(1), frame)));
  return 0;
}
