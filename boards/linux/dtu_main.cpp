// meterlens-dtu: the DTU program on Linux, between a serial line and an MQTT broker.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <expected>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "boards/linux/line.h"
#include "boards/linux/loop.h"
#include "boards/linux/modem_uplink.h"
#include "boards/linux/mqtt_client.h"
#include "boards/linux/program.h"
#include "device/dtu/dtu.h"

namespace meterlens::boards {
namespace {

// For the goodbye to the broker.
constexpr std::uint64_t leave_timeout_ms = 8'000;

struct Options {
  LineOptions line;
  std::string broker;
  ModemOptions modem;  // no line: libmosquitto
  std::string device;
  std::string product = "SMARTDTU";
  protocol::Dialect dialect = protocol::Dialect::native;
  std::uint16_t uart_read_bytes = dtu::uart_text_bytes_max;
  ImageOptions images;
  bool verbose = false;
};

void add_modem_options(CLI::App& app, ModemOptions& options) {
  auto* line = app.add_option("--modem", options.line,
                              "an EC600S with AT firmware on this line is the way to the broker");
  app.add_option("--modem-baud", options.baud, "speed of the modem's line")
      ->needs(line)
      ->capture_default_str();
  app.add_option("--modem-publish-bytes", options.publish_bytes,
                 "the largest publish that the modem's firmware takes")
      ->needs(line)
      ->check(CLI::Range(64, 9999))
      ->capture_default_str();
  app.add_option("--modem-quote", options.quote,
                 "how quotes in a text reach the modem: hex (\\22, V.250) or backslash")
      ->needs(line)
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, at::Quote>{
                                      {"hex", at::Quote::hex}, {"backslash", at::Quote::backslash}})
              .description("{hex,backslash}"));
  app.add_flag_callback(
         "--modem-clock-utc", [&] { options.clock_is_local = false; },
         "the modem's clock tells UTC, not the zone's time")
      ->needs(line);
}

void add_options(CLI::App& app, Options& options) {
  add_line_options(app, options.line);
  app.add_option("--broker", options.broker, "mqtt://[USER:PASSWORD@]HOST[:PORT]")->required();
  app.add_option("--device", options.device, "this DTU's name on the broker")->required();
  app.add_option("--dialect", options.dialect, "native or smartdtu")
      ->transform(one_of_the_dialects());
  app.add_option("--product", options.product, "smartdtu: product id")->capture_default_str();
  app.add_option("--uart-read-bytes", options.uart_read_bytes,
                 "smartdtu: texts longer than this are cut; the devices in the field do at 1024")
      ->check(CLI::Range(std::size_t{1}, dtu::uart_text_bytes_max))
      ->capture_default_str();
  add_modem_options(app, options.modem);
  add_image_options(app, options.images);
  app.add_flag("--verbose", options.verbose, "log connections and losses");
}

std::string wrong_name(const Options& options) {
  if (!protocol::is_device_name(options.device))
    return "--device: 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot";
  if (options.dialect == protocol::Dialect::native) return "";
  if (!protocol::is_device_name(options.product) || options.product == protocol::native_prefix)
    return "--product: the smartdtu dialect needs one, of the form of a device name";
  return "";
}

// Says what has changed since the last call.
class Diary {
 public:
  void write(const dtu::Dtu& dtu, const Uplink& client) {
    if (dtu.online() != online_) spdlog::info(dtu.online() ? "connected" : "connection lost");
    online_ = dtu.online();
    if (client.last_error() != error_) {
      error_ = client.last_error();
      spdlog::warn("{}", error_);
    }
    const auto& now = dtu.counters();
    note("frames dropped, the queue to the broker is full", now.up_dropped, before_.up_dropped);
    note("frames dropped, the queue to the camera is full", now.down_dropped, before_.down_dropped);
    note("broken frames from the camera", now.serial_errors, before_.serial_errors);
    note("foreign messages from the broker", now.foreign, before_.foreign);
    before_ = now;
    if (dtu.link().baud() != baud_) spdlog::info("line at {} baud", dtu.link().baud());
    baud_ = dtu.link().baud();
  }

 private:
  static void note(const char* what, std::uint32_t now, std::uint32_t before) {
    if (now != before) spdlog::info("{}: {}", what, now);
  }

  bool online_ = false;
  std::string error_;
  std::uint32_t baud_ = link::bauds[0];
  dtu::Dtu::Counters before_;
};

void run(dtu::Dtu& dtu, Uplink& client, Line& line) {
  Loop loop;
  Diary diary;
  std::array<std::uint8_t, 1024> bytes;
  bool stopping = false;
  std::uint64_t leave_ms = 0;
  dtu.start(uptime_ms());
  while (!dtu.stopped() || (!client.closed() && uptime_ms() < leave_ms)) {
    if (loop.asked_to_stop() && !stopping) {
      dtu.stop(uptime_ms());
      stopping = true;
      leave_ms = uptime_ms() + leave_timeout_ms;
    }
    client.step();
    const std::size_t count = line.read(bytes, now_us());
    dtu.serial_in(std::span(bytes).first(count), uptime_ms());
    dtu.step(uptime_ms());
    line.write([&](std::span<std::uint8_t> out) { return dtu.pull(out, uptime_ms()); }, now_us());
    client.write();
    diary.write(dtu, client);
    const std::uint64_t now_ms = uptime_ms();
    const std::uint64_t due_ms = std::max(dtu.due_ms(now_ms), now_ms + 1);
    const std::uint64_t most_ms = stopping ? 20 : 1000;
    const auto timer_us =
        static_cast<std::int64_t>(std::min<std::uint64_t>(due_ms - now_ms, most_ms)) * 1000;
    std::array<pollfd, 2> files = {line.wish(), client.wish()};
    const std::int64_t lines_due_us = std::min(line.due_us(), client.due_us());
    loop.wait(files, std::min(timer_us, lines_due_us - now_us()));
  }
}

// Also sets what the uplink knows better: the IMEI.
std::expected<std::unique_ptr<Uplink>, std::string> open_uplink(const ModemOptions& modem,
                                                                const BrokerAddress& broker,
                                                                dtu::DtuSettings& settings,
                                                                std::unique_ptr<dtu::Dtu>& dtu) {
  const auto receive = [&dtu](std::string_view topic, std::span<const std::uint8_t> payload) {
    dtu->mqtt_in(topic, payload, uptime_ms());
  };
  if (modem.line.empty()) return std::make_unique<MqttClient>(broker, receive);
  auto uplink = ModemUplink::open(modem, broker.host, broker.port, receive);
  if (!uplink) return std::unexpected(uplink.error());
  settings.imei = (*uplink)->modem().identity().imei();
  return std::move(*uplink);
}

int main_of_dtu(int argument_count, char** arguments) {
  CLI::App app("Meterlens DTU on Linux");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argument_count, arguments);
  start_log("dtu", options.verbose);
  if (const std::string wrong = wrong_name(options); !wrong.empty()) return stop(wrong);
  if (const auto wrong = settle_line_options(app, options.line); !wrong.empty()) return stop(wrong);
  const auto broker = parse_broker(options.broker);
  if (!broker) return stop(broker.error());
  if (broker->user.size() > 128 || broker->password.size() > 128)
    return stop("--broker: user and password have at most 128 characters");
  if (broker->host.size() > at::host_chars_max)
    return stop("--broker: the host has at most 128 characters");
  auto line = Line::open(options.line.serial, options.line.baud);
  if (!line) return stop(line.error());

  dtu::DtuSettings settings;
  settings.session = {options.dialect, options.product,  options.device,
                      broker->user,    broker->password, std::random_device()()};
  settings.firmware = firmware;
  settings.uart_read_bytes = options.uart_read_bytes;
  std::unique_ptr<ImageFiles> images;
  const auto update = open_images(options.images, arguments, images);
  if (!update) return stop(update.error());
  settings.update = *update;
  std::unique_ptr<dtu::Dtu> dtu;
  auto uplink = open_uplink(options.modem, *broker, settings, dtu);
  if (!uplink) return stop(uplink.error());
  dtu = std::make_unique<dtu::Dtu>((*uplink)->port(), settings,
                                   (*line)->port(options.line.baud_max));
  run(*dtu, **uplink, **line);
  return 0;
}

}  // namespace
}  // namespace meterlens::boards

int main(int argument_count, char** arguments) {
  return meterlens::boards::main_of_dtu(argument_count, arguments);
}
