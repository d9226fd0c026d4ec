// meterlens-camera: the camera program on Linux.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <string>

#include "boards/linux/flash_files.h"
#include "boards/linux/line.h"
#include "boards/linux/loop.h"
#include "boards/linux/photo_folder.h"
#include "boards/linux/program.h"
#include "boards/linux/rendered_meter.h"
#include "boards/linux/state_folder.h"
#include "boards/linux/v4l2_camera.h"
#include "device/camera/camera.h"

namespace meterlens::boards {
namespace {

struct Options {
  LineOptions line;
  std::string photos;
  std::string v4l2;
  std::uint32_t width = 1280;
  std::uint32_t height = 720;
  bool has_seed = false;
  RenderSettings render;
  std::string truth;
  std::string flash;
  protocol::Dialect dialect = protocol::Dialect::native;
  camera::TextSettings text;
  ImageOptions images;
  bool verbose = false;
};

void add_options(CLI::App& app, Options& options) {
  add_line_options(app, options.line)->required();
  auto* photos = app.add_option("--photos", options.photos, "folder of JPEG files, in turn");
  auto* v4l2 = app.add_option("--v4l2", options.v4l2, "video device that delivers MJPEG");
  auto* seed = app.add_option("--render", options.render.seed, "draw the meter of this seed");
  photos->excludes(v4l2)->excludes(seed);
  v4l2->excludes(seed);
  app.add_option("--width", options.width, "of a V4L2 photo, pixels")->capture_default_str();
  app.add_option("--height", options.height, "of a V4L2 photo, pixels")->capture_default_str();
  app.add_option("--rate", options.render.rate, "drawn meter: tenths of the last wheel a minute")
      ->capture_default_str();
  app.add_option("--hardness", options.render.hardness, "drawn meter: 0 easy to 1 hard")
      ->capture_default_str();
  app.add_option("--daylight", options.render.daylight,
                 "drawn meter: light there is by itself, 0 to 1; below 1 the camera has a lamp")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--truth", options.truth, "drawn meter: add each true reading to this file")
      ->needs(seed);
  app.add_option("--flash", options.flash, "folder that stands for the camera's flash");
  app.add_option("--first-dialect", options.dialect, "spoken until spoken to: native or smartdtu")
      ->transform(one_of_the_dialects());
  app.add_option("--piece-bytes", options.text.piece_bytes, "smartdtu: photo bytes in a piece")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--piece-pause-ms", options.text.pause_ms, "smartdtu: pause between two pieces")
      ->capture_default_str();
  add_image_options(app, options.images);
  app.add_flag("--verbose", options.verbose, "log every shot and answer");
  app.callback([&options, seed] { options.has_seed = seed->count() > 0; });
}

std::expected<std::unique_ptr<PhotoSource>, std::string> open_source(const Options& options) {
  if (!options.photos.empty()) return PhotoFolder::open(options.photos);
  if (!options.v4l2.empty())
    return std::make_unique<V4l2Camera>(options.v4l2, options.width, options.height);
  if (!options.has_seed) return std::unexpected("give one of --photos, --v4l2, --render");
#ifdef METERLENS_FACE
  RenderSettings render = options.render;
  render.truth = options.truth;
  return make_rendered_meter(render);
#else
  return std::unexpected("this build has no --render");
#endif
}

// Says what has changed since the last call.
class Diary {
 public:
  void write(const camera::Camera& camera, const Line& line) {
    if (line.is_open() && !line_open_) spdlog::info("the serial line is there");
    if (!line.is_open() && line_open_)
      spdlog::warn(fmt::format(
          "the serial line is not there ({}), and is tried again: look at its cable, at "
          "--serial, and whether this user may open it",
          line.fault()));
    line_open_ = line.is_open();
    const auto& shots = camera.counters();
    const auto& sent = camera.transfer_counters();
    if (shots.shots != shots_)
      spdlog::info(fmt::format("photo taken, {} waiting", camera.ring().waiting_count()));
    if (shots.failed_shots != failed_) spdlog::warn("shot failed");
    if (sent.stored != stored_)
      spdlog::info(fmt::format("the server has the photo; {} packets sent, {} of them again",
                               sent.packets, sent.repeats));
    if (sent.refused != refused_) spdlog::warn("the server refused the photo");
    if (camera.ring().lost_count() != lost_)
      spdlog::warn(fmt::format("{} photos lost for want of room or to bad flash",
                               camera.ring().lost_count()));
    if (camera.link().baud() != baud_)
      spdlog::info(fmt::format("line at {} baud", camera.link().baud()));
    if (camera.link().counters().stalls != stalls_) spdlog::info("waiting for credit of the DTU");
    if (camera.link().counters().lost != lost_links_)
      spdlog::info("the DTU grants no credit any more: sending without");
    baud_ = camera.link().baud();
    stalls_ = camera.link().counters().stalls;
    lost_links_ = camera.link().counters().lost;
    shots_ = shots.shots;
    failed_ = shots.failed_shots;
    stored_ = sent.stored;
    refused_ = sent.refused;
    lost_ = camera.ring().lost_count();
  }

 private:
  bool line_open_ = true;
  std::uint32_t shots_ = 0, failed_ = 0, stored_ = 0, refused_ = 0, lost_ = 0;
  std::uint32_t baud_ = link::bauds[0], stalls_ = 0, lost_links_ = 0;
};

void run(camera::Camera& camera, Line& line) {
  Loop loop;
  Diary diary;
  std::array<std::uint8_t, 1024> bytes;
  camera.start(uptime_ms());
  while (!loop.asked_to_stop()) {
    const std::size_t count = line.read(bytes, now_us());
    camera.receive(std::span(bytes).first(count), uptime_ms());
    camera.step(uptime_ms());
    line.write([&](std::span<std::uint8_t> out) { return camera.pull(out, uptime_ms()); },
               now_us());
    diary.write(camera, line);
    const std::uint64_t now_ms = uptime_ms();
    const std::uint64_t due_ms = std::max(camera.due_ms(now_ms), now_ms + 1);
    const auto timer_us =
        static_cast<std::int64_t>(std::min<std::uint64_t>(due_ms - now_ms, 1000)) * 1000;
    std::array<pollfd, 1> files = {line.wish()};
    loop.wait(files, std::min(timer_us, line.due_us() - now_us()));
  }
}

int main_of_camera(int argument_count, char** arguments) {
  CLI::App app("Meterlens camera on Linux");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argument_count, arguments);
  start_log("camera", options.verbose);
  if (const auto wrong = settle_line_options(app, options.line); !wrong.empty()) return stop(wrong);
  // Each serial line has photos of its own; they stay through a restart.
  if (options.flash.empty()) options.flash = default_state("camera", options.line.serial).string();
  auto source = open_source(options);
  if (!source) return stop(source.error());
  auto flash = FlashFiles::open(options.flash);
  if (!flash) return stop(flash.error());
  auto line = Line::open(options.line.serial, options.line.baud);
  if (!line) return stop(line.error());
  camera::CameraSettings settings;
  settings.firmware = firmware_name;
  settings.first_dialect = options.dialect;
  settings.first_photo_id = static_cast<std::uint32_t>(unix_ms() / 1000);
  settings.text = options.text;
  settings.first_mark = static_cast<std::uint16_t>(std::random_device()());
  std::unique_ptr<ImageFiles> images;
  const auto update = open_images(options.images, arguments, images);
  if (!update) return stop(update.error());
  settings.update = *update;
  settings.update.power = (*line)->ending((*flash)->run().ending(update->power));
  settings.areas = (*flash)->areas();
  settings.deaf_keys = deaf_keys((*source)->deaf_settings());
  MeterlensPower power{};
  power.reset_cause = (*flash)->run().reset_cause();
  const auto camera = std::make_unique<camera::Camera>(
      (*source)->port(), (*flash)->port(), settings, (*line)->port(options.line.baud_max), power);
  run(*camera, **line);
  (*flash)->run().ended();
  return 0;
}

}  // namespace
}  // namespace meterlens::boards

int main(int argument_count, char** arguments) {
  return meterlens::boards::main_of_camera(argument_count, arguments);
}
