// Foreign bytes on the serial line of a camera: units, texts, answers, link messages in any order.
// The camera goes on, and what it says is a whole unit or a whole JSON text.
#include <algorithm>
#include <array>
#include <memory>

#include "device/camera/camera.h"
#include "device/link/message.h"
#include "device/link/unit.h"
#include "protocol/bytes.h"
#include "protocol/require.h"

using namespace meterlens;

namespace {

using protocol::Bytes;
using protocol::require;

constexpr std::uint32_t slot_bytes = 4096;

// Three slots of memory; made anew for every input.
struct Memory {
  std::array<std::array<std::uint8_t, slot_bytes>, 3> slots;
};

MeterlensFlash flash_of(Memory& memory) {
  MeterlensFlash flash{};
  flash.context = &memory;
  flash.slot_count = 3;
  flash.slot_bytes = slot_bytes;
  flash.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* out,
                  std::uint32_t bytes) {
    require(offset + bytes <= slot_bytes);
    std::copy_n(static_cast<Memory*>(self)->slots[slot].data() + offset, bytes,
                static_cast<std::uint8_t*>(out));
    return true;
  };
  flash.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                     std::uint32_t bytes) {
    require(offset + bytes <= slot_bytes);
    std::copy_n(static_cast<const std::uint8_t*>(data), bytes,
                static_cast<Memory*>(self)->slots[slot].data() + offset);
    return true;
  };
  flash.erase = [](void* self, std::uint32_t slot) {
    static_cast<Memory*>(self)->slots[slot].fill(0xFF);
    return 1;
  };
  return flash;
}

const std::array<std::uint8_t, 2500> photo = [] {
  std::array<std::uint8_t, 2500> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
  return bytes;
}();

MeterlensSensor sensor() {
  MeterlensSensor port{};
  port.start = [](void*) { return true; };
  port.poll = [](void*, const std::uint8_t** jpeg, std::uint32_t* bytes) {
    *jpeg = photo.data();
    *bytes = static_cast<std::uint32_t>(photo.size());
    return 1;
  };
  port.release = [](void*) {};
  return port;
}

MeterlensLine line() {
  MeterlensLine port{};
  port.baud_max = 921'600;
  port.set_baud = [](void*, std::uint32_t baud) { return baud != 460'800; };
  return port;
}

// Wakes at once, from deep sleep as well: as a board that cannot sleep deeply.
MeterlensPower power() {
  MeterlensPower port{};
  port.sleep = [](void*, bool, std::uint64_t ms) { require(ms > 0); };
  return port;
}

// With a right checksum: a frame, or from type 0xF0 on a link message of the last four bits.
std::size_t make_unit(std::uint8_t type, Bytes body, std::span<std::uint8_t> out) {
  if (type < 0xF0) return protocol::encode_frame(type, body, out);
  protocol::ByteWriter unit(out);
  unit.u8(link::link_head);
  unit.u8(type & 0x0F);
  unit.put(body);
  unit.u32(protocol::crc32(out.first(unit.count())));
  return unit.count();
}

// The far end of the camera's line. The first unit after text may be spoiled by the text's end.
class FarEnd {
 public:
  void pull(camera::Camera& camera, std::uint64_t now_ms) {
    std::array<std::uint8_t, 700> out;
    const std::size_t count = camera.pull(out, now_ms);
    if (camera.dialect() != protocol::Dialect::native) after_text_ = true;
    for (const std::uint8_t byte : Bytes(out).first(count)) {
      const auto unit = reader_.put(byte);
      if (!unit || camera.dialect() != protocol::Dialect::native) continue;
      require(after_text_ || protocol::decode_message(*unit).has_value() ||
              link::decode_link(*unit).has_value());
      after_text_ = false;
    }
  }

 private:
  link::UnitReader reader_;
  bool after_text_ = false;
};

}  // namespace

// Each record: a length byte, then so many bytes of the line; 0 means a frame or link message
// follows that is to be given a right checksum: type, length of the body, body.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto memory = std::make_unique<Memory>();
  for (auto& slot : memory->slots) slot.fill(0xFF);
  camera::CameraSettings settings;
  settings.sleep = {static_cast<camera::SleepMode>(size % 3), 1'000};
  auto camera = std::make_unique<camera::Camera>(sensor(), flash_of(*memory), settings, line(),
                                                 power());
  FarEnd far_end;
  std::uint64_t now_ms = 0;
  camera->start(now_ms);
  Bytes left(data, size);
  while (!left.empty()) {
    const std::size_t length = left[0];
    left = left.subspan(1);
    if (length == 0 && left.size() >= 2) {
      const std::size_t body_bytes = std::min<std::size_t>(left[1], left.size() - 2);
      std::array<std::uint8_t, protocol::frame_bytes_max> frame;
      const std::size_t bytes = make_unit(left[0], left.subspan(2, body_bytes), frame);
      std::array<std::uint8_t, link::unit_bytes_max> unit;
      const std::size_t count = link::encode_unit(Bytes(frame).first(bytes), unit);
      camera->receive(Bytes(unit).first(count), now_ms);
      left = left.subspan(2 + body_bytes);
    } else {
      const Bytes part = left.first(std::min(length, left.size()));
      camera->receive(part, now_ms);
      left = left.subspan(part.size());
    }
    now_ms += 40;
    camera->step(now_ms);
    far_end.pull(*camera, now_ms);
  }
  for (int i = 0; i < 20; ++i) {
    now_ms += 4000;
    camera->step(now_ms);
    far_end.pull(*camera, now_ms);
  }
  return 0;
}
