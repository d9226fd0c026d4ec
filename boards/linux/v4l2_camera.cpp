#include "boards/linux/v4l2_camera.h"

#include <fcntl.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace meterlens::boards {
namespace {

constexpr int frames_dropped = 4;
// Of the settings frame_size and frames_to_drop; the initial ones are the program's own.
constexpr std::uint32_t sizes[][2] = {{320, 240},  {640, 480},   {800, 600},
                                      {1024, 768}, {1280, 1024}, {1600, 1200}};
constexpr std::int32_t size_initial = 3, drop_initial = 3;
constexpr std::uint32_t buffer_count = 3;

v4l2_buffer buffer_of(std::uint32_t index) {
  v4l2_buffer buffer{};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_MMAP;
  buffer.index = index;
  return buffer;
}

}  // namespace

V4l2Camera::V4l2Camera(std::string device, std::uint32_t width, std::uint32_t height)
    : device_(std::move(device)), width_(width), height_(height) {}

V4l2Camera::~V4l2Camera() { release(); }

bool V4l2Camera::control(unsigned long request, void* argument) const {
  int result = 0;
  do {
    result = ioctl(file_, request, argument);
  } while (result < 0 && errno == EINTR);
  return result == 0;
}

bool V4l2Camera::tune(const MeterlensShot& shot) {
  shot_ = shot;
  return true;
}

std::optional<ControlRange> V4l2Camera::ask(std::uint32_t id) const {
  v4l2_queryctrl query{};
  query.id = id;
  constexpr std::uint32_t shut = V4L2_CTRL_FLAG_DISABLED | V4L2_CTRL_FLAG_READ_ONLY;
  if (!control(VIDIOC_QUERYCTRL, &query) || (query.flags & shut) != 0) return std::nullopt;
  return ControlRange{query.minimum, query.maximum, query.default_value};
}

// One that the camera does not take stays as it is: the photo is worth more.
void V4l2Camera::set_controls() const {
  if (!shot_) return;
  for (const ControlValue& wish :
       control_values(*shot_, [this](std::uint32_t id) { return ask(id); })) {
    v4l2_control value{};
    value.id = wish.id;
    value.value = wish.value;
    control(VIDIOC_S_CTRL, &value);
  }
}

std::vector<std::string_view> V4l2Camera::deaf_settings() {
  release();
  file_ = ::open(device_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  auto out = boards::deaf_settings([this](std::uint32_t id) { return ask(id); });
  if (file_ >= 0) close(file_);
  file_ = -1;
  out.insert(out.end(), {"light", "light_percent", "light_lead_ms", "lamp_pin", "lamp_kind",
                         "lamp_count", "lamp_rgb"});
  return out;
}

bool V4l2Camera::start() {
  release();
  file_ = ::open(device_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (file_ >= 0 && begin_stream()) return true;
  release();
  return false;
}

bool V4l2Camera::begin_stream() {
  v4l2_format format{};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = width_;
  format.fmt.pix.height = height_;
  if (shot_ && shot_->frame_size != size_initial) {
    format.fmt.pix.width = sizes[shot_->frame_size][0];
    format.fmt.pix.height = sizes[shot_->frame_size][1];
  }
  format.fmt.pix.pixelformat = V4L2_PIX_FMT_MJPEG;
  format.fmt.pix.field = V4L2_FIELD_ANY;
  if (!control(VIDIOC_S_FMT, &format)) return false;
  const auto given = format.fmt.pix.pixelformat;
  if (given != V4L2_PIX_FMT_MJPEG && given != V4L2_PIX_FMT_JPEG) return false;
  v4l2_requestbuffers request{};
  request.count = buffer_count;
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_MMAP;
  if (!control(VIDIOC_REQBUFS, &request)) return false;
  for (std::uint32_t index = 0; index < request.count; ++index)
    if (!map_buffer(index)) return false;
  set_controls();
  frames_to_drop_ = frames_dropped;
  if (shot_ && shot_->frames_to_drop != drop_initial) frames_to_drop_ = shot_->frames_to_drop;
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  return control(VIDIOC_STREAMON, &type);
}

bool V4l2Camera::map_buffer(std::uint32_t index) {
  v4l2_buffer buffer = buffer_of(index);
  if (!control(VIDIOC_QUERYBUF, &buffer)) return false;
  void* at = mmap(nullptr, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, file_,
                  static_cast<off_t>(buffer.m.offset));
  if (at == MAP_FAILED) return false;
  buffers_.push_back({at, buffer.length});
  return control(VIDIOC_QBUF, &buffer);
}

PhotoSource::Shot V4l2Camera::poll() {
  v4l2_buffer buffer = buffer_of(0);
  if (!control(VIDIOC_DQBUF, &buffer)) return errno == EAGAIN ? Shot::pending : Shot::failed;
  const bool good = (buffer.flags & V4L2_BUF_FLAG_ERROR) == 0 && buffer.bytesused > 0 &&
                    buffer.index < buffers_.size();
  if (frames_to_drop_ > 0 || !good) {
    if (frames_to_drop_ > 0) --frames_to_drop_;
    return control(VIDIOC_QBUF, &buffer) ? Shot::pending : Shot::failed;
  }
  const auto* bytes = static_cast<const std::uint8_t*>(buffers_[buffer.index].at);
  photo_.assign(bytes, bytes + buffer.bytesused);
  return Shot::done;
}

void V4l2Camera::release() {
  if (file_ < 0) return;
  int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  control(VIDIOC_STREAMOFF, &type);
  for (const Mapped& buffer : buffers_) munmap(buffer.at, buffer.bytes);
  buffers_.clear();
  close(file_);
  file_ = -1;
}

}  // namespace meterlens::boards
