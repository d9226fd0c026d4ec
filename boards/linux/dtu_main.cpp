// meterlens-dtu: the DTU program on Linux, between serial lines and an MQTT broker: of one camera,
// or as a gateway of many.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "boards/linux/gateway.h"
#include "boards/linux/program.h"

namespace meterlens::boards {
namespace {

struct Options {
  LineOptions line;
  std::string broker;
  std::vector<std::string> cameras;  // NAME=SERIAL
  std::string state;
  StationOptions station;  // what all have in common
  ImageOptions images;
  RegistrationOptions registration;
  std::string secret_file;
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
  auto* authority = app.add_option(
      "--modem-ca", options.authority,
      "TLS to the broker: the file in the modem's memory, as UFS:ca.pem, with the certificate that "
      "must have signed the broker's");
  auto* certificate = app.add_option("--modem-cert", options.certificate,
                                     "file in the modem's memory: this device's own certificate");
  auto* key = app.add_option("--modem-key", options.key, "and its key");
  authority->needs(line);
  certificate->needs(authority)->needs(key);
  key->needs(certificate);
  for (auto* file : {authority, certificate, key})
    file->check(CLI::Validator(
        [](std::string& name) {
          return name.size() <= at::name_chars_max ? "" : "a name that is too long for the modem";
        },
        ""));
  app.add_flag_callback(
         "--modem-clock-utc", [&] { options.clock_is_local = false; },
         "the modem's clock tells UTC, not the zone's time")
      ->needs(line);
}

void add_registration_options(CLI::App& app, Options& options) {
  auto* server = app.add_option("--register", options.registration.server,
                                "http[s]://HOST[:PORT] of the server: a device without a password "
                                "in its --state gets one there, once");
  auto* secret = app.add_option("--product-secret", options.secret_file,
                                "file whose first line is the secret of --product");
  server->needs(secret);
  secret->needs(server);
}

void add_options(CLI::App& app, Options& options) {
  StationOptions& station = options.station;
  station.product = "SMARTDTU";
  auto* serial = add_line_options(app, options.line);
  auto* device = app.add_option("--device", station.device, "this DTU's name on the broker");
  auto* cameras = app.add_option("--camera", options.cameras,
                                 "NAME=SERIAL, once for each camera of a gateway: its name on the "
                                 "broker and its serial line");
  cameras->excludes(serial)->excludes(device)->take_all();
  app.add_option("--broker", options.broker,
                 "mqtt://[USER:PASSWORD@]HOST[:PORT], or mqtts:// with TLS")
      ->required();
  app.add_option("--ca", options.registration.ca_file,
                 "file of the certificate that signs the broker's and the server's; default: the "
                 "system's")
      ->check(CLI::ExistingFile);
  add_registration_options(app, options);
  app.add_option("--state", options.state,
                 "folder for the settings that survive a restart, of a gateway one in it for each "
                 "camera; default: under $XDG_STATE_HOME or ~/.local/state");
  app.add_option("--dialect", station.dialect, "native or smartdtu")
      ->transform(one_of_the_dialects());
  app.add_option("--product", station.product, "smartdtu: product id")->capture_default_str();
  app.add_option("--uart-read-bytes", station.uart_read_bytes,
                 "smartdtu: texts longer than this are cut; the devices in the field do at 1024")
      ->check(CLI::Range(std::size_t{1}, dtu::uart_text_bytes_max))
      ->capture_default_str();
  add_modem_options(app, station.modem);
  add_image_options(app, options.images);
  app.add_flag("--verbose", options.verbose, "log connections and losses");
}

std::string wrong_names(const Options& options, const std::vector<StationOptions>& stations) {
  std::set<std::string> names;
  for (const StationOptions& station : stations) {
    if (!protocol::is_device_name(station.device))
      return "--device, --camera: a name has 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot";
    if (!names.insert(station.device).second)
      return "--camera: " + station.device + " is named twice";
  }
  const StationOptions& common = options.station;
  if (stations.size() > 1 && !common.modem.line.empty())
    return "--modem: one modem has one connection to the broker, so one camera";
  if (common.broker.tls && !common.modem.line.empty())
    return "--modem: TLS through a modem is not supported";
  if (stations.size() > 1 && !options.images.folder.empty())
    return "--images: of one DTU, so one camera";
  if (common.dialect == protocol::Dialect::native) return "";
  if (!protocol::is_device_name(common.product) || common.product == protocol::native_prefix)
    return "--product: the smartdtu dialect needs one, of the form of a device name";
  return "";
}

// Of the command line, one a camera; the error says which option is wrong.
std::expected<std::vector<StationOptions>, std::string> stations_of(const CLI::App& app,
                                                                    const Options& options) {
  std::vector<StationOptions> stations;
  const auto add = [&](const std::string& device, const std::string& serial,
                       const std::filesystem::path& state) -> std::string {
    LineOptions line = options.line;
    line.serial = serial;
    if (auto wrong = settle_line_options(app, line); !wrong.empty()) return wrong;
    StationOptions station = options.station;
    station.device = device;
    station.serial = serial;
    station.baud = line.baud;
    station.baud_max = line.baud_max;
    station.state = state.empty() ? default_state("dtu", device) : state;
    stations.push_back(std::move(station));
    return "";
  };
  std::string wrong;
  if (options.cameras.empty()) {
    if (options.line.serial.empty() || options.station.device.empty())
      return std::unexpected("give --serial and --device, or --camera NAME=SERIAL for each camera");
    wrong = add(options.station.device, options.line.serial, options.state);
  }
  for (const std::string& camera : options.cameras) {
    const std::size_t at = camera.find('=');
    if (at == std::string::npos) return std::unexpected("--camera: NAME=SERIAL is wanted");
    const std::string name = camera.substr(0, at);
    if (!wrong.empty()) break;
    wrong = add(name, camera.substr(at + 1),
                options.state.empty() ? std::filesystem::path()
                                      : std::filesystem::path(options.state) / name);
  }
  if (wrong.empty()) wrong = wrong_names(options, stations);
  if (!wrong.empty()) return std::unexpected(wrong);
  return stations;
}

std::expected<RegistrationOptions, std::string> registration_of(const Options& options) {
  RegistrationOptions registration = options.registration;
  registration.product = options.station.product;
  if (options.secret_file.empty()) return registration;
  std::ifstream in(options.secret_file);
  if (!std::getline(in, registration.secret))
    return std::unexpected("--product-secret: " + options.secret_file + " cannot be read");
  return registration;
}

// The words of the command line as they were, for a restart; ends with a null pointer.
class Words {
 public:
  Words(int count, char** arguments) : texts_(arguments, arguments + count) {
    for (std::string& text : texts_) words_.push_back(text.data());
    words_.push_back(nullptr);
  }
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  char** all() { return words_.data(); }

 private:
  std::vector<std::string> texts_;
  std::vector<char*> words_;
};

int main_of_dtu(int argument_count, char** arguments) {
  CLI::App app("Meterlens DTU on Linux");
  Options options;
  add_options(app, options);
  CLI11_PARSE(app, argument_count, arguments);
  Words words(argument_count, arguments);
  std::for_each(arguments, arguments + argument_count, hide_password);
  start_log("dtu", options.verbose);
  const auto broker = parse_broker(options.broker);
  if (!broker) return stop(broker.error());
  if (broker->user.size() > 128 || broker->password.size() > 128)
    return stop("--broker: user and password have at most 128 characters");
  if (broker->host.size() > at::host_chars_max)
    return stop("--broker: the host has at most 128 characters");
  options.station.broker = *broker;
  options.station.broker.ca_file = options.registration.ca_file;
  std::unique_ptr<ImageFiles> images;
  const auto update = open_images(options.images, words.all(), images);
  if (!update) return stop(update.error());
  options.station.update = *update;
  const auto wanted = stations_of(app, options);
  if (!wanted) return stop(wanted.error());
  const auto registration = registration_of(options);
  if (!registration) return stop(registration.error());
  const auto done = Gateway(*registration).run(*wanted);
  return done ? 0 : stop(done.error());
}

}  // namespace
}  // namespace meterlens::boards

int main(int argument_count, char** arguments) {
  return meterlens::boards::main_of_dtu(argument_count, arguments);
}
