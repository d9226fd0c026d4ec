// The HTTP door: the JSON API under /api/v1 (openapi.yaml), live events, metrics, and the console's
// files at `/`. Owns its threads and the listening socket; reads the store, writes only people's
// reviews and schedules into it, and changes all else through `Doors`. Bodies, headers, connections
// and live clients are bounded. restinio stays in http.cpp, the JSON library in json.cpp and
// schedule_json.cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/command/command.h"
#include "server/command/settings.h"
#include "server/door/certificate.h"
#include "server/metrics/metrics.h"
#include "server/photo/objects.h"
#include "server/pipeline.h"
#include "server/store/store.h"

namespace meterlens::notify {
class Notify;
}

namespace meterlens::api {

// What the page should know of the second reader's settings.
struct SecondInfo {
  second::Policy policy = second::Policy::local;
  bool has_keys = false;
  std::int64_t calls_per_day = 0;
  std::int64_t day_offset_ms = 0;
  std::string currency;
};

// Who may come in.
struct DoorSettings {
  bool required = false;  // false: who shows nothing is the local administrator
  bool names_have_no_dot = false;  // of devices that get a credential: they speak to RabbitMQ
  std::int64_t session_idle_ms = 43'200'000;     // a session that was not used so long has ended
  std::int64_t session_ms_max = 2'592'000'000;  // and one that is so old
};

struct Settings {
  std::string address = "127.0.0.1";  // an IP address, or localhost
  std::uint16_t port = 8080;          // 0: any free one
  std::string console_folder;         // console/dist; may be missing
  std::vector<std::string> photo_folders;  // photos are served from these and nowhere else,
  photo::ReadFile read_object = {};        // or from here, when their path is an object's
  std::string version;
  int threads = 4;
  std::size_t body_bytes_max = 65'536;       // longer: 413
  std::size_t upload_bytes_max = std::size_t{8} << 20;  // of a photo that a person sends
  std::uint64_t upload_pixels_max = 50'000'000;
  int counting_ms_least = 20;  // counts of the whole fleet that took so long serve for a while
  SecondInfo second;
  int connection_count_max = 256;            // further ones are turned away
  int live_client_count_max = 64;            // further ones: 503
  std::size_t live_pending_bytes_max = 1 << 20;  // of one client; more: it is dropped
  int live_judge_ms = 2'000;                 // a live client's rights are judged so often
  DoorSettings doors;
  std::optional<door::Certificate> certificate;  // nothing: HTTP without TLS
};

// How the server keeps itself. Times are Unix milliseconds, 0: never.
struct Retained {
  std::int64_t photo_days = 0, reading_days = 0;  // 0: kept for ever
  std::int64_t looked_ms = 0;                     // when it last looked for what is too old
  std::int64_t photos = 0, readings = 0;          // removed since the start
  std::string error;                              // of the last look, or empty
};
struct BackupDone {
  std::int64_t at_ms = 0;
  std::string place;
  std::int64_t photos = 0, images = 0;
  bool whole = false;  // no file was missing or damaged
  std::string note;    // as `meterlens backup` said it
};
struct Folder {
  std::string path;
  std::int64_t free_bytes = 0, all_bytes = 0;  // of its disk
};
struct Upkeep {
  std::string store;  // "sqlite" or "postgresql"
  Retained retained;
  std::vector<BackupDone> backups;  // newest first
  std::vector<Folder> folders;
};

enum class CaptureErrorCode : std::uint8_t {
  unknown_device,
  queue_full,
  store,
  wrong_dialect,
  disabled,
};
struct CaptureError {
  CaptureErrorCode code = CaptureErrorCode::store;
  std::string message;
};

// What the rest of the server offers to the API; each is called from several threads.
struct Doors {
  std::function<std::expected<command::Command, CaptureError>(const std::string& device)> capture;
  std::function<std::expected<server::Uploaded, CaptureError>(photo::Photo photo)> upload;
  std::function<void()> schedules_changed;  // the stored schedules are others now
  std::function<std::expected<update::Image, server::ImageError>(
      std::span<const std::uint8_t> file)>
      add_image;
  std::function<std::expected<update::Update, server::UpdateError>(const std::string& device,
                                                                   std::int64_t image)>
      update;
  // `entries`: whole ones (protocol/settings.h), within their ranges.
  std::function<std::expected<command::WishedSettings, CaptureError>(
      const std::string& device, protocol::Part part, std::vector<std::uint8_t> entries)>
      change_settings;
  std::function<std::expected<void, CaptureError>(const std::string& device,
                                                  const protocol::Aim& aim)>
      aim;
  std::function<std::optional<photo::View>(const std::string& device)> view;
  // What people order of devices; the id of a control, else 0.
  std::function<std::expected<std::int64_t, fleet::OrderError>(const fleet::Order& order)> order;
  std::function<bool()> broker_connected;
  std::function<std::string()> reader_state;   // "ok", or what is wrong
  std::function<std::string()> storage_fault;  // empty, or why photos cannot be stored
  notify::Notify* notify = nullptr;  // alarms and sinks; outlives the Api
  std::function<void()> credentials_changed;   // of devices, in the store; may be empty
  // Of a meter; empty: no meter is in a group, so users limited to groups see none.
  std::function<std::vector<std::string>(const std::string& meter)> meter_groups;
  std::function<Upkeep()> upkeep;
  // Whether the second reader's provider takes the keys; waits for it. The error is for people.
  std::function<std::expected<void, std::string>()> try_second;
};

enum class Subject : std::uint8_t { device, command, photo, reading, update, view, alarm };
const char* name(Subject subject);

class Api {
 public:
  // Listens when it returns. The error says what to do (a port in use, an address not ours).
  // `store` and `metrics` must outlive the Api.
  static std::expected<std::unique_ptr<Api>, std::string> start(const Settings& settings,
                                                                store::Store& store,
                                                                metrics::Metrics& metrics,
                                                                Doors doors);
  // Closes the connections and ends the threads.
  ~Api();

  std::uint16_t port() const;
  // New connections are shown this one; only with TLS from the start. Any thread.
  void set_certificate(const door::Certificate& certificate);
  // Something of the store has changed: the live clients get it. Never waits; any thread.
  void changed(Subject subject, const std::string& id);
  int live_clients() const;

 private:
  Api();
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace meterlens::api
