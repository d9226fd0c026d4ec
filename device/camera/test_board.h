// For the tests of the camera: flash memory that behaves as NOR flash does and can lose power at
// any write, a sensor that takes what photo it is told, and a server as SPEC.md (section 4) has it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "device/camera/camera.h"
#include "device/link/unit.h"
#include "protocol/message.h"

namespace meterlens::camera {

using Buffer = std::vector<std::uint8_t>;

inline Buffer make_photo(std::size_t bytes, std::uint32_t seed) {
  std::mt19937 random(seed);
  Buffer photo(bytes);
  for (auto& byte : photo) byte = static_cast<std::uint8_t>(random() % 5 == 0 ? 0 : random());
  return photo;
}

class FakeFlash {
 public:
  explicit FakeFlash(std::uint32_t slot_count = 4, std::uint32_t slot_bytes = 65'536)
      : slots_(slot_count, Buffer(slot_bytes, 0xFF)) {}

  MeterlensFlash port() {
    MeterlensFlash flash{};
    flash.context = this;
    flash.slot_count = static_cast<std::uint32_t>(slots_.size());
    flash.slot_bytes = static_cast<std::uint32_t>(slots_[0].size());
    flash.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* out,
                    std::uint32_t bytes) {
      auto& flash_ = *static_cast<FakeFlash*>(self);
      std::memcpy(out, flash_.slots_[slot].data() + offset, bytes);
      return !flash_.read_fails && flash_.unreadable != slot;
    };
    flash.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                       std::uint32_t bytes) {
      return static_cast<FakeFlash*>(self)->program(slot, offset, data, bytes);
    };
    flash.erase = [](void* self, std::uint32_t slot) {
      return static_cast<FakeFlash*>(self)->erase(slot);
    };
    return flash;
  }

  // Power goes during the write that many writes from now, of which `share` (0 to 1) is done; later
  // ones do nothing.
  void cut_power_after(int writes, double share) {
    writes_left_ = writes;
    cut_share_ = share;
  }
  bool has_power() const { return writes_left_ != 0; }
  void restore_power() { writes_left_ = -1; }
  int writes() const { return writes_; }
  Buffer& slot(std::size_t at) { return slots_[at]; }

  bool read_fails = false;
  std::optional<std::uint32_t> unreadable;  // slot
  int program_failures = 0;  // so many of the next fail
  bool failures_write = false;  // what fails is written all the same
  int erase_calls = 1;       // until an erasure is done

 private:
  bool program(std::uint32_t slot, std::uint32_t offset, const void* data, std::uint32_t bytes) {
    const double share = begin_write();
    const bool fails = program_failures > 0;
    if (fails) --program_failures;
    if (fails && !failures_write) return false;
    const auto* from = static_cast<const std::uint8_t*>(data);
    const auto done = static_cast<std::uint32_t>(share * bytes);
    for (std::uint32_t i = 0; i < done; ++i) slots_[slot][offset + i] &= from[i];
    return !fails;
  }

  int erase(std::uint32_t slot) {
    if (++erase_calls_ < erase_calls) return 0;
    erase_calls_ = 0;
    Buffer& bytes = slots_[slot];
    const auto done =
        static_cast<std::ptrdiff_t>(begin_write() * static_cast<double>(bytes.size()));
    std::fill_n(bytes.begin(), done, std::uint8_t{0xFF});
    return 1;
  }

  // How much of the write happens.
  double begin_write() {
    if (writes_left_ == 0) return 0;
    ++writes_;
    if (writes_left_ > 0 && --writes_left_ == 0) return cut_share_;
    return 1;
  }

  std::vector<Buffer> slots_;
  int writes_ = 0;
  int writes_left_ = -1;
  double cut_share_ = 0;
  int erase_calls_ = 0;
};

class FakeSensor {
 public:
  MeterlensSensor port() {
    MeterlensSensor sensor{};
    sensor.context = this;
    sensor.tune = [](void* self, const MeterlensShot* shot) {
      auto& sensor_ = *static_cast<FakeSensor*>(self);
      if (sensor_.tune_works) sensor_.tunes.push_back(*shot);
      return sensor_.tune_works;
    };
    sensor.start = [](void* self) {
      auto& sensor_ = *static_cast<FakeSensor*>(self);
      ++sensor_.starts;
      sensor_.polls_left_ = sensor_.polls;
      return sensor_.answers;
    };
    sensor.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
      auto& sensor_ = *static_cast<FakeSensor*>(self);
      if (--sensor_.polls_left_ > 0) return 0;
      *jpeg = sensor_.photo.data();
      *bytes = static_cast<std::uint32_t>(sensor_.photo.size());
      return sensor_.result;
    };
    sensor.release = [](void* self) { ++static_cast<FakeSensor*>(self)->releases; };
    return sensor;
  }

  Buffer photo = make_photo(5000, 1);
  bool answers = true;
  int result = 1;
  int polls = 3;
  int starts = 0;
  int releases = 0;
  bool tune_works = true;
  std::vector<MeterlensShot> tunes;

 private:
  int polls_left_ = 0;
};

// What the server says to a frame; keeps every photo it was given whole.
class FakeServer {
 public:
  struct Partial {
    protocol::Offer offer;
    std::map<int, Buffer> packets;
    std::uint64_t last_ms = 0;
    int asked = 0;
  };

  std::vector<Buffer> hear(protocol::Bytes frame, std::uint64_t now_ms) {
    using namespace protocol;
    replies_.clear();
    const auto message = decode_message(frame);
    if (!message) return {};
    if (const auto* m = std::get_if<Hello>(&*message)) {
      hellos.push_back(*m);
      firmware = m->firmware;
      hellos.back().firmware = {};
      if (unix_ms != 0) say(Clock{unix_ms + now_ms});
    }
    if (const auto* m = std::get_if<Report>(&*message)) reports.push_back(*m);
    if (const auto* m = std::get_if<Offer>(&*message)) hear_offer(*m, now_ms);
    if (const auto* m = std::get_if<Packet>(&*message)) hear_packet(*m, now_ms);
    if (const auto* m = std::get_if<Sent>(&*message)) hear_sent(m->photo_id);
    return replies_;
  }

  // Its own timer.
  std::vector<Buffer> step(std::uint64_t now_ms) {
    replies_.clear();
    for (auto& [id, partial] : partials) {
      if (now_ms - partial.last_ms < 5000 || partial.asked >= 6) continue;
      partial.last_ms = now_ms;
      ++partial.asked;
      say_missing(id);
    }
    return replies_;
  }

  template <class M>
  static Buffer frame_of(const M& message) {
    Buffer frame(protocol::frame_bytes_max);
    frame.resize(protocol::encode_message(message, frame));
    return frame;
  }

  std::vector<protocol::Hello> hellos;
  std::string firmware;
  std::vector<protocol::Report> reports;
  std::vector<protocol::Offer> offers;
  std::map<std::uint32_t, Partial> partials;
  std::map<std::uint32_t, Buffer> stored;
  std::vector<std::uint16_t> packet_indexes;
  std::optional<protocol::Refusal> refuses;
  std::uint64_t unix_ms = 1'700'000'000'000;

 private:
  template <class M>
  void say(const M& message) {
    replies_.push_back(frame_of(message));
  }

  void hear_offer(const protocol::Offer& offer, std::uint64_t now_ms) {
    offers.push_back(offer);
    if (refuses) return say(protocol::Refused{offer.photo_id, *refuses});
    if (stored.contains(offer.photo_id)) return say_stored(offer.photo_id);
    auto& partial = partials[offer.photo_id];
    partial.offer = offer;
    partial.last_ms = now_ms;
  }

  void hear_packet(const protocol::Packet& packet, std::uint64_t now_ms) {
    packet_indexes.push_back(packet.index);
    if (stored.contains(packet.photo_id)) return say_stored(packet.photo_id);
    const auto found = partials.find(packet.photo_id);
    if (found == partials.end()) {
      if (!refuses && now_ms >= empty_due_ms_) {
        empty_due_ms_ = now_ms + 1000;
        say(protocol::Missing{packet.photo_id, {}});
      }
      return;
    }
    found->second.packets[packet.index].assign(packet.data.begin(), packet.data.end());
    found->second.last_ms = now_ms;
    found->second.asked = 0;
  }

  void hear_sent(std::uint32_t id) {
    if (stored.contains(id)) return say_stored(id);
    const auto found = partials.find(id);
    if (found == partials.end()) {
      if (!refuses) say(protocol::Missing{id, {}});
      return;
    }
    const auto& partial = found->second;
    if (partial.packets.size() < protocol::packet_count(partial.offer.photo_bytes))
      return say_missing(id);
    Buffer photo;
    for (const auto& [index, data] : partial.packets)
      photo.insert(photo.end(), data.begin(), data.end());
    if (protocol::sha256(photo) != partial.offer.sha256) {
      partials.erase(found);
      return say(protocol::Refused{id, protocol::Refusal::wrong_hash});
    }
    stored[id] = photo;
    partials.erase(found);
    say_stored(id);
  }

  void say_stored(std::uint32_t id) { say(protocol::Stored{id, protocol::sha256(stored[id])}); }

  void say_missing(std::uint32_t id) {
    const Partial& partial = partials[id];
    const std::size_t count = protocol::packet_count(partial.offer.photo_bytes);
    Buffer bitmap((count + 7) / 8);
    for (std::size_t i = 0; i < count; ++i)
      if (!partial.packets.contains(static_cast<int>(i)))
        bitmap[i / 8] = static_cast<std::uint8_t>(bitmap[i / 8] | 1U << (i % 8));
    say(protocol::Missing{id, bitmap});
  }

  std::vector<Buffer> replies_;
  std::uint64_t empty_due_ms_ = 0;
};

// Camera, line and server on one virtual clock; steps of 10 ms, 115 bytes each way.
class World {
 public:
  // How many copies of a frame arrive (0: lost), how late, and how far apart.
  struct Fate {
    int copies = 1;
    std::uint64_t late_ms = 0;
    std::uint64_t gap_ms = 0;
  };
  using Judge = std::function<Fate(protocol::Bytes frame, bool up)>;

  explicit World(FakeFlash memory = FakeFlash()) : flash(std::move(memory)) { power_on(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // As after a reset: all but the flash is new.
  void power_on() {
    flash.restore_power();
    camera = std::make_unique<Camera>(sensor.port(), flash.port(), settings, MeterlensLine{},
                                      power);
    reader_ = {};
    to_camera_.clear();
    booted_ms_ = now_ms;
    camera->start(0);
  }

  void tell(Buffer frame, std::uint64_t late_ms = 20) {
    in_flight_.push_back({now_ms + late_ms, false, std::move(frame)});
  }
  template <class M>
  void order(const M& message) {
    tell(FakeServer::frame_of(message));
  }
  void capture(std::uint32_t command_id) { order(protocol::Capture{command_id}); }

  // Runs until `done`, at most so long; true if it came to that.
  bool run(
      std::uint64_t most_ms, const std::function<bool()>& done = [] { return false; },
      std::uint64_t step_ms = 10) {
    for (const std::uint64_t end = now_ms + most_ms; now_ms < end; now_ms += step_ms) {
      if (done()) return true;
      tick();
    }
    return done();
  }
  bool run_until_stored(std::size_t count, std::uint64_t most_ms = 600'000) {
    return run(most_ms, [&] {
      return server.stored.size() >= count && camera->ring().waiting_count() == 0;
    });
  }

  FakeFlash flash;
  FakeSensor sensor;
  CameraSettings settings{"test-1", protocol::Dialect::native, 1, {}};
  MeterlensPower power{};
  FakeServer server;
  Judge judge = [](protocol::Bytes, bool) { return Fate{}; };
  bool line_up = true;
  std::unique_ptr<Camera> camera;
  std::uint64_t now_ms = 0;

 private:
  struct Flying {
    std::uint64_t due_ms;
    bool up;
    Buffer frame;
  };

  std::uint64_t uptime_ms() const { return now_ms - booted_ms_; }

  void send(const Buffer& frame, bool up, std::uint64_t base_ms) {
    const Fate fate = judge(frame, up);
    std::uint64_t due_ms = now_ms + base_ms + fate.late_ms;
    for (int copy = 0; copy < fate.copies; ++copy, due_ms += fate.gap_ms)
      in_flight_.push_back({due_ms, up, frame});
  }

  void tick() {
    std::vector<Flying> landed;
    std::erase_if(in_flight_, [&](const Flying& flying) {
      if (flying.due_ms > now_ms) return false;
      landed.push_back(flying);
      return true;
    });
    for (const Flying& flying : landed) {
      if (flying.up) {
        for (const Buffer& reply : server.hear(flying.frame, now_ms)) send(reply, false, 40);
      } else {
        Buffer unit(link::unit_bytes_max);
        unit.resize(link::encode_unit(flying.frame, unit));
        to_camera_.insert(to_camera_.end(), unit.begin(), unit.end());
      }
    }
    for (const Buffer& reply : server.step(now_ms)) send(reply, false, 40);
    if (!flash.has_power()) return;
    const std::size_t bytes = std::min<std::size_t>(115, to_camera_.size());
    const Buffer arrived(to_camera_.begin(),
                         to_camera_.begin() + static_cast<std::ptrdiff_t>(bytes));
    to_camera_.erase(to_camera_.begin(), to_camera_.begin() + static_cast<std::ptrdiff_t>(bytes));
    camera->receive(arrived, uptime_ms());
    camera->step(uptime_ms());
    if (!line_up) return;
    std::array<std::uint8_t, 115> out;
    const std::size_t count = camera->pull(out, uptime_ms());
    for (std::size_t i = 0; i < count; ++i)
      if (const auto unit = reader_.put(out[i])) send({unit->begin(), unit->end()}, true, 40);
  }

  std::uint64_t booted_ms_ = 0;
  link::UnitReader reader_;
  std::deque<std::uint8_t> to_camera_;
  std::vector<Flying> in_flight_;
};

}  // namespace meterlens::camera
