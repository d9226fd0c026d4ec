#include "device/camera/camera.h"

#include <algorithm>
#include <limits>

#include "device/text.h"
#include "protocol/require.h"
#include "protocol/to_camera.h"

namespace meterlens::camera {

using protocol::CaptureFailure;
using protocol::CaptureState;
using protocol::Dialect;

Camera::Camera(const MeterlensSensor& sensor, const MeterlensFlash& flash,
               const CameraSettings& settings, const MeterlensLine& line,
               const MeterlensPower& power)
    : kept_(protocol::Part::camera, settings.areas),
      ring_(flash, settings.first_photo_id),
      tuner_(sensor),
      shooter_(sensor, ring_),
      aiming_(sensor),
      health_(power),
      transfer_(ring_),
      text_transfer_(ring_, settings.text),
      reset_cause_(power.reset_cause),
      sleeper_(settings.sleep, power),
      link_(line, settings.first_mark),
      update_(protocol::Part::camera, settings.update),
      settings_(settings),
      dialect_(settings.first_dialect) {
  protocol::require(settings.firmware.size() <= protocol::text_bytes_max);
}

void Camera::start(std::uint64_t now_ms) {
  kept_.load();
  ring_.load();
  dialect_ = ring_.dialect().value_or(settings_.first_dialect);
  update_.start(now_ms);
  hello_due_ms_ = now_ms;
  hello_retry_ms_ = sent_retry_first_ms;
  offers_from_ms_ = now_ms + clock_wait_ms;
  sleeper_.start(now_ms);
  health_.start(now_ms);
  obey();
}

// The DTU is told, and what was said before the sleep asked again.
void Camera::note_wake(std::uint64_t now_ms) {
  if (!sleeper_.wakes(now_ms)) return;
  link_.wake();
  input_.reset();
  line_idle_ = true;
  transfer_.hurry(now_ms);
}

Sleeper::Situation Camera::situation(std::uint64_t now_ms) const {
  // A SmartDTU holds nothing for a camera that sleeps.
  const bool native = dialect_ == Dialect::native;
  const bool unfinished = clock_ms_ == 0 || ring_.waiting_count() > 0 || report_due() || taken_due_;
  const std::uint64_t shot_ms = timer_.due_ms(kept_.get("capture_period_s"), now_ms, clock_ms_);
  return {.at_work = shooter_.busy() || aiming_.active() || update_.at_work() || !native,
          .unfinished = unfinished,
          .remembers = ring_.keeps_time() || transfer_.has_flaws() || update_.remembers(),
          .line_at_rest = link_.at_rest(),
          .next_wake_ms = std::min(shot_ms, update_.due_ms(now_ms, !shooter_.busy()))};
}

void Camera::receive(protocol::Bytes bytes, std::uint64_t now_ms) {
  note_wake(now_ms);
  if (!bytes.empty() && sleeper_.hear_bytes(now_ms)) link_.wake();
  for (const std::uint8_t byte : bytes) {
    const Input::Kind kind = input_.put(byte, now_ms);
    if (kind == Input::Kind::unit) hear_unit(input_.unit(), now_ms);
    if (kind == Input::Kind::text) hear_text(input_.text(), now_ms);
  }
  note_damage();
}

void Camera::note_damage() {
  const std::uint32_t damaged =
      counters_.frame_errors + input_.counters().invalid + input_.counters().overlong;
  for (; damaged_units_ != damaged; ++damaged_units_) link_.hear_damage();
}

void Camera::hear_link(protocol::Bytes unit, std::uint64_t now_ms) {
  const auto message = link::decode_link(unit);
  if (!message || !link_.hear(*message, now_ms))
    ++counters_.frame_errors;
  else
    speak(Dialect::native);
}

void Camera::hear_unit(protocol::Bytes unit, std::uint64_t now_ms) {
  using namespace protocol;
  if (link::is_link(unit)) return hear_link(unit, now_ms);
  const auto message = decode_to_camera(unit);
  // Messages of the other direction are an echo or a miswired line.
  if (!message) {
    ++counters_.frame_errors;
    return;
  }
  speak(Dialect::native);
  link_.hear_frame(now_ms);
  sleeper_.hear_word(now_ms);
  if (!std::holds_alternative<Clock>(*message)) {
    sleeper_.progress(now_ms);
    if (!std::holds_alternative<Refused>(*message)) sleeper_.encourage();
  }
  hear_update(*message);
  if (const auto* m = std::get_if<Capture>(&*message)) capture(m->command_id, now_ms);
  if (const auto* m = std::get_if<Settings>(&*message)) hear_settings(*m);
  if (const auto* m = std::get_if<Aim>(&*message)) aiming_.hear(*m, now_ms);
  if (const auto* m = std::get_if<Missing>(&*message)) transfer_.hear(*m);
  if (const auto* m = std::get_if<Stored>(&*message)) transfer_.hear(*m);
  if (const auto* m = std::get_if<Refused>(&*message)) transfer_.hear(*m, now_ms);
  if (const auto* m = std::get_if<Clock>(&*message); m != nullptr && m->unix_ms > now_ms)
    hear_clock(m->unix_ms, now_ms);
}

void Camera::hear_clock(std::uint64_t unix_ms, std::uint64_t now_ms) {
  const auto period_ms = std::uint64_t{1000} * static_cast<std::uint64_t>(
                                                   kept_.get("capture_period_s"));
  // It may have been its own timer that woke it: then this period has no photo yet.
  if (clock_ms_ == 0 && reset_cause_ == METERLENS_RESET_WAKE && period_ms > 0)
    timer_shot_due_ = ring_.newest_captured_at_ms() < unix_ms - unix_ms % period_ms;
  clock_ms_ = unix_ms - now_ms;
  offers_from_ms_ = now_ms;
}

// The kept settings are others now, or known for the first time.
void Camera::obey() {
  if (kept_.revision() == 0) return;
  sleeper_.set({static_cast<SleepMode>(kept_.get("sleep")),
                static_cast<std::uint32_t>(kept_.get("awake_ms"))});
}

void Camera::hear_update(const protocol::Message& message) {
  update_.heard_from_outside();
  if (const auto* m = std::get_if<protocol::Image>(&message); m != nullptr && update_.is_own(*m))
    update_.hear(*m);
  if (const auto* m = std::get_if<protocol::ImagePacket>(&message)) update_.hear(*m);
  if (const auto* m = std::get_if<protocol::ImageSent>(&message);
      m != nullptr && update_.is_own(*m))
    update_.hear(*m);
}

void Camera::hear_settings(const protocol::Settings& settings) {
  const auto taken = kept_.take(settings, refused_keys_);
  if (!taken) return;
  taken_due_ = true;
  taken_revision_ = taken->revision;
  refused_count_ = taken->refused_keys.size();
  if (settings_.deaf_keys != 0) refuse_deaf(settings.entries);
  obey();
}

void Camera::refuse_deaf(protocol::Bytes entries) {
  const auto table = protocol::settings_of(protocol::Part::camera);
  for (; !entries.empty(); entries = entries.subspan(protocol::setting_bytes)) {
    const auto place = protocol::find_setting(protocol::Part::camera, entries[0]);
    if (!place || (settings_.deaf_keys >> entries[0] & 1) == 0) continue;
    const auto named = refused_keys_.begin() + static_cast<std::ptrdiff_t>(refused_count_);
    const bool is_named = std::find(refused_keys_.begin(), named, entries[0]) != named;
    if (is_named || kept_.values().at(*place) == table[*place].initial) continue;
    if (refused_count_ < refused_keys_.size()) refused_keys_[refused_count_++] = entries[0];
  }
}

void Camera::hear_text(std::string_view text, std::uint64_t now_ms) {
  const auto object = protocol::json_text(text);
  if (!object) return;
  speak(Dialect::smartdtu);
  update_.heard_from_outside();
  const auto wish = protocol::json_member(*object, "capture");
  const auto number = wish ? protocol::json_integer(*wish) : std::nullopt;
  if (!number || *number == 0) {
    ++counters_.unknown_texts;
    return;
  }
  // A second order while the shot is being taken is answered by that shot's photo.
  if (!shooter_.busy()) shoot(nullptr, now_ms);
}

void Camera::speak(Dialect dialect) {
  if (dialect == dialect_) return;
  dialect_ = dialect;
  transfer_.reset();
  text_transfer_.reset();
  aiming_.hear({.seconds = 0}, 0);
  if (dialect == Dialect::smartdtu) link_.reset();
}

Camera::Answered* Camera::find_answer(std::uint32_t command_id) {
  const auto found = std::find_if(answers_.begin(), answers_.end(), [&](const Answered& answer) {
    return answer.report.command_id == command_id;
  });
  return found == answers_.end() ? nullptr : &*found;
}

Camera::Answered& Camera::new_answer(std::uint32_t command_id) {
  Answered& answer = answers_[next_answer_];
  next_answer_ = (next_answer_ + 1) % answers_.size();
  answer = {};
  answer.report.command_id = command_id;
  return answer;
}

void Camera::capture(std::uint32_t command_id, std::uint64_t now_ms) {
  Answered* known = find_answer(command_id);
  const bool photographed =
      known != nullptr ? known->photographed : ring_.knows_command(command_id);
  // It was busy with another shot: now it may not be.
  if (known != nullptr && known->report.failure == CaptureFailure::busy && !shooter_.busy())
    return shoot(known, now_ms);
  if (known != nullptr || photographed) {
    ++counters_.doubled_commands;
    if (photographed)
      transfer_.hurry(now_ms);
    else
      known->due = true;
    return;
  }
  shoot(&new_answer(command_id), now_ms);
}

// `answer`: of the command, or null for a text's.
void Camera::shoot(Answered* answer, std::uint64_t now_ms) {
  CaptureFailure failure = CaptureFailure::none;
  if (shooter_.busy()) {
    failure = CaptureFailure::busy;
  } else {
    aiming_.pause();
    health_.note_tuned(tuner_.tune(shot_of(kept_.values())));
    const std::uint32_t command_id = answer == nullptr ? 0 : answer->report.command_id;
    if (!shooter_.shoot(command_id, now_ms)) {
      failure = CaptureFailure::sensor;
      note({command_id, failure, SensorFault::no_answer});
    }
  }
  if (answer == nullptr) {
    if (dialect_ == Dialect::smartdtu) text_failure_ = failure;
    return;
  }
  answer->due = true;
  answer->report.state =
      failure == CaptureFailure::none ? CaptureState::received : CaptureState::failed;
  answer->report.failure = failure;
}

void Camera::step(std::uint64_t now_ms) {
  note_wake(now_ms);
  while (const auto result = shooter_.step(now_ms, clock_ms_, dialect_)) note(*result);
  step_timer(now_ms);
  step_aiming(now_ms);
  health_.note_lost(ring_.lost_count());
  health_.note_flaws(transfer_.counters().flash_flaws);
  health_.note_settings(kept_.revision(), kept_.counters());
  health_.note_line(link_.counters());
  update_.step(now_ms, !shooter_.busy());
  const bool drained = out_taken_ == out_count_;
  if (link_.step(drained, now_ms)) {
    // What was half heard at the old speed is no unit at the new one.
    input_.reset();
    line_idle_ = true;
  }
  if (sleeper_.step(situation(now_ms), link_.known(), drained, now_ms)) link_.wake();
}

// A shot whose turn comes while another is taken follows it.
void Camera::step_timer(std::uint64_t now_ms) {
  if (timer_.strike(kept_.get("capture_period_s"), now_ms, clock_ms_)) timer_shot_due_ = true;
  if (!timer_shot_due_ || shooter_.busy()) return;
  timer_shot_due_ = false;
  shoot(nullptr, now_ms);
}

void Camera::step_aiming(std::uint64_t now_ms) {
  aiming_.step(now_ms);
  if (shooter_.busy() || !aiming_.wants_sensor(now_ms)) return;
  aiming_.pause();
  MeterlensShot small = shot_of(kept_.values());
  small.frame_size = 0;
  tuner_.tune(small);
  aiming_.take(now_ms);
}

void Camera::note(const ShotResult& result) {
  health_.note(result, kept_.get("dark_level"), kept_.get("bright_level"));
  const bool failed = result.failure != CaptureFailure::none;
  ++(failed ? counters_.failed_shots : counters_.shots);
  if (result.command_id == 0) {
    if (dialect_ == Dialect::smartdtu) text_failure_ = result.failure;
    return;
  }
  Answered* answer = find_answer(result.command_id);
  if (answer == nullptr) return;
  answer->photographed = !failed;
  if (!failed) return;
  answer->report = {result.command_id, CaptureState::failed, result.failure};
  answer->due = true;
}

std::size_t Camera::pull(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  std::size_t count = 0;
  while (count < out.size()) {
    if (out_taken_ == out_count_ && !fill(now_ms)) break;
    const std::size_t part = std::min(out.size() - count, out_count_ - out_taken_);
    std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(out_taken_), part,
                out.begin() + static_cast<std::ptrdiff_t>(count));
    out_taken_ += part;
    count += part;
    if (out_taken_ == out_count_ && out_is_piece_) text_transfer_.text_left(now_ms);
  }
  return count;
}

bool Camera::fill(std::uint64_t now_ms) {
  out_taken_ = 0;
  out_count_ = 0;
  out_is_piece_ = false;
  if (dialect_ == Dialect::smartdtu) {
    out_count_ = next_text({reinterpret_cast<char*>(out_.data()), out_.size()}, now_ms);
    return out_count_ > 0;
  }
  const std::size_t unit_bytes = next_unit(now_ms);
  if (unit_bytes > 0) {
    // An empty unit first cuts off what noise has put on the line while it was idle.
    if (line_idle_) out_[out_count_++] = 0;
    out_count_ += link::encode_unit(protocol::Bytes(frame_).first(unit_bytes),
                                    std::span(out_).subspan(out_count_));
  }
  line_idle_ = unit_bytes == 0;
  return unit_bytes > 0;
}

link::CameraEnd::Wish Camera::wish(std::uint64_t now_ms) const {
  const bool sends = transfer_.has_packets() && now_ms >= offers_from_ms_;
  return {frame_due_ms(now_ms) <= now_ms, sends || shooter_.busy(), sleeper_.tired()};
}

std::size_t Camera::say_sleep() {
  return sleeper_.word_due() ? link::encode_link(link::Sleep{sleeper_.say()}, frame_) : 0;
}

std::size_t Camera::next_unit(std::uint64_t now_ms) {
  if (sleeper_.silent()) return say_sleep();
  const std::size_t link_bytes = link_.next(frame_, wish(now_ms), now_ms);
  if (link_bytes > 0 || !link_.open()) return link_bytes;
  const std::size_t frame_bytes = next_frame(frame_, now_ms);
  if (frame_bytes > 0) link_.sent(frame_bytes, now_ms);
  return frame_bytes;
}

std::size_t Camera::next_frame(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (clock_ms_ == 0 && now_ms >= hello_due_ms_) return hello(out, now_ms);
  if (report_due()) return report(out);
  if (const std::size_t bytes = next_words(out, now_ms); bytes > 0) return bytes;
  if (update_.has_frame()) return update_.next_frame(out);
  if (now_ms < offers_from_ms_) return 0;
  const bool packets = transfer_.has_packets();
  const std::size_t count = transfer_.next_frame(out, now_ms, clock_ms_);
  // A repeated Sent alone is none.
  if (packets && count > 0) sleeper_.progress(now_ms);
  return count == 0 && aiming_.has_packets() ? aiming_.next_frame(out) : count;
}

// What the camera says of itself.
std::size_t Camera::next_words(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  if (taken_due_) {
    taken_due_ = false;
    return protocol::encode_message(
        protocol::SettingsTaken{protocol::Part::camera, taken_revision_,
                                protocol::Bytes(refused_keys_).first(refused_count_)},
        out);
  }
  if (now_ms < health_due_ms()) return 0;
  return protocol::encode_message(health_.take(now_ms), out);
}

bool Camera::views_due(std::uint64_t now_ms) const {
  return aiming_.has_packets() && now_ms >= offers_from_ms_;
}

// Until a clock comes: whoever should answer may not have been there.
std::size_t Camera::hello(std::span<std::uint8_t> out, std::uint64_t now_ms) {
  hello_due_ms_ = now_ms + hello_retry_ms_;
  hello_retry_ms_ = std::min(2 * hello_retry_ms_, sent_retry_last_ms);
  return protocol::encode_message(
      protocol::Hello{static_cast<std::uint32_t>(now_ms), ring_.waiting_count(), ring_.lost_count(),
                      settings_.firmware},
      out);
}

bool Camera::report_due() const {
  return std::any_of(answers_.begin(), answers_.end(), [](const auto& a) { return a.due; });
}

std::size_t Camera::report(std::span<std::uint8_t> out) {
  for (Answered& answer : answers_) {
    if (!answer.due) continue;
    const protocol::Report now = answer.report;
    // `received` is said once; while the shot lasts `shooting` follows it.
    const bool more = now.state == CaptureState::received;
    if (more) answer.report.state = CaptureState::shooting;
    answer.due = more;
    return protocol::encode_message(now, out);
  }
  return 0;
}

std::size_t Camera::next_text(std::span<char> out, std::uint64_t now_ms) {
  if (text_failure_ != CaptureFailure::none) {
    device::TextWriter text(out);
    text.put(R"({"capture_failed":")").put(name(text_failure_)).put("\"}");
    text_failure_ = CaptureFailure::none;
    return text.count();
  }
  if (now_ms < offers_from_ms_) return 0;
  const std::size_t count = text_transfer_.next_text(out, now_ms);
  out_is_piece_ = count > 0;
  return count;
}

std::uint64_t Camera::due_ms(std::uint64_t now_ms) const {
  if (out_taken_ < out_count_) return now_ms;
  std::uint64_t due = std::min({shooter_.due_ms(now_ms), sleeper_.due_ms(situation(now_ms)),
                                update_.due_ms(now_ms, !shooter_.busy())});
  // A shot goes first; when it has ended, so does the wait.
  if (!shooter_.busy()) due = std::min(due, aiming_.due_ms(now_ms));
  due = std::min(due, timer_.due_ms(kept_.get("capture_period_s"), now_ms, clock_ms_));
  if (sleeper_.silent()) return due;
  if (dialect_ == Dialect::smartdtu) {
    if (text_failure_ != CaptureFailure::none) return now_ms;
    return std::min(due, std::max(text_transfer_.due_ms(), offers_from_ms_));
  }
  due = std::min(due, link_.due_ms(wish(now_ms), now_ms));
  return link_.open() ? std::min(due, frame_due_ms(now_ms)) : due;
}

std::uint64_t Camera::frame_due_ms(std::uint64_t now_ms) const {
  if (report_due() || taken_due_ || views_due(now_ms) || update_.has_frame()) return now_ms;
  const std::uint64_t due =
      std::min(std::max(transfer_.due_ms(), offers_from_ms_), health_due_ms());
  return clock_ms_ == 0 ? std::min(due, hello_due_ms_) : due;
}

}  // namespace meterlens::camera
