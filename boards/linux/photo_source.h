// Where the Linux camera's photos come from. A source is asked as MeterlensSensor is; one shot at a
// time, one thread, nothing blocks for longer than making one photo takes.
#pragma once

#include <cstdint>
#include <vector>

#include "device/port.h"

namespace meterlens::boards {

class PhotoSource {
 public:
  enum class Shot : std::int8_t { failed = -1, pending = 0, done = 1 };

  virtual ~PhotoSource() = default;
  // Between shots; what it cannot do it passes over.
  virtual bool tune(const MeterlensShot&) { return true; }
  virtual bool start() = 0;
  // `photo()` holds the JPEG once `done`, until the next `start`.
  virtual Shot poll() = 0;
  virtual void release() {}
  const std::vector<std::uint8_t>& photo() const { return photo_; }

  // Holds as long as this object.
  MeterlensSensor port() {
    MeterlensSensor sensor{};
    sensor.context = this;
    sensor.tune = [](void* self, const MeterlensShot* shot) {
      return static_cast<PhotoSource*>(self)->tune(*shot);
    };
    sensor.start = [](void* self) { return static_cast<PhotoSource*>(self)->start(); };
    sensor.poll = [](void* self, const std::uint8_t** jpeg, std::uint32_t* bytes) {
      auto* source = static_cast<PhotoSource*>(self);
      const Shot shot = source->poll();
      *jpeg = source->photo_.data();
      *bytes = static_cast<std::uint32_t>(source->photo_.size());
      return static_cast<int>(shot);
    };
    sensor.release = [](void* self) { static_cast<PhotoSource*>(self)->release(); };
    return sensor;
  }

 protected:
  std::vector<std::uint8_t> photo_;
};

}  // namespace meterlens::boards
