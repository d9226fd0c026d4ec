// Foreign bytes as an image file, and as frames to a part that takes images. A file that is taken
// is consistent in itself. A part programs only erased flash, only inside its room and never twice;
// it gives the board nothing but the one image that was signed, and restarts only after that.
#include <algorithm>
#include <array>
#include <utility>

#include "device/update/receiver.h"
#include "protocol/image.h"
#include "protocol/require.h"

using namespace meterlens;

namespace {

using protocol::Bytes;
using protocol::require;

constexpr std::uint32_t room_bytes = 4096;
constexpr std::size_t image_bytes = 2500;
constexpr std::uint32_t update_id = 77;
// A throw-away pair's public key, and its signature of the image below as version 9 for the camera
// of the board "fuzz".
constexpr protocol::PublicKey key = {
    0xea, 0x4a, 0x6c, 0x63, 0xe2, 0x9c, 0x52, 0x0a, 0xbe, 0xf5, 0x50, 0x7b, 0x13, 0x2e, 0xc5,
    0xf9, 0x95, 0x47, 0x76, 0xae, 0xbe, 0xbe, 0x7b, 0x92, 0x42, 0x1e, 0xea, 0x69, 0x14, 0x46,
    0xd2, 0x2c};
constexpr std::array<std::uint8_t, protocol::signature_bytes> signature = {
    0x45, 0xcc, 0x07, 0xc2, 0x8c, 0xb0, 0x52, 0x7d, 0xb6, 0xa3, 0xfb, 0xf7, 0x8b, 0x35, 0x24,
    0x7f, 0xdf, 0x91, 0x48, 0xb9, 0x79, 0xe5, 0xbe, 0x82, 0x1c, 0x0f, 0x8c, 0xe4, 0x6a, 0xa4,
    0xe4, 0xaa, 0x2a, 0xe6, 0x75, 0x7f, 0x3d, 0x5b, 0x56, 0xcc, 0x8c, 0x5b, 0x53, 0xa0, 0xc6,
    0xd6, 0xc3, 0x63, 0x36, 0x0e, 0xb6, 0x46, 0x67, 0xef, 0x19, 0x43, 0x70, 0x88, 0x19, 0x10,
    0xdb, 0x0f, 0x0b, 0x0c};

std::array<std::uint8_t, image_bytes> make_image() {
  std::array<std::uint8_t, image_bytes> out;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  return out;
}
const std::array<std::uint8_t, image_bytes> image = make_image();

struct Board {
  std::array<std::uint8_t, room_bytes> room{};
  std::array<bool, room_bytes> is_erased{};
  int erase_calls = 0;
  bool on_trial = false;
  bool will_try = false;
  bool restarted = false;

  MeterlensImages port() {
    MeterlensImages out{};
    out.context = this;
    out.image_bytes_max = room_bytes;
    out.version = 5;
    out.on_trial = on_trial;
    out.erase = [](void* self) {
      auto& board = *static_cast<Board*>(self);
      require(!board.on_trial && !board.will_try);
      if (++board.erase_calls % 3 != 0) return 0;
      board.room.fill(0xFF);
      board.is_erased.fill(true);
      return 1;
    };
    out.program = [](void* self, std::uint32_t offset, const void* data, std::uint32_t bytes) {
      auto& board = *static_cast<Board*>(self);
      require(!board.on_trial && offset % 16 == 0 && bytes % 16 == 0 && bytes > 0);
      require(offset <= room_bytes && bytes <= room_bytes - offset);
      for (std::uint32_t i = 0; i < bytes; ++i) {
        require(std::exchange(board.is_erased[offset + i], false));
        board.room[offset + i] = static_cast<const std::uint8_t*>(data)[i];
      }
      return true;
    };
    out.read = [](void* self, std::uint32_t offset, void* to, std::uint32_t bytes) {
      require(offset <= room_bytes && bytes <= room_bytes - offset);
      std::copy_n(static_cast<Board*>(self)->room.data() + offset, bytes,
                  static_cast<std::uint8_t*>(to));
      return true;
    };
    out.try_new = [](void* self) {
      auto& board = *static_cast<Board*>(self);
      require(std::equal(image.begin(), image.end(), board.room.begin()));
      board.will_try = true;
      return true;
    };
    out.confirm = [](void* self) {
      static_cast<Board*>(self)->on_trial = false;
      return true;
    };
    return out;
  }
};

void tell(update::Receiver& receiver, const protocol::Message& message) {
  if (const auto* m = std::get_if<protocol::Image>(&message); m != nullptr && receiver.is_own(*m))
    receiver.hear(*m);
  if (const auto* m = std::get_if<protocol::ImagePacket>(&message)) receiver.hear(*m);
  if (const auto* m = std::get_if<protocol::ImageSent>(&message);
      m != nullptr && receiver.is_own(*m))
    receiver.hear(*m);
}

void tell_frame(update::Receiver& receiver, Bytes bytes) {
  if (bytes.empty()) return;
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t count = protocol::encode_frame(bytes[0], bytes.subspan(1), frame);
  const auto message = protocol::decode_message(Bytes(frame).first(count));
  if (message) tell(receiver, *message);
}

void tell_packet(update::Receiver& receiver, std::size_t index) {
  if (index >= protocol::packet_count(image_bytes)) return;
  tell(receiver, protocol::ImagePacket{
                     update_id, static_cast<std::uint16_t>(index),
                     Bytes(image).subspan(index * protocol::packet_bytes_max,
                                          protocol::packet_bytes(image_bytes, index))});
}

// Records: what it is, how many bytes, the bytes.
void run_part(Bytes left, bool on_trial) {
  Board board;
  board.on_trial = on_trial;
  update::Settings settings;
  settings.images = board.port();
  settings.power.context = &board;
  settings.power.restart = [](void* self) {
    auto& it = *static_cast<Board*>(self);
    require(it.will_try || it.on_trial);
    it.restarted = true;
  };
  settings.board = "fuzz";
  settings.key = key;
  update::Receiver receiver(protocol::Part::camera, settings);
  std::uint64_t now_ms = 0;
  receiver.start(now_ms);
  while (left.size() >= 2 && !board.restarted) {
    const Bytes part = left.subspan(2, std::min<std::size_t>(left[1], left.size() - 2));
    const std::uint8_t kind = left[0] % 6;
    if (kind == 0) tell_frame(receiver, part);
    if (kind == 1)
      tell(receiver, protocol::Image{protocol::Part::camera, update_id, 9, image_bytes,
                                     protocol::sha256(image), signature});
    if (kind == 2 && !part.empty()) tell_packet(receiver, part[0]);
    if (kind == 4) now_ms += 200'000;
    if (kind == 5) receiver.heard_from_outside();
    receiver.step(now_ms += 10, kind != 0 || part.size() % 2 == 0);
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    while (const std::size_t count = receiver.next_frame(frame))
      require(protocol::decode_message(Bytes(frame).first(count)).has_value());
    left = left.subspan(2 + part.size());
  }
}

}  // namespace

// The first byte: an even one, an image file follows; an odd one, records for a part, which is on
// trial if the second bit is set.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes(data + 1, size - 1);
  if (data[0] % 2 != 0) {
    run_part(bytes, (data[0] & 2) != 0);
    return 0;
  }
  const auto file = protocol::parse_image_file(bytes);
  if (!file) return 0;
  require(protocol::is_board_name(file->head.board) && file->head.version != 0);
  require(file->image.size() == file->head.image_bytes);
  require(file->signature.size() == protocol::signature_bytes);
  require(protocol::sha256(file->image) == file->head.sha256);
  return 0;
}
