// Photos from a video camera (V4L2) that delivers MJPEG, as most USB cameras do. The device is open
// only during a shot; the first frames, badly exposed, are passed over.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "boards/linux/photo_source.h"

namespace meterlens::boards {

class V4l2Camera : public PhotoSource {
 public:
  // The nearest size that the camera offers is taken.
  V4l2Camera(std::string device, std::uint32_t width, std::uint32_t height);
  ~V4l2Camera() override;
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
  bool control(unsigned long request, void* argument) const;

  std::string device_;
  std::uint32_t width_;
  std::uint32_t height_;
  int file_ = -1;
  int frames_to_drop_ = 0;
  std::vector<Mapped> buffers_;
};

}  // namespace meterlens::boards
