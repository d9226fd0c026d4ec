// The camera program: obeys capture commands, keeps photos in the flash until the server has them,
// sends them, and speaks the dialect it was last spoken to in. The board runs it:
//
//   camera.start(now);
//   forever: camera.receive(bytes from the line, now);  camera.step(now);
//            n = camera.pull(buffer, now);  write n bytes to the line;
//            sleep until bytes come, the line has room, or camera.due_ms(now)
//
// Output is pulled, so a line that stalls stalls the camera, and so does a DTU whose queue is full
// (device/link): nothing is dropped.
// Owns: the photos in the flash it is given. Memory: about 11 KB in the object, no heap.
// Threads: one. Time: `now_ms` is the board's own clock, rising from its start.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "device/camera/aiming.h"
#include "device/camera/health.h"
#include "device/camera/input.h"
#include "device/camera/ring.h"
#include "device/camera/shooter.h"
#include "device/camera/sleeper.h"
#include "device/camera/text_transfer.h"
#include "device/camera/timer.h"
#include "device/camera/transfer.h"
#include "device/camera/tuner.h"
#include "device/link/camera_end.h"
#include "device/port.h"
#include "device/settings/kept.h"
#include "device/update/receiver.h"
#include "protocol/ids.h"
#include "protocol/message.h"

namespace meterlens::camera {

// The board's; what the server changes is in settings::Kept.
struct CameraSettings {
  std::string_view firmware;  // at most 32 printable ASCII characters; must outlive the camera
  // Until it has been spoken to (kept with the photos, so it survives a reset). A native Hello is
  // not text, and one such byte stops a SmartDTU's reader: behind one, begin with smartdtu.
  protocol::Dialect first_dialect = protocol::Dialect::native;
  // The first photo number on an empty flash; a number that rises with time makes them unique even
  // when the flash is wiped.
  std::uint32_t first_photo_id = 1;
  TextSettings text;
  // The number of the first Mark on the line; better another one at each start.
  std::uint16_t first_mark = 1;
  SleepSettings sleep = {};  // until the server has set others
  update::Settings update = {};  // as it is: no remote update
  MeterlensAreas areas = {};     // for the settings that the server changes
  // Bit k: this board cannot obey the setting of key k. It is kept, and a value other than the
  // initial one is told as refused.
  std::uint32_t deaf_keys = 0;
};

// Waits for the clock so long before waiting photos are offered.
inline constexpr std::uint64_t clock_wait_ms = 2'000;

class Camera {
 public:
  struct Counters {
    std::uint32_t frame_errors = 0;   // units that were no frame, no message, or none for a camera
    std::uint32_t unknown_texts = 0;  // JSON objects without a capture
    std::uint32_t shots = 0;
    std::uint32_t failed_shots = 0;
    std::uint32_t doubled_commands = 0;
  };

  // Without `line` the speed of the line is fixed, without `power` it never sleeps.
  Camera(const MeterlensSensor& sensor, const MeterlensFlash& flash,
         const CameraSettings& settings, const MeterlensLine& line = {},
         const MeterlensPower& power = {});
  Camera(const Camera&) = delete;
  Camera& operator=(const Camera&) = delete;

  void start(std::uint64_t now_ms);
  void receive(protocol::Bytes bytes, std::uint64_t now_ms);
  void step(std::uint64_t now_ms);
  // Writes up to out.size() bytes for the line; 0: nothing to say now.
  std::size_t pull(std::span<std::uint8_t> out, std::uint64_t now_ms);
  // When `step` or `pull` has something to do without anything coming in; UINT64_MAX: never.
  std::uint64_t due_ms(std::uint64_t now_ms) const;

  protocol::Dialect dialect() const { return dialect_; }
  const PhotoRing& ring() const { return ring_; }
  const Counters& counters() const { return counters_; }
  const Transfer::Counters& transfer_counters() const { return transfer_.counters(); }
  const link::UnitReader::Counters& line_counters() const { return input_.counters(); }
  const link::CameraEnd& link() const { return link_; }
  const update::Receiver& update() const { return update_; }
  const settings::Kept& kept() const { return kept_; }

 private:
  struct Answered {
    protocol::Report report;
    bool photographed = false;  // nothing more to report: the photo itself is the answer
    bool due = false;
  };

  void note_wake(std::uint64_t now_ms);
  Sleeper::Situation situation(std::uint64_t now_ms) const;
  void hear_unit(protocol::Bytes unit, std::uint64_t now_ms);
  void hear_settings(const protocol::Settings& settings);
  void refuse_deaf(protocol::Bytes entries);
  void hear_link(protocol::Bytes unit, std::uint64_t now_ms);
  void hear_update(const protocol::Message& message);
  void obey();
  void hear_clock(std::uint64_t unix_ms, std::uint64_t now_ms);
  void note_damage();
  void hear_text(std::string_view text, std::uint64_t now_ms);
  void speak(protocol::Dialect dialect);
  void capture(std::uint32_t command_id, std::uint64_t now_ms);
  void shoot(Answered* answer, std::uint64_t now_ms);
  void step_timer(std::uint64_t now_ms);
  void step_aiming(std::uint64_t now_ms);
  std::size_t next_words(std::span<std::uint8_t> out, std::uint64_t now_ms);
  bool views_due(std::uint64_t now_ms) const;
  std::uint64_t health_due_ms() const { return std::max(health_.due_ms(), offers_from_ms_); }
  void note(const ShotResult& result);
  Answered* find_answer(std::uint32_t command_id);
  Answered& new_answer(std::uint32_t command_id);
  bool fill(std::uint64_t now_ms);
  std::uint64_t frame_due_ms(std::uint64_t now_ms) const;
  link::CameraEnd::Wish wish(std::uint64_t now_ms) const;
  std::size_t next_unit(std::uint64_t now_ms);
  std::size_t say_sleep();
  std::size_t next_frame(std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::size_t hello(std::span<std::uint8_t> out, std::uint64_t now_ms);
  std::size_t report(std::span<std::uint8_t> out);
  std::size_t next_text(std::span<char> out, std::uint64_t now_ms);
  bool report_due() const;

  settings::Kept kept_;
  PhotoRing ring_;
  Tuner tuner_;
  Shooter shooter_;
  Aiming aiming_;
  Timer timer_;
  HealthBook health_;
  bool timer_shot_due_ = false;
  Transfer transfer_;
  TextTransfer text_transfer_;
  MeterlensReset reset_cause_;
  Sleeper sleeper_;
  Input input_;
  link::CameraEnd link_;
  update::Receiver update_;
  std::uint32_t damaged_units_ = 0;
  CameraSettings settings_;
  protocol::Dialect dialect_;
  Counters counters_;

  std::uint64_t clock_ms_ = 0;  // Unix time minus the camera's; 0 unknown
  std::uint64_t hello_due_ms_ = 0;
  std::uint64_t hello_retry_ms_ = 0;
  std::uint64_t offers_from_ms_ = 0;

  std::array<Answered, 8> answers_{};  // the newest commands, `next_answer_` the oldest
  std::size_t next_answer_ = 0;
  protocol::CaptureFailure text_failure_ = protocol::CaptureFailure::none;

  bool taken_due_ = false;
  std::uint32_t taken_revision_ = 0;
  std::size_t refused_count_ = 0;
  std::array<std::uint8_t, protocol::setting_count_max> refused_keys_;

  std::array<std::uint8_t, protocol::frame_bytes_max> frame_;
  std::array<std::uint8_t, text_out_bytes_max> out_;  // a unit or a text on its way to the line
  std::size_t out_count_ = 0;
  std::size_t out_taken_ = 0;
  bool out_is_piece_ = false;
  bool line_idle_ = true;
};

}  // namespace meterlens::camera
