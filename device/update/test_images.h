// For the tests of remote update: two slots as a boot loader keeps them, which can lose power at
// any write, a release that is signed as the tool does it, and what a part has said.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "device/update/receiver.h"
#include "protocol/require.h"

namespace meterlens::update {

using Buffer = std::vector<std::uint8_t>;

// Thrown by `restart`, which does not return; and when the power goes.
struct Restarted {};
struct PowerCut {};

class FakeImages {
 public:
  std::uint32_t running = 5, former = 0, offered = 0;  // versions; `offered` is on its way in
  bool on_trial = false, fell_back = false, will_try = false;
  Buffer room = Buffer(65'536, 0x00);
  int erase_calls = 3;        // until it is done
  int erasures = 0;
  int program_failures_after = -1;
  bool erase_fails = false, read_fails = false, refuses = false, confirm_fails = false;
  int writes_left = -1;  // until the power goes

  // As a boot loader does it.
  void boot() {
    writes_left = -1;
    if (will_try) {
      former = running;
      running = offered;
      on_trial = true;
      will_try = fell_back = false;
    } else if (on_trial) {
      running = former;
      on_trial = false;
      fell_back = true;
    }
  }

  MeterlensImages port() {
    MeterlensImages out{};
    out.context = this;
    out.image_bytes_max = static_cast<std::uint32_t>(room.size());
    out.version = running;
    out.on_trial = on_trial;
    out.fell_back = fell_back;
    out.erase = [](void* self) { return static_cast<FakeImages*>(self)->erase(); };
    out.program = [](void* self, std::uint32_t offset, const void* data, std::uint32_t bytes) {
      return static_cast<FakeImages*>(self)->program(offset, data, bytes);
    };
    out.read = [](void* self, std::uint32_t offset, void* to, std::uint32_t bytes) {
      auto& images = *static_cast<FakeImages*>(self);
      std::memcpy(to, images.room.data() + offset, bytes);
      return !images.read_fails;
    };
    out.try_new = [](void* self) {
      auto& images = *static_cast<FakeImages*>(self);
      if (images.refuses) return false;
      images.will_try = true;
      images.write();
      return true;
    };
    out.confirm = [](void* self) {
      auto& images = *static_cast<FakeImages*>(self);
      if (images.confirm_fails) return false;
      images.on_trial = images.fell_back = false;
      images.write();
      return true;
    };
    return out;
  }

 private:
  // Power may go right before or, seen from the next start, right after a write.
  void write() {
    if (writes_left > 0 && --writes_left == 0) throw PowerCut();
  }
  int erase() {
    if (erase_fails) return -1;
    const std::size_t step = room.size() / static_cast<std::size_t>(erase_calls);
    std::fill_n(room.begin() + static_cast<std::ptrdiff_t>(erased_ * step), step, 0xFF);
    write();
    if (++erased_ < static_cast<std::size_t>(erase_calls)) return 0;
    std::fill(room.begin(), room.end(), 0xFF);
    erased_ = 0;
    ++erasures;
    return 1;
  }
  bool program(std::uint32_t offset, const void* data, std::uint32_t bytes) {
    protocol::require(offset % 16 == 0 && bytes % 16 == 0 && offset + bytes <= room.size());
    if (program_failures_after == 0) return false;
    if (program_failures_after > 0) --program_failures_after;
    const auto* from = static_cast<const std::uint8_t*>(data);
    const bool cut = writes_left == 1;
    for (std::uint32_t i = 0; i < (cut ? bytes / 2 : bytes); ++i) {
      protocol::require(room[offset + i] == 0xFF);  // once between two erasures
      room[offset + i] = from[i];
    }
    write();
    return true;
  }

  std::size_t erased_ = 0;
};

// An image and who signed it.
struct Release {
  protocol::Part part = protocol::Part::camera;
  std::string board = "test-board";
  std::uint32_t version = 7;
  std::uint32_t update_id = 11;
  Buffer image = make_image(10'000, 1);
  protocol::PublicKey key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
  Buffer signature;

  explicit Release(std::uint32_t its_version = 7, std::size_t bytes = 10'000)
      : version(its_version), image(make_image(bytes, its_version)) {
    const std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed{9};
    crypto_sign_seed_keypair(key.data(), secret.data(), seed.data());
    sign();
  }
  static Buffer make_image(std::size_t bytes, std::uint32_t seed) {
    std::mt19937 random(seed);
    Buffer out(bytes);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
    return out;
  }
  void sign() {
    std::array<std::uint8_t, protocol::signed_bytes_max> text;
    const protocol::ImageHead head{part, board, version, static_cast<std::uint32_t>(image.size()),
                                   protocol::sha256(image)};
    const std::size_t count = protocol::signed_text(head, text);
    signature.assign(protocol::signature_bytes, 0);
    crypto_sign_detached(signature.data(), nullptr, text.data(), count, secret.data());
  }
  protocol::Image offer() const {
    return {part, update_id, version, static_cast<std::uint32_t>(image.size()),
            protocol::sha256(image), signature};
  }
  protocol::ImagePacket packet(std::size_t index) const {
    return {update_id, static_cast<std::uint16_t>(index),
            protocol::Bytes(image).subspan(index * protocol::packet_bytes_max,
                                           protocol::packet_bytes(image.size(), index))};
  }
  std::size_t packets() const { return protocol::packet_count(image.size()); }
};

// What a part has said, by frames.
struct Said {
  std::vector<protocol::ImageState> states;
  std::vector<Buffer> missing;  // bitmaps

  void hear(protocol::Bytes frame) {
    const auto message = protocol::decode_message(frame);
    if (!message) return;
    if (const auto* m = std::get_if<protocol::ImageState>(&*message)) states.push_back(*m);
    if (const auto* m = std::get_if<protocol::ImageMissing>(&*message))
      missing.emplace_back(m->bitmap.begin(), m->bitmap.end());
  }
  std::string last() const {
    if (states.empty()) return "nothing";
    const auto& state = states.back();
    return std::to_string(state.update_id) + " " + name(state.state) + " " + name(state.failure) +
           " " + std::to_string(state.version);
  }
};

}  // namespace meterlens::update
