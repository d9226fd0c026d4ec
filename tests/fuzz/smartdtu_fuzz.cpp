// Foreign bytes on the SmartDTU topic: the event decoder, the text joiner and the assembler. The
// input is a row of payloads separated by zero bytes, all of one device, a piece period apart. What
// comes out must stay within the stated limits.
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/require.h"
#include "server/ingest/decoder.h"
#include "server/photo/assembler.h"

namespace {

using meterlens::protocol::Bytes;
using meterlens::protocol::require;

constexpr std::int64_t period_ms = 1390;

struct World {
  meterlens::metrics::Metrics& metrics;
  meterlens::ingest::Decoder decoder{{.text_bytes_max = 4096}, metrics};
  meterlens::photo::Assembler assembler{{.photo_bytes_max = 32'768}, metrics};
  std::int64_t now_ms = 0;

  void hear(std::vector<meterlens::ingest::Packet>& packets) {
    for (auto& packet : packets) {
      if (auto* piece = std::get_if<meterlens::ingest::SmartPiece>(&packet.content)) {
        require(!piece->data.empty() && meterlens::protocol::is_device_name(piece->image_file));
        assembler.piece(packet.device, std::move(*piece), now_ms);
      }
      if (auto* end = std::get_if<meterlens::ingest::SmartEnd>(&packet.content))
        assembler.end(packet.device, *end, now_ms);
    }
    packets.clear();
  }

  void say(Bytes payload) {
    std::vector<meterlens::ingest::Packet> packets;
    now_ms += period_ms;
    decoder.message("PRODUCT/device/event", payload, now_ms, packets);
    decoder.message("$SYS/broker/log/N", payload, now_ms, packets);
    decoder.message("meterlens/device/status", payload, now_ms, packets);
    decoder.tick(now_ms, packets);
    hear(packets);
    require(assembler.bytes_in_flight() <= 32'768 && assembler.photos_in_flight() <= 1);
  }

  void run_out() {
    std::vector<meterlens::ingest::Packet> packets;
    for (int i = 0; i < 2; ++i) {
      now_ms += 60'000;
      decoder.tick(now_ms, packets);
      hear(packets);
      assembler.tick(now_ms);
    }
    require(assembler.photos_in_flight() == 0 && assembler.bytes_in_flight() == 0);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static meterlens::metrics::Metrics metrics;
  World world{metrics};
  Bytes left(data, size);
  while (!left.empty()) {
    const auto end = std::find(left.begin(), left.end(), std::uint8_t{0});
    const auto count = static_cast<std::size_t>(end - left.begin());
    world.say(left.first(count));
    left = left.subspan(std::min(count + 1, left.size()));
  }
  world.run_out();
  return 0;
}
