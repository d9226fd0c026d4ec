// Foreign bytes for a whole camera, among true frames, jumps of the clock, power cuts in the middle
// of a write, and flash, sensor and memory that fail. It goes on and comes to rest; all it writes
// to the line is a whole frame of its direction, a link message, or in the other dialect JSON.
// Flash is programmed inside its bounds and only where it is erased. As long as the flash is sound,
// a photo that was kept goes only by the server's word or counted as lost, numbers never fall, and
// kept settings stay, whatever happens to the power.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "device/camera/camera.h"
#include "device/camera/test_board.h"
#include "device/link/message.h"
#include "protocol/bytes.h"
#include "protocol/json.h"
#include "protocol/require.h"

using namespace meterlens;

namespace {

using protocol::Bytes;
using protocol::require;

constexpr std::uint32_t slot_count = 4, slot_bytes = 4096;
constexpr std::uint64_t unix_begin_ms = 1'700'000'000'000;
constexpr std::array<std::uint64_t, 16> pauses_ms = {1,      5,       20,      60,
                                                     130,    500,     1'000,   3'000,
                                                     10'000, 20'000,  65'000,  600'000,
                                                     610'000, 3'600'000, 90'000'000, 3'000'000'000};
// Of one moment, before the next one comes: a camera that wants more turns spins.
constexpr int turns_at_once_max = 20'000;
// Of one pause.
constexpr int turns_max = 400;

// The memory of the settings. Its next write may be cut, or fail.
struct Areas {
  std::array<std::array<std::uint8_t, 512>, 2> bytes{};
  camera::FakeFlash* power = nullptr;
  bool cut = false;
  bool fails = false;

  MeterlensAreas port() {
    MeterlensAreas out{};
    out.context = this;
    out.bytes = 512;
    out.read = [](void* self, std::uint8_t area, void* to, std::uint32_t count) {
      std::memcpy(to, static_cast<Areas*>(self)->bytes[area].data(), count);
      return true;
    };
    out.write = [](void* self, std::uint8_t area, const void* from, std::uint32_t count) {
      auto& areas = *static_cast<Areas*>(self);
      if (!areas.power->has_power() || areas.fails) return false;
      std::memcpy(areas.bytes[area].data(), from, areas.cut ? count / 2 : count);
      if (areas.cut) areas.power->cut_power_after(0, 0);
      return true;
    };
    return out;
  }
};

class Site {
 public:
  explicit Site(std::uint8_t options) {
    areas_.power = &flash_;
    sensor_.polls = 1;
    settings_.firmware = "fuzz";
    if ((options & 1U) != 0) settings_.first_dialect = protocol::Dialect::smartdtu;
    settings_.text.pause_ms = 10;
    settings_.sleep.mode = static_cast<camera::SleepMode>(options / 2 % 3);
    settings_.areas = areas_.port();
    if ((options & 8U) != 0) {
      line_.baud_max = 921'600;
      line_.set_baud = [](void*, std::uint32_t baud) { return baud != 460'800; };
    }
    power_on(METERLENS_RESET_POWER_ON);
  }

  void bytes_in(Bytes bytes) {
    if (wakes_ms_ == 0) {
      note_words(bytes);
      camera_->receive(bytes, uptime_ms());
    }
    // What wakes it is lost.
    if (!bytes.empty()) wake();
    settle();
  }

  void frame_in(std::uint8_t type, Bytes body) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    unit_in(Bytes(frame).first(protocol::encode_frame(type, body, frame)));
  }
  void message_in(const protocol::Message& message) {
    std::array<std::uint8_t, protocol::frame_bytes_max> frame;
    unit_in(Bytes(frame).first(protocol::encode_message(message, frame)));
  }
  // A link message of these first bytes, with a right checksum.
  void link_in(Bytes body) {
    std::array<std::uint8_t, protocol::frame_bytes_max> message;
    protocol::ByteWriter out(message);
    out.u8(link::link_head);
    out.put(body);
    out.u32(protocol::crc32(Bytes(message).first(out.count())));
    unit_in(Bytes(message).first(out.count()));
  }

  void pass(std::uint64_t ms) {
    const std::uint64_t end_ms = now_ms_ + ms;
    for (int turns = 0; now_ms_ < end_ms && turns < turns_max; ++turns) {
      const std::uint64_t due_ms =
          wakes_ms_ != 0 ? wakes_ms_ : booted_ms_ + camera_->due_ms(uptime_ms());
      now_ms_ = std::min(std::max(due_ms, now_ms_ + 1), end_ms);
      if (wakes_ms_ != 0 && now_ms_ >= wakes_ms_) wake();
      settle();
    }
    now_ms_ = end_ms;
    if (wakes_ms_ != 0 && now_ms_ >= wakes_ms_) wake();
    settle();
  }

  void cut_after(std::uint8_t writes, std::uint8_t share) {
    flash_.cut_power_after(writes, share / 256.0);
    if (!flash_.has_power()) power_on(METERLENS_RESET_BROWN_OUT);
  }

  // One of the things that break, or the word of a server that has the oldest photo.
  void fault(std::uint8_t which, Bytes& left);

 private:
  static std::uint8_t take(Bytes& left) {
    if (left.empty()) return 0;
    const std::uint8_t byte = left[0];
    left = left.subspan(1);
    return byte;
  }

  std::uint64_t uptime_ms() const { return now_ms_ - booted_ms_; }

  void unit_in(Bytes frame) {
    std::array<std::uint8_t, link::unit_bytes_max> unit;
    bytes_in(Bytes(unit).first(link::encode_unit(frame, unit)));
  }

  MeterlensFlash flash_port();
  MeterlensSensor sensor_port();
  MeterlensPower power_port(MeterlensReset cause);

  void power_on(MeterlensReset cause) {
    flash_.restore_power();
    areas_.cut = false;
    wakes_ms_ = 0;
    in_.clear();
    out_ = {};
    text_ = {};
    text_state_ = protocol::JsonScanner::State::done;
    booted_ms_ = now_ms_;
    camera_ = std::make_unique<camera::Camera>(sensor_port(), flash_port(), settings_, line_,
                                               power_port(cause));
    camera_->start(0);
    settle();
  }

  void wake() {
    if (wakes_ms_ == 0) return;
    wakes_ms_ = 0;
    if (deep_) power_on(METERLENS_RESET_WAKE);
  }

  // Runs until it has nothing more to do at this moment.
  void settle() {
    for (int turns = 0; wakes_ms_ == 0; ++turns) {
      require(turns < turns_at_once_max);
      camera_->step(uptime_ms());
      if (!flash_.has_power()) return power_on(METERLENS_RESET_POWER_ON);
      if (wakes_ms_ != 0) break;
      const bool said = line_up_ && pull();
      if (!flash_.has_power()) return power_on(METERLENS_RESET_POWER_ON);
      look();
      if (!said && (!line_up_ || camera_->due_ms(uptime_ms()) > uptime_ms())) return;
    }
    look();
  }

  bool pull();
  void note_words(Bytes bytes);
  void look();

  camera::FakeFlash flash_{slot_count, slot_bytes};
  camera::FakeSensor sensor_;
  camera::Buffer next_photo_ = camera::make_photo(1500, 1);
  Areas areas_;
  camera::CameraSettings settings_;
  MeterlensLine line_{};
  std::uint32_t survives_sleep_ = 0;
  std::unique_ptr<camera::Camera> camera_;
  std::uint64_t now_ms_ = 1, booted_ms_ = 0;
  std::uint64_t wakes_ms_ = 0;  // 0: it is awake
  bool deep_ = false;
  bool line_up_ = true;
  link::UnitReader out_;
  protocol::JsonScanner text_;
  protocol::JsonScanner::State text_state_ = protocol::JsonScanner::State::done;

  bool flash_sound_ = true, areas_sound_ = true, rotten_ = false;
  bool spoke_text_ = false;
  // Of units that began with any part of what came: a silence ends what was begun before it.
  std::vector<link::UnitReader> in_;
  std::set<std::uint32_t> dropped_;  // photos that the server has spoken of
  std::set<std::uint32_t> kept_;
  std::uint32_t lost_ = 0, next_id_ = 0, revision_ = 0;
};

MeterlensFlash Site::flash_port() {
  MeterlensFlash port = flash_.port();
  port.context = this;
  port.read = [](void* self, std::uint32_t slot, std::uint32_t offset, void* out,
                 std::uint32_t bytes) {
    auto& site = *static_cast<Site*>(self);
    require(slot < slot_count && offset + bytes <= slot_bytes);
    const MeterlensFlash flash = site.flash_.port();
    return flash.read(flash.context, slot, offset, out, bytes);
  };
  port.program = [](void* self, std::uint32_t slot, std::uint32_t offset, const void* data,
                    std::uint32_t bytes) {
    auto& site = *static_cast<Site*>(self);
    require(slot < slot_count && offset % 16 == 0 && offset + bytes <= slot_bytes);
    const auto* from = static_cast<const std::uint8_t*>(data);
    for (std::uint32_t i = 0; i < bytes && !site.rotten_; ++i)
      require((from[i] & ~site.flash_.slot(slot)[offset + i]) == 0);
    const MeterlensFlash flash = site.flash_.port();
    return flash.program(flash.context, slot, offset, data, bytes);
  };
  port.erase = [](void* self, std::uint32_t slot) {
    require(slot < slot_count);
    const MeterlensFlash flash = static_cast<Site*>(self)->flash_.port();
    return flash.erase(flash.context, slot);
  };
  return port;
}

// A photo stays as it is until the next shot.
MeterlensSensor Site::sensor_port() {
  MeterlensSensor port = sensor_.port();
  port.context = this;
  port.tune = [](void* self, const MeterlensShot* shot) {
    const MeterlensSensor sensor = static_cast<Site*>(self)->sensor_.port();
    return sensor.tune(sensor.context, shot);
  };
  port.start = [](void* self) {
    auto& site = *static_cast<Site*>(self);
    const MeterlensSensor sensor = site.sensor_.port();
    site.sensor_.photo = site.next_photo_;
    return sensor.start(sensor.context);
  };
  port.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
    const MeterlensSensor sensor = static_cast<Site*>(self)->sensor_.port();
    return sensor.poll(sensor.context, jpeg, bytes);
  };
  port.release = [](void* self) { ++static_cast<Site*>(self)->sensor_.releases; };
  return port;
}

MeterlensPower Site::power_port(MeterlensReset cause) {
  MeterlensPower out{};
  out.context = this;
  out.reset_cause = cause;
  out.survives_sleep = &survives_sleep_;
  out.sleep = [](void* self, bool deep, std::uint64_t ms) {
    auto& site = *static_cast<Site*>(self);
    site.deep_ = deep;
    // By a byte alone: in a month nobody looks any more.
    site.wakes_ms_ = site.now_ms_ + std::clamp<std::uint64_t>(ms, 1, 3'000'000'000);
  };
  return out;
}

bool Site::pull() {
  const bool text = camera_->dialect() == protocol::Dialect::smartdtu;
  std::array<std::uint8_t, 100> said;
  std::size_t count = 0;
  for (int pulls = 0;; ++pulls) {
    require(pulls < turns_at_once_max);
    const std::size_t part = camera_->pull(said, uptime_ms());
    if (part == 0) break;
    count += part;
    for (std::size_t i = 0; i < part; ++i) {
      if (text) {
        text_state_ = text_.put(static_cast<char>(said[i]));
        require(said[i] >= 32 && said[i] < 127);
        require(text_state_ != protocol::JsonScanner::State::wrong);
        if (text_state_ == protocol::JsonScanner::State::done) text_ = {};
        continue;
      }
      const auto unit = out_.put(said[i]);
      if (!unit || link::decode_link(*unit)) continue;
      const auto message = protocol::decode_message(*unit);
      require(message.has_value());
      require(std::visit([](const auto& m) { return m.type < protocol::Capture::type; }, *message));
    }
  }
  if (text) spoke_text_ = true;
  require(!text || text_state_ == protocol::JsonScanner::State::done);
  return count > 0;
}

// Which photos the camera may forget by what it has been told.
void Site::note_words(Bytes bytes) {
  if (in_.empty() || !in_.back().at_boundary()) in_.emplace_back();
  for (const std::uint8_t byte : bytes) {
    for (link::UnitReader& reader : in_) {
      const auto unit = reader.put(byte);
      if (!unit) continue;
      const auto message = protocol::decode_message(*unit);
      if (!message) continue;
      if (const auto* m = std::get_if<protocol::Stored>(&*message)) dropped_.insert(m->photo_id);
      if (const auto* m = std::get_if<protocol::Refused>(&*message)) dropped_.insert(m->photo_id);
    }
    if (byte == 0) in_.resize(1);
    if (byte == '}') in_.emplace_back();  // perhaps the end of a text
  }
}

void Site::look() {
  const camera::PhotoRing& ring = camera_->ring();
  const std::uint32_t lost = ring.lost_count();
  if (flash_sound_ && !spoke_text_) {
    std::uint32_t gone = 0;
    for (const std::uint32_t id : kept_)
      if (!ring.find(id) && !dropped_.contains(id)) ++gone;
    require(lost >= lost_ && gone <= lost - lost_ && ring.next_id() >= next_id_);
  }
  kept_.clear();
  for (std::uint32_t id = ring.next_id() > 8 ? ring.next_id() - 8 : 1; id < ring.next_id(); ++id)
    if (ring.find(id)) kept_.insert(id);
  lost_ = lost;
  next_id_ = ring.next_id();
  require(!areas_sound_ || camera_->kept().revision() >= revision_);
  revision_ = camera_->kept().revision();
}

void Site::fault(std::uint8_t which, Bytes& left) {
  const std::uint8_t value = take(left);
  const auto oldest = camera_->ring().oldest();
  switch (which) {
    case 0: sensor_.result = value % 3 - 1; break;
    case 1: sensor_.answers = !sensor_.answers; break;
    case 2:
      flash_.program_failures = value % 8;
      flash_.failures_write = value >= 128;
      flash_sound_ = false;
      break;
    case 3:
      flash_.read_fails = !flash_.read_fails;
      flash_sound_ = false;
      break;
    case 4:  // a bit turns by itself
      flash_.slot(value % slot_count)[take(left) * 16U + value / 16] ^= 1U << value % 8;
      flash_sound_ = false;
      rotten_ = true;
      break;
    case 5:
      areas_.bytes[value % 2][take(left)] ^= 0x10;
      areas_sound_ = false;
      break;
    case 6:
      areas_.fails = !areas_.fails;
      areas_sound_ = false;
      break;
    case 7: areas_.cut = true; break;
    case 8: line_up_ = !line_up_; break;
    case 9: next_photo_ = camera::make_photo(value * 17, value); break;
    case 10: {
      const Bytes photo = left.first(std::min<std::size_t>(value, left.size()));
      next_photo_.assign(photo.begin(), photo.end());
      left = left.subspan(photo.size());
      break;
    }
    case 11:
      if (oldest) message_in(protocol::Stored{oldest->id, oldest->sha256});
      break;
    case 12:
      if (oldest) message_in(protocol::Missing{oldest->id, Bytes(&value, value == 0 ? 0 : 1)});
      break;
    case 13: message_in(protocol::Clock{unix_begin_ms + now_ms_ + value * 3'600'000ULL}); break;
    case 14: flash_.erase_calls = 1 + value % 4; break;
    default: sensor_.tune_works = !sensor_.tune_works; break;
  }
  settle();
}

}  // namespace

// The first byte chooses first dialect, sleep and speeds. Each record begins with a byte:
//   80 + n  n bytes of the line      40 + n  a type, and n bytes of a frame's body
//   30 + n  n bytes of a link message, with a right checksum
//   20 + n  a pause                  10 + n  power is cut in the write n from now; a share follows
//    0 + n  a fault, see Site::fault; a value follows
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  Site site(data[0]);
  for (Bytes left(data + 1, size - 1); !left.empty();) {
    const std::uint8_t head = left[0];
    left = left.subspan(1);
    const std::size_t wanted = head & (head >= 0x80 ? 0x7FU : head >= 0x40 ? 0x3FU : 15U);
    const auto bytes = [&](std::size_t count) {
      const Bytes part = left.first(std::min(count, left.size()));
      left = left.subspan(part.size());
      return part;
    };
    if (head >= 0x80) {
      site.bytes_in(bytes(wanted));
    } else if (head >= 0x40) {
      const Bytes type = bytes(1);
      site.frame_in(type.empty() ? 0 : type[0], bytes(wanted));
    } else if (head >= 0x30) {
      site.link_in(bytes(wanted));
    } else if (head >= 0x20) {
      site.pass(pauses_ms[wanted]);
    } else if (head >= 0x10) {
      const Bytes share = bytes(1);
      site.cut_after(static_cast<std::uint8_t>(wanted), share.empty() ? 0 : share[0]);
    } else {
      site.fault(head, left);
    }
  }
  site.pass(1'000);
  return 0;
}
