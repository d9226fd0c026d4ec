// The server's list of steps, from an MQTT message to a reading in the store:
//
//   link > decoder > inbox | registry > receiver or assembler > committer | reading queue > store
//           planner >        | command queue > link                         |
//
// The first part runs in the link's thread, the middle in the pipeline's one thread, the last in
// the readers' threads. Owns all of them, and the embedded broker if there is one.
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
#include "server/command/queue.h"
#include "server/command/settings.h"
#include "server/committer.h"
#include "server/fleet/order.h"
#include "server/fleet/record.h"
#include "server/images.h"
#include "server/ingest/broker.h"
#include "server/ingest/decoder.h"
#include "server/ingest/link.h"
#include "server/ingest/queue_link.h"
#include "server/metrics/metrics.h"
#include "server/photo/assembler.h"
#include "server/photo/files.h"
#include "server/photo/receiver.h"
#include "server/photo/views.h"
#include "server/reading_queue.h"
#include "server/registry.h"
#include "server/second_queue.h"
#include "server/store/store.h"
#include "server/update/sender.h"

namespace meterlens::server {

// What of the server this process is: all of it, or in a fleet a worker, which does everything from
// the message to the reading for its share of the devices, or a server, which has API, schedules
// and notifications and orders what it wants of a device from the worker that has it.
enum class Role : std::uint8_t { whole, worker, server };

// A worker's leases of queues, in the store.
struct ShareSettings {
  std::string worker;  // its name, no other's
  int queue_count = 32;
  std::int64_t lease_ms = 6'000;  // a dead worker's queues are free after that
  std::int64_t renew_ms = 1'000;
  std::int64_t leave_ms = 1'000;  // then what is unsettled goes to the next worker
};

struct Settings {
  Role role = Role::whole;
  ingest::QueueLinkSettings queues;  // of a fleet, instead of a broker; no nodes: there is none
  ShareSettings share;
  std::int64_t patience_ms = 60'000;  // for RabbitMQ, at the start
  std::function<bool()> is_ending = {};  // asked while it is waited for; true: no more
  std::optional<ingest::BrokerSettings> embedded = ingest::BrokerSettings{};  // nothing: external
  ingest::LinkSettings link;  // host and port are those of `embedded` when there is one
  ingest::DecoderLimits decoder;
  photo::Folders folders;
  photo::ReceiverLimits receiver;
  photo::AssemblerLimits assembler;
  command::QueueLimits commands;
  update::SenderLimits updates;
  ImageSettings images;
  RegistryLimits registry;
  CommitterLimits committer;
  ReadingLimits reading;
  SecondSettings second;
  int light_tries_max = 0;  // photos taken once more with other light for one bad one
  fleet::RecordLimits records;
  std::size_t inbox_count_max = 16'384;  // packets between the two threads
  std::size_t inbox_bytes_max = std::size_t{32} << 20;
  std::int64_t recapture_ms = 300'000;  // after a bad photo that no command asked for
  std::size_t scheduled_max = 200;      // captures that schedules order in one tick
};

// Something that people look at has changed.
struct Change {
  enum class Kind : std::uint8_t { device, command, photo, reading, update, view };
  Kind kind = Kind::device;
  std::string device;
  std::int64_t id = 0;  // of the command, photo, reading or update
};

struct Uploaded {
  photo::Photo photo;  // as stored, without bytes
  bool is_new = false;
};

enum class CommandError : std::uint8_t {
  unknown_device,
  queue_full,
  store,
  wrong_dialect,
  disabled,  // the device is; nothing is sent to it
};
enum class UpdateError : std::uint8_t {
  unknown_device,
  unknown_image,
  not_native,   // a SmartDTU has no remote update of ours
  update_open,  // another one of this device has not ended
  store,
  disabled,
};

class Pipeline {
 public:
  // The error is a text that says what to do. `store` and `metrics` outlive the pipeline.
  // `on_change` is called in the pipeline's and the readers' threads.
  static std::expected<std::unique_ptr<Pipeline>, std::string> start(
      const Settings& settings, store::Store& store, metrics::Metrics& metrics, ReadPhoto read,
      std::function<void(const Change&)> on_change);
  ~Pipeline();  // stops everything; photos already complete are committed first
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // A new capture command, stored and queued. From any thread.
  std::expected<command::Command, CommandError> capture(const std::string& device);

  // A photo that a person sent for a meter that is there: bytes, hash, meter, time of the shot
  // (0: now). Stored when it returns, and read as any other; the same bytes are stored once. From
  // any thread.
  std::expected<Uploaded, CommandError> upload(photo::Photo photo);

  // The stored schedules are others now. From any thread.
  void schedules_changed();
  // A new update, stored; its image is offered to the device. From any thread.
  std::expected<update::Update, UpdateError> update(const std::string& device, std::int64_t image);
  // Keeps the image of an image file. From any thread.
  std::expected<update::Image, ImageError> add_image(std::span<const std::uint8_t> file);
  // A native device's camera sends small frames for a while: not stored, not repeated. From any
  // thread.
  std::expected<void, CommandError> aim(const std::string& device, const protocol::Aim& aim);
  std::optional<photo::View> view(const std::string& device) const;
  // What people order of devices; the id of a control, else 0. From any thread.
  std::expected<std::int64_t, fleet::OrderError> obey(const fleet::Order& order);
  // Settings for a native device's camera or DTU, whole entries, within their ranges: stored, and
  // sent until they are taken. From any thread.
  std::expected<command::WishedSettings, CommandError> change_settings(
      const std::string& device, protocol::Part part, std::vector<std::uint8_t> entries);

  // The stored credentials of devices are others now; the embedded broker knows within a second.
  // From any thread.
  void credentials_changed();
  // Another certificate for the embedded broker's TLS listener, PEM; new connections are shown it.
  // Does nothing with another broker. From any thread.
  void set_certificate(const std::string& chain, const std::string& key);

  // Whether the second reader's provider takes the keys; waits for its answer, at most a request's
  // time-out. From any thread.
  std::expected<void, std::string> try_second();

  bool broker_connected() const;
  // Of all servers of a fleet this one does what only one may: forget, order, tell. Any thread.
  bool leads() const;
  // Empty, or why photos cannot be stored at the moment.
  std::string storage_fault() const;

  // Its inside, in steps.h.
  struct Steps;

 private:
  explicit Pipeline(std::unique_ptr<Steps> steps);
  std::unique_ptr<Steps> steps_;
};

}  // namespace meterlens::server
