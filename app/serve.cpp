#include "app/serve.h"

#include <fmt/format.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <utility>

#include "app/certificates.h"
#include "app/doors.h"
#include "app/fleet_settings.h"
#include "app/folders.h"
#include "app/photo_objects.h"
#include "app/photo_reader.h"
#include "app/place.h"
#include "app/retention.h"
#include "app/second_settings.h"
#include "app/service.h"
#include "app/stored.h"
#include "app/upkeep.h"
#include "server/api/api.h"
#include "server/api/worker_door.h"
#include "server/metrics/metrics.h"
#include "server/notify/notify.h"
#include "server/pipeline.h"
#include "server/store/fleet.h"
#include "server/store/store.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;

// Written by the signal handler, read by wait_for_signal().
std::array<int, 2> signal_pipe{-1, -1};
std::atomic<bool> has_to_end = false;  // by a signal

bool is_ending() { return has_to_end; }

void on_signal(int signal) {
  if (signal != SIGHUP) has_to_end = true;
  const int before = errno;
  const char byte = static_cast<char>(signal);
  [[maybe_unused]] const auto written = write(signal_pipe[1], &byte, 1);
  errno = before;
}

// `reloads`: SIGHUP does not end the program.
bool catch_signals(bool reloads) {
  if (pipe(signal_pipe.data()) != 0) return false;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (reloads) sigaction(SIGHUP, &action, nullptr);
  // A broken connection and a file at its size limit are errors of one call, not of the program.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  return true;
}

// SIGHUP is told, any other ends the waiting.
void wait_for_signal(const std::function<void()>& hang_up) {
  char byte = 0;
  for (;;) {
    const auto got = read(signal_pipe[0], &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || byte != static_cast<char>(SIGHUP)) return;
    hang_up();
  }
}

// Brings the pipeline's changes to the API as long as there is one.
class Relay {
 public:
  void connect(api::Api* api) {
    const std::lock_guard lock(mutex_);
    api_ = api;
  }
  void alarm(std::int64_t id) {
    const std::lock_guard lock(mutex_);
    if (api_ != nullptr) changed(api::Subject::alarm, id);
  }
  void operator()(const server::Change& change) {
    using Kind = server::Change::Kind;
    const std::lock_guard lock(mutex_);
    if (api_ == nullptr) return;
    switch (change.kind) {
      case Kind::device: return api_->changed(api::Subject::device, change.device);
      case Kind::command: return changed(api::Subject::command, change.id);
      case Kind::photo: return changed(api::Subject::photo, change.id);
      case Kind::reading: return changed(api::Subject::reading, change.id);
      case Kind::update: return changed(api::Subject::update, change.id);
      case Kind::view: return api_->changed(api::Subject::view, change.device);
    }
  }

 private:
  void changed(api::Subject subject, std::int64_t id) {
    api_->changed(subject, std::to_string(id));
  }

  std::mutex mutex_;
  api::Api* api_ = nullptr;
};

std::expected<std::string, std::string> first_line(const std::string& path) {
  std::string line;
  if (path.empty()) return line;
  std::ifstream in(path);
  if (!std::getline(in, line)) {
    return std::unexpected(fmt::format("cannot read broker.password_file {}", path));
  }
  return line;
}

std::expected<std::vector<protocol::PublicKey>, std::string> public_keys(const std::string& path) {
  std::vector<protocol::PublicKey> keys;
  if (path.empty()) return keys;
  std::ifstream in(path);
  if (!in) return std::unexpected(fmt::format("cannot read update.public_keys_file {}", path));
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos || line[0] == '#') continue;
    const auto key = server::parse_key(line);
    if (!key) return std::unexpected(fmt::format("{}:{}: {}", path, number, key.error()));
    keys.push_back(*key);
  }
  return keys;
}

fleet::RecordLimits record_limits(const Settings& settings) {
  fleet::RecordLimits out;
  out.device_messages_max = settings.records_messages_max;
  out.payload_bytes_max = static_cast<std::size_t>(settings.records_payload_bytes_max);
  out.photo_data = settings.records_photo_data;
  out.health_every_ms = settings.records_health_every_s * 1000;
  out.health_days_max = settings.records_health_days;
  out.health_days = std::min(out.health_days, out.health_days_max);
  return out;
}

std::expected<server::Settings, std::string> pipeline_settings(const Settings& settings,
                                                               server::Role role) {
  const fs::path data(settings.storage_data_folder);
  server::Settings out;
  if (role != server::Role::whole) {
    if (const auto set = fleet_settings(settings, role, out); !set)
      return std::unexpected(set.error());
  } else if (settings.broker_embedded) {
    out.embedded->program = settings.broker_program;
    out.embedded->address = settings.broker_address;
    out.embedded->port = static_cast<int>(settings.broker_port);
    out.embedded->folder = (data / "broker").string();
    if (const auto shut = shut_broker(settings, *out.embedded); !shut)
      return std::unexpected(shut.error());
  } else {
    const auto password = first_line(settings.broker_password_file);
    if (!password) return std::unexpected(password.error());
    out.embedded.reset();
    out.link.host = settings.broker_address;
    out.link.port = static_cast<int>(settings.broker_port);
    out.link.user = settings.broker_user;
    out.link.password = *password;
  }
  auto keys = public_keys(settings.update_public_keys_file);
  if (!keys) return std::unexpected(keys.error());
  out.images = {data / "updates", *std::move(keys)};
  out.folders.images = settings.storage_photo_folder;
  out.folders.quarantine = data / "quarantine";
  out.receiver.photos_max = static_cast<std::size_t>(settings.limits_photos_in_flight_max);
  out.receiver.bytes_max = static_cast<std::size_t>(settings.limits_in_flight_mb_max) << 20;
  out.commands.device_commands_max = static_cast<std::size_t>(settings.limits_device_commands_max);
  out.commands.expire_ms = settings.limits_command_expire_s * 1000;
  out.records = record_limits(settings);
  out.reading.threads = static_cast<int>(settings.reader_threads);
  auto objects = photo_objects(settings);
  if (!objects) return std::unexpected(objects.error());
  out.folders.objects = *std::move(objects);
  out.reading.read_file = photo::reader_of(out.folders.objects);
  auto second = second_settings(settings);
  if (!second) return std::unexpected(second.error());
  out.second = *std::move(second);
  out.second.read_file = out.reading.read_file;
  out.light_tries_max = static_cast<int>(settings.capture_light_tries_max);
  return out;
}

api::CaptureError explain(server::CommandError error, const std::string& device,
                          const Settings& settings) {
  using api::CaptureErrorCode;
  switch (error) {
    case server::CommandError::unknown_device:
      return {CaptureErrorCode::unknown_device,
              fmt::format("there is no device {}; it appears when it first connects", device)};
    case server::CommandError::queue_full:
      return {CaptureErrorCode::queue_full,
              fmt::format("{} commands are waiting for {} already; ask again when one is done",
                          settings.limits_device_commands_max, device)};
    case server::CommandError::wrong_dialect:
      return {CaptureErrorCode::wrong_dialect,
              fmt::format("{} is a SmartDTU, which takes no settings from here", device)};
    case server::CommandError::disabled:
      return {CaptureErrorCode::disabled,
              fmt::format("{} is disabled: enable it before", device)};
    case server::CommandError::store: break;
  }
  return {CaptureErrorCode::store, "the command could not be stored; /api/v1/health says why"};
}

api::Doors doors_of(server::Pipeline& pipeline, const Settings& settings) {
  api::Doors doors;
  doors.capture = [&pipeline, settings](const std::string& device)
      -> std::expected<command::Command, api::CaptureError> {
    auto command = pipeline.capture(device);
    if (!command) return std::unexpected(explain(command.error(), device, settings));
    return *std::move(command);
  };
  doors.upload = [&pipeline](photo::Photo photo)
      -> std::expected<server::Uploaded, api::CaptureError> {
    auto uploaded = pipeline.upload(std::move(photo));
    if (!uploaded) return std::unexpected(api::CaptureError{
        api::CaptureErrorCode::store, "the photo could not be stored; /api/v1/health says why"});
    return *std::move(uploaded);
  };
  doors.schedules_changed = [&pipeline] { pipeline.schedules_changed(); };
  doors.add_image = [&pipeline](std::span<const std::uint8_t> file) {
    return pipeline.add_image(file);
  };
  doors.update = [&pipeline](const std::string& device, std::int64_t image) {
    return pipeline.update(device, image);
  };
  doors.change_settings = [&pipeline, settings](const std::string& device, protocol::Part part,
                                                std::vector<std::uint8_t> entries)
      -> std::expected<command::WishedSettings, api::CaptureError> {
    auto wished = pipeline.change_settings(device, part, std::move(entries));
    if (!wished) return std::unexpected(explain(wished.error(), device, settings));
    return *std::move(wished);
  };
  doors.aim = [&pipeline, settings](const std::string& device, const protocol::Aim& aim)
      -> std::expected<void, api::CaptureError> {
    const auto sent = pipeline.aim(device, aim);
    if (!sent) return std::unexpected(explain(sent.error(), device, settings));
    return {};
  };
  doors.order = [&pipeline](const fleet::Order& order) { return pipeline.obey(order); };
  doors.view = [&pipeline](const std::string& device) { return pipeline.view(device); };
  doors.broker_connected = [&pipeline] { return pipeline.broker_connected(); };
  doors.reader_state = [] { return std::string("ok"); };
  doors.storage_fault = [&pipeline] { return pipeline.storage_fault(); };
  doors.credentials_changed = [&pipeline] { pipeline.credentials_changed(); };
  doors.try_second = [&pipeline] { return pipeline.try_second(); };
  return doors;
}

api::Settings api_settings(const Settings& settings, const std::string& version,
                           const server::SecondSettings& second) {
  api::Settings out;
  out.address = settings.http_address;
  out.port = static_cast<std::uint16_t>(settings.http_port);
  out.console_folder = find_folder(settings.console_folder, "console/dist", "console");
  out.photo_folders = {settings.storage_photo_folder,
                       (fs::path(settings.storage_data_folder) / "quarantine").string()};
  out.version = version;
  out.upload_bytes_max = static_cast<std::size_t>(settings.upload_bytes_max);
  out.upload_pixels_max = static_cast<std::uint64_t>(settings.upload_pixels_max);
  out.second = {second.policy, second.keys.has_value(), second.baidu.daily_quota,
                second.baidu.day_offset_ms, settings.second_currency};
  out.live_client_count_max = static_cast<int>(settings.limits_live_clients_max);
  out.doors.names_have_no_dot = !settings.fleet_rabbitmq.empty();
  out.connection_count_max = static_cast<int>(settings.limits_http_connections_max);
  return out;
}

// The group of a meter and those that it is in: "a/b" and "a". Nothing when the store does not say.
std::vector<std::string> groups_of(store::Store& store, const std::string& meter) {
  const auto tags = store::Fleet(store).tags(fleet::Kind::meter, meter);
  std::vector<std::string> out;
  if (!tags || tags->group.empty()) return out;
  const std::string& group = tags->group;
  for (std::size_t end = group.size(); end != std::string::npos && end > 0;
       end = group.rfind('/', end - 1))
    out.push_back(group.substr(0, end));
  return out;
}

std::unique_ptr<notify::Notify> start_notify(const Settings& settings, const std::string& version,
                                             server::Pipeline& pipeline, store::Store& store,
                                             metrics::Metrics& metrics,
                                             photo::ReadFile read_file,
                                             std::function<void(std::int64_t)> alarm_changed) {
  notify::Settings told = settings.notify;
  if (told.home_assistant.address.empty()) {
    told.home_assistant.address = settings.broker_address;
    // Where it listens for all, it is on this machine too.
    if (settings.broker_embedded && told.home_assistant.address == "0.0.0.0")
      told.home_assistant.address = "127.0.0.1";
    told.home_assistant.port = settings.broker_port;
    if (!settings.broker_embedded && told.home_assistant.user.empty()) {
      told.home_assistant.user = settings.broker_user;
      told.home_assistant.password = first_line(settings.broker_password_file).value_or("");
    }
  }
  notify::Senses senses;
  senses.read_file = std::move(read_file);
  senses.folders = {settings.storage_data_folder, settings.storage_photo_folder};
  senses.broker_connected = [&pipeline] { return pipeline.broker_connected(); };
  senses.leads = [&pipeline] { return pipeline.leads(); };
  senses.changed = std::move(alarm_changed);
  std::array<char, 256> name{};
  const bool has_name = gethostname(name.data(), name.size() - 1) == 0;
  const std::string host = has_name ? name.data() : "localhost";
  return std::make_unique<notify::Notify>(told, std::move(senses), version, host, store, metrics);
}

// Declared in the order of their building: the last one goes first.
struct Server {
  std::unique_ptr<FolderLock> lock;  // of a server that is no part of a fleet
  metrics::Metrics metrics;
  Relay relay;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<server::Pipeline> pipeline;
  std::unique_ptr<notify::Notify> notify;
  std::unique_ptr<Retention> retention;
  std::unique_ptr<api::Api> api;
  std::unique_ptr<api::WorkerDoor> worker_door;
  std::unique_ptr<Certificates> certificates;
  std::unique_ptr<api::BrokerDoor> broker_door;

  std::expected<void, std::string> start(const Settings& settings, const std::string& version,
                                         server::Role role);
  std::expected<void, std::string> open_with_a_sign(const Settings& settings,
                                                    const std::string& version, server::Role role);
  std::expected<void, std::string> open_worker_door(const Settings& settings,
                                                    const std::string& version);
  void stop() {
    relay.connect(nullptr);
    broker_door.reset();
    certificates.reset();
    worker_door.reset();
    api.reset();
    retention.reset();
    notify.reset();
    pipeline.reset();
    store.reset();
  }
};

std::expected<void, std::string> Server::start(const Settings& settings,
                                               const std::string& version, server::Role role) {
  if (const auto good = check_role(settings, role); !good) return good;
  if (const auto made = make_folder(settings.storage_data_folder); !made) return made;
  if (role == server::Role::whole) {
    auto taken = FolderLock::take(settings.storage_data_folder);
    if (!taken) return std::unexpected(taken.error());
    lock = *std::move(taken);
  }
  if (photos_are_files(settings)) {
    const auto made = make_photo_folder(settings.storage_photo_folder);
    if (!made) return made;
  }
  const std::string models = find_folder(settings.reader_models_folder, "reader/models", "models");
  std::expected<server::ReadPhoto, std::string> read;
  if (role != server::Role::server)
    read = open_photo_reader(models, static_cast<int>(settings.reader_threads));
  if (!read) return std::unexpected(read.error());

  if (const auto opened = open_with_a_sign(settings, version, role); !opened) return opened;

  auto wiring = pipeline_settings(settings, role);
  if (!wiring) return std::unexpected(wiring.error());
  wiring->is_ending = is_ending;
  auto started = server::Pipeline::start(*wiring, *store, metrics, *std::move(read),
                                         [this](const server::Change& change) { relay(change); });
  if (!started) return std::unexpected(started.error());
  pipeline = *std::move(started);
  if (role == server::Role::worker) return open_worker_door(settings, version);

  notify = start_notify(settings, version, *pipeline, *store, metrics, wiring->reading.read_file,
                        [this](std::int64_t alarm) { relay.alarm(alarm); });
  api::Doors doors = doors_of(*pipeline, settings);
  doors.notify = notify.get();
  doors.meter_groups = [this](const std::string& meter) { return groups_of(*store, meter); };
  retention = std::make_unique<Retention>(settings, *store, wiring->folders.objects,
                                          [this] { return pipeline->leads(); });
  doors.upkeep = [this, settings] { return upkeep_of(settings, retention.get()); };
  api::Settings api_wiring = api_settings(settings, version, wiring->second);
  api_wiring.read_object = wiring->reading.read_file;
  if (const auto shut = shut_api(settings, *store, api_wiring); !shut) return shut;
  auto listening = api::Api::start(api_wiring, *store, metrics, std::move(doors));
  if (!listening) return std::unexpected(listening.error());
  api = *std::move(listening);
  relay.connect(api.get());
  certificates = std::make_unique<Certificates>(
      settings, [this](const door::Certificate& now) { api->set_certificate(now); },
      [this](const door::Certificate& now) { pipeline->set_certificate(now.chain, now.key); });
  if (const auto wanted = broker_door_settings(settings)) {
    auto asked = api::BrokerDoor::start(*wanted, *store, metrics);
    if (!asked) return std::unexpected(asked.error());
    broker_door = *std::move(asked);
  }
  return {};
}

// Who asks for /health while opening takes long is told so. A worker has no door for that.
std::expected<void, std::string> Server::open_with_a_sign(const Settings& settings,
                                                          const std::string& version,
                                                          server::Role role) {
  std::unique_ptr<api::StartingDoor> sign;
  bool is_tried = role == server::Role::worker;
  const auto say = [&](const std::string& words) {
    if (!std::exchange(is_tried, true)) {
      auto hung = starting_sign(settings, version);
      if (hung) sign = *std::move(hung);
      else
        spdlog::warn(fmt::format("/health is not there yet: {}", hung.error()));
    }
    if (sign != nullptr) sign->say(words);
  };
  auto opened = open_served(settings, role, say, is_ending);
  if (!opened) return std::unexpected(opened.error());
  store = *std::move(opened);
  return {};
}

std::expected<void, std::string> Server::open_worker_door(const Settings& settings,
                                                          const std::string& version) {
  if (settings.fleet_metrics_port == 0) return {};
  auto opened = api::WorkerDoor::start(
      settings.fleet_metrics_address, static_cast<std::uint16_t>(settings.fleet_metrics_port),
      version, metrics,
      {[this] { return pipeline->broker_connected(); },
       [this] { return pipeline->storage_fault(); }});
  if (!opened) return std::unexpected("[fleet] metrics_port: " + opened.error());
  worker_door = *std::move(opened);
  return {};
}

}  // namespace

int serve(const Settings& settings, const std::string& version, server::Role role) {
  // What is kept is nobody else's: readings, photos, hashes of passwords.
  umask(umask(S_IRWXO) | S_IRWXO);
  meet_service();
  start_log(settings.log_level);
  if (!catch_signals(is_service() || Certificates::has_any(settings))) return 1;
  Server server;
  auto starting = std::make_unique<Starting>();
  if (const auto started = server.start(settings, version, role); !started) {
    fmt::print(stderr, "meterlens: {}\n", started.error());
    server.stop();
    return is_ending() ? 0 : 1;
  }
  const char* scheme = settings.tls_http_certificate_file.empty() ? "http" : "https";
  if (role == server::Role::worker)
    fmt::print("meterlens {} is ready: a worker\n", version);
  else
    fmt::print("meterlens {} is ready: {}://{}:{}/ (MQTT at {}:{})\n", version, scheme,
               settings.http_address, server.api->port(), settings.broker_address,
               settings.broker_port);
  std::fflush(stdout);
  starting.reset();
  tell_service("READY=1");
  wait_for_signal([&server] {
    if (server.certificates) server.certificates->look();
  });
  tell_service("STOPPING=1");
  fmt::print("meterlens is stopping\n");
  std::fflush(stdout);
  server.stop();
  return 0;
}

}  // namespace meterlens::app
