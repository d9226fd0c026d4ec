#include "app/doctor.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/files.h"
#include "app/fleet_settings.h"
#include "app/photo_objects.h"
#include "app/place.h"
#include "app/second_settings.h"
#include "app/stored.h"
#include "reader/reader.h"
#include "server/clock.h"
#include "server/door/certificate.h"

namespace meterlens::app {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;
using store::StoredFile;

constexpr int named_max = 20;
constexpr std::uintmax_t room_min_bytes = std::uintmax_t{256} << 20;
// A file is written before its row.
constexpr auto row_may_come = std::chrono::minutes(10);
constexpr std::int64_t certificate_soon_s = 14 * 86'400;

class Doctor {
 public:
  Doctor(const Settings& settings, const DoctorOptions& options)
      : settings_(settings), options_(options), roots_(settings) {
    auto objects = photo_objects(settings);
    if (objects) roots_ = Roots(settings, *std::move(objects));
    else error("settings", objects.error(), "mend [store]; see `meterlens config`");
  }

  std::vector<Finding> run() {
    folders();
    models();
    if (settings_.fleet_rabbitmq.empty()) broker();
    else rabbitmq();
    certificate("HTTP", settings_.tls_http_certificate_file, settings_.tls_http_key_file);
    if (settings_.broker_embedded)
      certificate("MQTT", settings_.tls_mqtt_certificate_file, settings_.tls_mqtt_key_file);
    second();
    clock();
    rows_and_files();
    return std::move(findings_);
  }

 private:
  void error(const char* what, std::string text, std::string advice) {
    findings_.push_back({Level::error, what, std::move(text), std::move(advice)});
  }
  void note(const char* what, std::string text, std::string advice) {
    findings_.push_back({Level::note, what, std::move(text), std::move(advice)});
  }

  void folders() {
    for (const std::string& folder :
         {settings_.storage_data_folder, settings_.storage_photo_folder}) {
      std::error_code wrong;
      if (!fs::exists(folder, wrong)) {
        const bool is_for_photos = folder == settings_.storage_photo_folder;
        if (is_for_photos && !photos_are_files(settings_)) continue;
        if (is_for_photos && fs::exists(settings_.storage_data_folder, wrong)) {
          error("permissions", "there is no folder for photos " + folder,
                "start the server, which makes it or says why it cannot; a systemd unit must have "
                "ReadWritePaths= of it where it lies outside of the data folder");
          continue;
        }
        note("permissions", "there is no folder " + folder,
             "run this in the server's working directory; the server makes the folder when it "
             "first starts");
        continue;
      }
      if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
        error("permissions", "this user may not write the folder " + folder,
              "run this as the server's user, or: chown -R that user " + folder +
                  "; a systemd unit must have ReadWritePaths= of it where it lies outside of the "
                  "data folder");
      }
      const auto room = fs::space(folder, wrong);
      if (!wrong && (room.available < room_min_bytes || room.available < room.capacity / 50)) {
        error("disk",
              fmt::format("{} MiB are left on the disk of {}", room.available >> 20, folder),
              "free space there, let retention delete older photos, or name a larger disk in "
              "[storage]");
      }
    }
  }

  void models() {
    const std::string folder =
        find_folder(settings_.reader_models_folder, "reader/models", "models");
    std::error_code wrong;
    for (const char* name : reader::model_names) {
      if (!folder.empty() && fs::exists(fs::path(folder) / name, wrong)) continue;
      error("models", fmt::format("the reader's model {} is not in {}", name,
                                  folder.empty() ? "any known folder" : folder),
            "install it again, or name the folder that has it in [reader] models_folder");
    }
  }

  void broker() {
    const std::string& host = settings_.broker_address;
    const std::string port = std::to_string(settings_.broker_port);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int result = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); result != 0) {
      error("broker", fmt::format("nobody knows the broker's address {}: {}", host,
                                  gai_strerror(result)),
            "put the right host into [broker] address");
      return;
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{3, 0};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const bool reached = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    if (fd >= 0) close(fd);
    if (reached) return;
    error("broker", fmt::format("nothing answers at {}:{}", host, port),
          settings_.broker_embedded
              ? "start the server (`meterlens serve`), which starts this broker; its log says why "
                "when it does not"
              : "start that broker, or look at the network and the firewall between");
  }

  void rabbitmq() {
    server::Settings wanted;
    if (const auto set = fleet_settings(settings_, server::Role::worker, wanted); !set)
      return error("broker", set.error(), "mend [fleet]; see `meterlens config`");
    const auto poison = ingest::look_at_poison(wanted.queues);
    if (!poison)
      return error("broker", poison.error(),
                   "start it, or look at the network between; a worker makes the queues when it "
                   "first starts");
    if (poison->count == 0) return;
    std::string topics;
    for (const std::string& topic : poison->topics)
      if (topics.find(topic) == std::string::npos) topics += (topics.empty() ? "" : ", ") + topic;
    error("poison",
          fmt::format("{} messages have ended workers again and again; they lie in the queue "
                      "meterlens.poison, the first of them from {}", poison->count, topics),
          "look at the devices and at the workers' logs, and report it; `rabbitmqctl purge_queue "
          "meterlens.poison` throws them away");
  }

  void certificate(const char* listener, const std::string& chain, const std::string& key) {
    if (chain.empty() && key.empty()) return;
    const std::int64_t now_s = server::unix_ms() / 1000;
    const auto judge = [&](std::int64_t at_s) { return door::read_certificate(chain, key, at_s); };
    if (const auto now = judge(now_s); !now)
      return error("certificate", fmt::format("{} by TLS: {}", listener, now.error()),
                   "a running server goes on with the one before, and takes the new one within "
                   "seconds; it does not start with this one");
    if (const auto soon = judge(now_s + certificate_soon_s); !soon)
      note("certificate", fmt::format("{} by TLS, two weeks from now: {}", listener, soon.error()),
           "see that it is renewed; the server takes the new one within seconds");
  }

  void second() {
    Settings tried = settings_;
    // Without a file the keys are in the server's environment, which is not this one.
    if (tried.second_keys_file.empty()) tried.second_policy = second::name(second::Policy::local);
    if (const auto set = second_settings(tried); !set)
      error("second", set.error(), "mend [second]; see `meterlens config`");
  }

  void clock() {
    timex facts{};
    if (adjtimex(&facts) == TIME_ERROR) {
      note("clock", "nobody sets this machine's clock",
           "switch time synchronisation on (timedatectl set-ntp true): readings bear its time");
    }
  }

  void newest_in_future(store::Store& store) {
    const auto photos = store.photos({.count_max = 1});
    if (!photos || photos->empty()) return;
    const auto ahead_ms = photos->front().received_at_ms - server::unix_ms();
    if (ahead_ms <= 60'000) return;
    error("clock", fmt::format("the newest photo arrived {} s in the future", ahead_ms / 1000),
          "this machine's clock is or was wrong: set it (timedatectl), before more is stored");
  }

  void rows_and_files() {
    auto store = open_store(options_.config);
    if (!store) {
      error("store", store.error(), "mend what it says, then run this again");
      return;
    }
    newest_in_future(**store);
    const auto looked = for_stored_files(**store, [&](std::vector<StoredFile>& files) {
      for (const StoredFile& file : files) look(file);
      return store::Result<void>();
    });
    if (!looked) {
      error("store", looked.error().message, "mend what it says, then run this again");
      return;
    }
    extra_files();
    tell_counts();
  }

  void look(const StoredFile& file) {
    known_.push_back(number_of(file.path));
    quarantined_ += file.quarantined;
    const bool is_object = photo::is_object(file.path);
    if (is_object && is_store_away_) return;
    const Found found = look_at(file.path, file, !options_.quick, roots_.objects());
    if (found == Found::whole) return;
    if (found == Found::unreachable) {
      is_store_away_ = true;
      error("files", "the photo store cannot be asked for " + file.path,
            "look whether it runs, and at photos and its keys in [store]; then run this again");
      return;
    }
    const char* kind = file.kind == StoredFile::Kind::photo ? "photo" : "image";
    int& count = found == Found::missing ? missing_ : damaged_;
    if (++count > named_max) return;
    error("files", fmt::format("the file of {} {} is {}: {}", kind, file.id,
                               found == Found::missing ? "missing" : "not what was stored",
                               file.path),
          "put it back from a backup; its reading stays, but has no evidence");
  }

  // Few bytes a path: there may be many millions. Two with one number hide one extra file.
  static std::size_t number_of(const fs::path& path) {
    return std::hash<std::string>()(path.lexically_normal().string());
  }
  bool is_known(const fs::path& path) const {
    return std::ranges::binary_search(known_, number_of(path));
  }

  // The database with what belongs to it, the notes of backups and the broker's folder: of the data
  // folder, which may lie in the photo folder. `rest`: behind the data folder.
  static bool is_servers_own(const fs::path& rest) {
    if (rest.empty() || *rest.begin() == ".." || rest == ".") return false;
    return std::next(rest.begin()) == rest.end() || *rest.begin() == "broker";
  }

  void extra_files() {
    std::error_code ignored;
    const fs::path data = fs::weakly_canonical(settings_.storage_data_folder, ignored);
    std::ranges::sort(known_);
    const auto old = fs::file_time_type::clock::now() - row_may_come;
    for (const auto& root : roots_.all()) {
      std::error_code wrong;
      const fs::path whole = fs::weakly_canonical(root.folder, ignored);
      fs::recursive_directory_iterator files(root.folder, wrong);
      for (; !wrong && files != fs::recursive_directory_iterator(); files.increment(wrong)) {
        const fs::path& path = files->path();
        if (!files->is_regular_file(wrong) || is_known(path)) continue;
        const fs::path there = whole / path.lexically_relative(root.folder);
        if (is_servers_own(there.lexically_relative(data))) continue;
        if (fs::last_write_time(path, wrong) > old || wrong) continue;
        if (++extra_ > named_max) continue;
        note("files", "no row names the file " + path.string(),
             "nobody needs it (a write that was broken off leaves such); delete it, or move it "
             "away");
      }
    }
  }

  void tell_counts() {
    const std::pair<int, const char*> more[] = {
        {missing_, "missing"}, {damaged_, "not what was stored"}, {extra_, "named by no row"}};
    for (const auto& [count, words] : more) {
      if (count <= named_max) continue;
      note("files", fmt::format("{} files in all are {}", count, words),
           "the first of them are named above");
    }
    if (quarantined_ > 0) {
      note("files", fmt::format("{} photos are quarantined: they could not be proven whole",
                                quarantined_),
           "look at them with GET /api/v1/photos; many from one device speak of its line");
    }
  }

  const Settings& settings_;
  const DoctorOptions& options_;
  Roots roots_;
  std::vector<Finding> findings_;
  std::vector<std::size_t> known_;  // of all paths that rows name, in order
  bool is_store_away_ = false;      // of objects: nothing more is asked
  int missing_ = 0, damaged_ = 0, extra_ = 0, quarantined_ = 0;
};

const char* name(Level level) { return level == Level::error ? "error" : "note"; }

}  // namespace

std::vector<Finding> examine(const DoctorOptions& options) {
  const auto settings = settings_of(options.config);
  if (!settings)
    return {{Level::error, "settings", settings.error(), "mend the file; see `meterlens config`"}};
  return Doctor(*settings, options).run();
}

int doctor(const DoctorOptions& options) {
  const auto findings = examine(options);
  const bool is_well = std::ranges::none_of(
      findings, [](const Finding& one) { return one.level == Level::error; });
  if (options.json) {
    nlohmann::json out{{"well", is_well}, {"findings", nlohmann::json::array()}};
    for (const Finding& one : findings) {
      out["findings"].push_back({{"level", name(one.level)}, {"part", one.what},
                                 {"text", one.text}, {"advice", one.advice}});
    }
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    for (const Finding& one : findings)
      fmt::print("{}: {}: {}\n  -> {}\n", name(one.level), one.what, one.text, one.advice);
    fmt::print("{}\n", is_well ? "nothing is wrong" : "something is wrong, see above");
  }
  return is_well ? 0 : 1;
}

}  // namespace meterlens::app
