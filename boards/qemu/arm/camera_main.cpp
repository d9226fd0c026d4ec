// The camera's core on an emulated Cortex-M3: the line to the DTU on UART0. Its sensor is the file
// photo.jpg, its flash the file photos.flash, both of the host by semihosting, in the folder where
// the emulator was started; the flash is made at the first start and survives a restart.
#include <algorithm>
#include <array>
#include <new>

#include "boards/qemu/arm/board.h"
#include "device/camera/camera.h"

namespace meterlens::boards::qemu {
namespace {

constexpr std::string_view firmware = "meterlens-qemu-camera-0.1.0";
constexpr std::uint32_t slot_count = 4;
constexpr std::uint32_t slot_bytes = 32'768;

// The core's memory, by a name that figures.py knows; all else here is the board's own.
alignas(camera::Camera) std::array<std::byte, sizeof(camera::Camera)> camera_core;

std::array<std::uint8_t, 28'672> frame;
std::array<std::uint8_t, 512> line_in, line_out;
std::array<std::uint8_t, 16> unused_in, unused_out;

MeterlensSensor sensor() {
  MeterlensSensor port{};
  port.start = [](void*) { return true; };
  port.poll = [](void*, const std::uint8_t** jpeg, std::uint32_t* bytes) {
    const HostFile photo("photo.jpg", HostFile::Mode::read);
    if (!photo.is_open() || photo.bytes() > frame.size()) return -1;
    *jpeg = frame.data();
    *bytes = photo.bytes();
    return photo.read(0, frame.data(), *bytes) ? 1 : -1;
  };
  port.release = [](void*) {};
  return port;
}

bool erase(HostFile& file, std::uint32_t slot) {
  std::array<std::uint8_t, 512> erased;
  erased.fill(0xFF);
  for (std::uint32_t offset = 0; offset < slot_bytes; offset += erased.size())
    if (!file.write(slot * slot_bytes + offset, erased.data(), erased.size())) return false;
  return true;
}

MeterlensFlash flash(HostFile& file) {
  MeterlensFlash port{};
  port.context = &file;
  port.slot_count = slot_count;
  port.slot_bytes = slot_bytes;
  port.read = [](void* context, std::uint32_t slot, std::uint32_t offset, void* out,
                 std::uint32_t bytes) {
    return static_cast<HostFile*>(context)->read(slot * slot_bytes + offset, out, bytes);
  };
  port.program = [](void* context, std::uint32_t slot, std::uint32_t offset, const void* data,
                    std::uint32_t bytes) {
    return static_cast<HostFile*>(context)->write(slot * slot_bytes + offset, data, bytes);
  };
  port.erase = [](void* context, std::uint32_t slot) {
    return erase(*static_cast<HostFile*>(context), slot) ? 1 : -1;
  };
  return port;
}

void format_if_new() {
  const HostFile known("photos.flash", HostFile::Mode::change);
  if (known.is_open() && known.bytes() == slot_count * slot_bytes) return;
  HostFile file("photos.flash", HostFile::Mode::create);
  for (std::uint32_t slot = 0; slot < slot_count; ++slot)
    if (!erase(file, slot)) fail("photos.flash cannot be written\n");
}

void hear(camera::Camera& camera, Uart& line) {
  std::array<std::uint8_t, 256> bytes;
  while (const std::size_t count = line.take(bytes))
    camera.receive(std::span(bytes).first(count), uptime_ms());
}

void speak(camera::Camera& camera, Uart& line) {
  std::array<std::uint8_t, 256> bytes;
  line.flush();
  while (const std::size_t room = std::min(line.room(), bytes.size())) {
    const std::size_t count = camera.pull(std::span(bytes).first(room), uptime_ms());
    if (count == 0) return;
    line.put(std::span(bytes).first(count));
    line.flush();
  }
}

[[noreturn]] void run() {
  format_if_new();
  HostFile file("photos.flash", HostFile::Mode::change);
  Uart line(0, line_in, line_out);
  Uart unused(1, unused_in, unused_out);
  camera::CameraSettings settings;
  settings.firmware = firmware;
  auto& camera = *new (camera_core.data()) camera::Camera(sensor(), flash(file), settings);
  camera.start(uptime_ms());
  while (true) {
    hear(camera, line);
    camera.step(uptime_ms());
    speak(camera, line);
    sleep(line, unused);
  }
}

}  // namespace
}  // namespace meterlens::boards::qemu

extern "C" void run_board() {
  meterlens::boards::qemu::start_clock();
  meterlens::boards::qemu::run();
}
