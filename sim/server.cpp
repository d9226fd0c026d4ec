#include "sim/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sim/device.h"

namespace meterlens::sim {
namespace {

constexpr std::int64_t local_latency_us = 500;  // broker and server are one machine
constexpr std::int64_t reconnect_us = 1'000'000;
constexpr std::int64_t row_us = 1'000;     // messages of so long are one turn
constexpr std::int64_t busy_us = 500'000;  // turns while something is under way
constexpr std::int64_t idle_us = 30'000'000;  // below the server's clock_step_ms
constexpr std::int64_t read_us = 300'000;  // from a stored photo to its reading

// A reader that sees the photo's first bytes: what is read does not matter here, that it is does.
validate::Claim claim_of(std::span<const std::byte> photo) {
  const auto sum = protocol::sha256({reinterpret_cast<const std::uint8_t*>(photo.data()),
                                     photo.size()});
  validate::Claim claim;
  claim.status = sum[0] % 4 == 0 ? "doubtful" : "read";
  for (std::size_t wheel = 0; wheel < 6; ++wheel)
    claim.digits += static_cast<char>('0' + sum[wheel] % 10);
  claim.certain = claim.status == "read" ? 6 : 3;
  claim.red = 3;
  claim.confidence = 0.99;
  claim.window = {{{10, 20}, {50, 21}, {49, 30}, {9, 29}}};
  return claim;
}

}  // namespace

Server::Server(Events& events, Broker& broker, std::filesystem::path folder, Hooks hooks,
               const Limits& limits)
    : events_(events),
      broker_(broker),
      folder_(std::move(folder)),
      hooks_(std::move(hooks)),
      limits_(limits),
      client_(broker.add(local_latency_us,
                         {[this] { link_changed(); },
                          [this](std::string_view topic, protocol::Bytes payload) {
                            message(topic, payload);
                          }})) {}

Server::~Server() = default;

std::int64_t Server::unix_ms() const {
  return unix_begin_ms + events_.now_ms() + clock_offset_ms_;
}

void Server::start() {
  if (running()) return;
  ++number_;
  turn_at_us_ = -1;
  ordered_.clear();
  guard([this] { open(); });
  if (!running()) return;
  hooks_.started();
  connect();
  turn_after(0);
}

void Server::open() {
  store::Options options;
  options.reader_count = 1;
  options.before_write = [this] { count_write(); };
  auto opened = store::Store::open((folder_ / "meterlens.db").string(), options);
  if (!opened) return hooks_.broken("the store cannot be opened: " + opened.error().message);
  store_ = *std::move(opened);
  server::Settings settings;
  settings.embedded.reset();
  settings.folders = {folder_ / "images", folder_ / "quarantine", [this] {
                        count_write();
                        return events_.now_us() >= disk_full_until_us_;
                      }};
  settings.receiver.photos_max = limits_.photos_in_flight_max;
  settings.receiver.bytes_max = limits_.photo_bytes_in_flight_max;
  settings.commands.kept_ms = given_up_ms;
  settings.records.device_messages_max = 0;  // nothing of them matters here
  settings.reading.threads = 0;
  steps_ = std::make_unique<server::Pipeline::Steps>(
      settings, *store_, metrics_,
      [this](const server::Change& change) { changed(change); });
  steps_->clock = [this] { return unix_ms(); };
  steps_->publish = [this](std::string topic, const std::vector<std::uint8_t>& payload, int qos) {
    // Between a commit and its answer is a place to die as well.
    if (writes_left_ == 0) throw Killed{};
    broker_.publish(client_, std::move(topic), payload, qos, false);
  };
  steps_->reading = std::make_unique<server::ReadingQueue>(
      settings.reading, *store_,
      [](std::span<const std::byte> photo, const reader::Known&) { return claim_of(photo); },
      metrics_, [this](const photo::Photo& photo, const store::Judged& judged) {
        steps_->tell(photo, judged);
      });
  if (const auto prepared = steps_->prepare(); !prepared) return hooks_.broken(prepared.error());
  // What was stored and not read before the end.
  read_after(read_us);
  for (const auto& [id, entry] : steps_->registry.entries())
    if (!steps_->commands.is_idle(id)) ordered_.insert(id);
}

void Server::end(std::int64_t away_us) {
  steps_.reset();
  store_.reset();
  writes_left_ = -1;
  linked_ = false;
  broker_.vanish(client_);
  events_.after(away_us, [this, number = number_] {
    if (number_ == number) start();
  });
}

void Server::kill_at_write(int writes, std::int64_t away_us) {
  writes_left_ = writes;
  kill_away_us_ = away_us;
}

void Server::fill_disk(std::int64_t full_us) { disk_full_until_us_ = events_.now_us() + full_us; }

std::optional<bool> Server::online(const std::string& device) const {
  const auto& entries = steps_->registry.entries();
  const auto found = entries.find(device);
  return found == entries.end() ? std::nullopt : std::optional(found->second.row.online);
}

void Server::restore() {
  writes_left_ = -1;
  disk_full_until_us_ = 0;
  start();
}

void Server::count_write() {
  ++writes_;
  if (writes_left_ < 0) return;
  if (writes_left_ == 0) throw Killed{};
  --writes_left_;
}

void Server::guard(const std::function<void()>& work) {
  try {
    work();
  } catch (const Killed&) {
    end(kill_away_us_);
  }
}

// ---- broker ----

void Server::connect() { broker_.connect(client_, {.keep_alive_s = 30}); }

void Server::link_changed() {
  if (!running()) return;
  const MqttState state = broker_.state(client_);
  if (state == MqttState::up && !linked_) {
    linked_ = true;
    for (const char* filter : {"meterlens/+/up", "meterlens/+/status", "+/+/event",
                               "$SYS/broker/log/#"})
      broker_.subscribe(client_, filter);
    steps_->connection(true);
    turn_after(row_us);
  }
  if (state != MqttState::down) return;
  if (linked_) steps_->connection(false);
  linked_ = false;
  turn_after(row_us);
  events_.after(reconnect_us, [this, number = number_] {
    if (number_ == number && running() && broker_.state(client_) == MqttState::down) connect();
  });
}

void Server::message(std::string_view topic, protocol::Bytes payload) {
  if (!running()) return;
  steps_->message(topic, payload);
  turn_after(row_us);
}

// ---- turns ----

void Server::turn_after(std::int64_t delay_us) {
  const std::int64_t at_us = events_.now_us() + delay_us;
  if (turn_at_us_ >= events_.now_us() && turn_at_us_ <= at_us) return;
  turn_at_us_ = at_us;
  events_.at(at_us, [this, at_us, number = number_] {
    if (number_ != number || !running() || turn_at_us_ != at_us) return;
    turn_at_us_ = -1;
    guard([this] { turn(); });
    if (!running()) return;
    check_bounds();
    turn_after(busy() ? busy_us : idle_us);
  });
}

void Server::turn() {
  std::vector<ingest::Packet> packets;
  std::vector<ingest::Task> tasks;
  steps_->pause();
  steps_->inbox.take(packets, tasks, std::chrono::milliseconds(0));
  steps_->turn(packets, tasks);
}

bool Server::busy() const {
  return steps_->receiver.photos_in_flight() + steps_->assembler.photos_in_flight() > 0 ||
         !ordered_.empty() || !steps_->committer.good() || !steps_->unsaved_commands.empty();
}

void Server::check_bounds() {
  const server::Settings& most = steps_->settings;
  const auto check = [&](const char* what, std::size_t now, std::size_t bound) {
    if (now > bound) hooks_.broken(fmt::format("server: {} {}, at most {}", now, what, bound));
  };
  check("photos in flight", steps_->receiver.photos_in_flight(), most.receiver.photos_max);
  check("bytes of photos in flight", steps_->receiver.bytes_in_flight(), most.receiver.bytes_max);
  check("pieces in flight", steps_->assembler.bytes_in_flight(), most.assembler.bytes_max);
  check("commands not saved", steps_->unsaved_commands.size(), 20'000);
  check("devices", steps_->registry.entries().size(), most.registry.devices_max);
}

bool Server::capture(const std::string& device) {
  if (!running()) return false;
  steps_->inbox.post([this, device] {
    if (steps_->capture(device)) ordered_.insert(device);
  });
  turn_after(row_us);
  return true;
}

void Server::changed(const server::Change& change) {
  using Kind = server::Change::Kind;
  if (change.kind == Kind::photo) {
    hooks_.photo(change.id);
    read_after(read_us);
  }
  if (change.kind == Kind::command && steps_->commands.is_idle(change.device))
    ordered_.erase(change.device);
}

void Server::read_after(std::int64_t delay_us) {
  events_.after(delay_us, [this, number = number_] {
    if (number_ == number && running()) guard([this] { read_photos(); });
  });
}

void Server::read_photos() {
  while (steps_->reading->read_next()) turn_after(row_us);
}

}  // namespace meterlens::sim
