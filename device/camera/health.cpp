#include "device/camera/health.h"

#include <algorithm>

namespace meterlens::camera {

using protocol::CaptureFailure;
using protocol::Light;
using protocol::Luminance;

HealthBook::HealthBook(const MeterlensPower& power) {
  health_.reset_cause = static_cast<std::uint8_t>(power.reset_cause);
  health_.crash_address = power.crash_address;
}

void HealthBook::note(const ShotResult& shot, std::int32_t dark_level,
                      std::int32_t bright_level) {
  if (shot.failure != CaptureFailure::none) {
    if (shot.failure == CaptureFailure::empty) ++health_.empty_frames;
    if (shot.failure == CaptureFailure::too_large || shot.failure == CaptureFailure::flash)
      ++health_.failed_saves;
    if (shot.fault == SensorFault::no_answer) ++health_.no_answers;
    if (shot.fault == SensorFault::timeout) ++health_.frame_timeouts;
    if (shot.fault == SensorFault::gave_up) ++health_.frame_failures;
    return tell();
  }
  ++health_.shots;
  const Luminance luminance = shot.luminance.value_or(Luminance{});
  const Light light =
      shot.luminance ? judge(luminance, dark_level, bright_level) : Light::unknown;
  const bool all_well = light == Light::good || light == Light::unknown;
  // The first photo, and one like that before it, are no news.
  if (!all_well || health_.light == Light::dark || health_.light == Light::bright) tell();
  health_.photo_id = shot.photo_id;
  health_.light = light;
  health_.mean = luminance.mean;
  health_.dark_percent = luminance.dark_percent;
  health_.bright_percent = luminance.bright_percent;
}

void HealthBook::note_tuned(bool taken) {
  if (health_.tune_failed == taken) tell();
  health_.tune_failed = !taken;
}

void HealthBook::note_lost(std::uint32_t photos_lost) {
  if (health_.photos_lost != photos_lost) tell();
  health_.photos_lost = photos_lost;
}

void HealthBook::note_settings(std::uint32_t revision, const settings::Kept::Counters& kept) {
  if (health_.settings_revision != revision || health_.settings_unsaved != kept.unsaved) tell();
  health_.settings_revision = revision;
  health_.broken_areas = static_cast<std::uint8_t>(std::min(kept.broken_areas, 2U));
  health_.settings_unsaved = kept.unsaved;
  health_.settings_refused = kept.refused;
}

void HealthBook::note_line(const link::CameraEnd::Counters& line) {
  health_.line_raised = line.raised;
  health_.line_lowered = line.lowered;
  health_.line_falls = line.silences;
}

protocol::Health HealthBook::take(std::uint64_t now_ms) {
  told_once_ = true;
  due_ms_ = now_ms + health_period_ms;
  health_.uptime_s = static_cast<std::uint32_t>(now_ms / 1000);
  return health_;
}

}  // namespace meterlens::camera
