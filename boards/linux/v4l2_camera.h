// Photos from a video camera (V4L2) that delivers MJPEG, as most USB cameras do. The device is open
// only during a shot; the first frames, badly exposed, are passed over.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "boards/linux/photo_source.h"
#include "boards/linux/v4l2_controls.h"

namespace meterlens::boards {

class V4l2Camera : public PhotoSource {
 public:
  // The nearest size that the camera offers is taken; another one that is wished goes before.
  V4l2Camera(std::string device, std::uint32_t width, std::uint32_t height);
  ~V4l2Camera() override;
  bool tune(const MeterlensShot& shot) override;
  // Opens the device to ask; without one, what no video camera has.
  std::vector<std::string_view> deaf_settings() override;
  bool start() override;
  Shot poll() override;
  void release() override;

 private:
  struct Mapped {
    void* at;
    std::size_t bytes;
  };
  bool begin_stream();
  bool map_buffer(std::uint32_t index);
  std::optional<ControlRange> ask(std::uint32_t id) const;
  void set_controls() const;
  bool control(unsigned long request, void* argument) const;

  std::string device_;
  std::uint32_t width_;
  std::uint32_t height_;
  std::optional<MeterlensShot> shot_;
  int file_ = -1;
  int frames_to_drop_ = 0;
  std::vector<Mapped> buffers_;
};

}  // namespace meterlens::boards
