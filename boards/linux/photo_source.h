// Where the Linux camera's photos come from. A source is asked as MeterlensSensor is; one shot at a
// time, one thread, nothing blocks for longer than making one photo takes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "boards/linux/picture_step.h"
#include "device/port.h"

namespace meterlens::boards {

class PhotoSource {
 public:
  enum class Shot : std::int8_t { failed = -1, pending = 0, done = 1 };

  virtual ~PhotoSource() = default;
  // Between shots; what it cannot do it passes over. Mirror, flip and crop are not its business.
  virtual bool tune(const MeterlensShot&) { return true; }
  // The settings of a shot that it passes over.
  virtual std::vector<std::string_view> deaf_settings() = 0;
  virtual bool start() = 0;
  // `photo()` holds the JPEG once `done`, until the next `start`.
  virtual Shot poll() = 0;
  virtual void release() {}
  // After `poll` said done and the photo is as it will be sent.
  virtual void finished() {}
  const std::vector<std::uint8_t>& photo() const { return photo_; }

  // Holds as long as this object.
  MeterlensSensor port() {
    MeterlensSensor sensor{};
    sensor.context = this;
    sensor.tune = [](void* self, const MeterlensShot* shot) {
      auto* source = static_cast<PhotoSource*>(self);
      source->shot_ = *shot;
      return source->tune(*shot);
    };
    sensor.start = [](void* self) { return static_cast<PhotoSource*>(self)->start(); };
    sensor.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
      auto* source = static_cast<PhotoSource*>(self);
      Shot shot = source->poll();
      if (shot == Shot::done && !source->finish()) shot = Shot::failed;
      *jpeg = source->photo_.data();
      *bytes = static_cast<std::uint32_t>(source->photo_.size());
      return static_cast<int>(shot);
    };
    sensor.release = [](void* self) { static_cast<PhotoSource*>(self)->release(); };
    return sensor;
  }

 protected:
  std::vector<std::uint8_t> photo_;

 private:
  bool finish() {
    if (wants_picture_step(shot_)) {
      auto made = picture_step(photo_, shot_);
      if (!made) return false;
      photo_ = *std::move(made);
    }
    finished();
    return true;
  }

  MeterlensShot shot_{};
};

// As in CameraSettings. Requires names of the camera's settings with keys below 32.
std::uint32_t deaf_keys(const std::vector<std::string_view>& names);

}  // namespace meterlens::boards
