#include "server/pipeline.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include "server/remote.h"
#include "server/share.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

using command::Command;
using metrics::Count;
using metrics::Gauge;
using photo::Photo;
using photo::PhotoState;
using protocol::Dialect;
using std::chrono::milliseconds;

constexpr milliseconds push_time{1000}, answer_time{10'000}, worker_push_time{3'600'000};

}  // namespace

// ---- start and stop ----

Pipeline::Steps::Steps(const Settings& given, store::Store& its_store,
                       metrics::Metrics& its_metrics,
                       std::function<void(const Change&)> its_on_change)
    : settings(given),
      store(its_store),
      metrics(its_metrics),
      on_change(std::move(its_on_change)),
      decoder(settings.decoder, metrics),
      inbox(settings.inbox_count_max, settings.inbox_bytes_max),
      registry(settings.registry, store, metrics,
               [this](const std::string& id) {
                 on_change({Change::Kind::device, id, 0});
               }),
      receiver(
          settings.receiver,
          [this](const std::string& device, std::uint32_t photo_id,
                 const protocol::Digest& sha256) { return is_stored(device, photo_id, sha256); },
          metrics),
      assembler(settings.assembler, metrics),
      committer(settings.committer, store, photo::Files(settings.folders), metrics),
      commands(settings.commands, metrics),
      images(settings.images, store),
      updates(settings.updates, [this](std::int64_t image) { return images.load(image); }, metrics),
      publish([this](std::string topic, std::vector<std::uint8_t> payload, int qos) {
        fleet.note_message(topic, payload, now_ms);
        if (queues != nullptr) return void(queues->send(topic, std::move(payload)));
        link->send(std::move(topic), std::move(payload), qos);
      }) {}

Pipeline::Steps::~Steps() = default;

std::expected<void, std::string> Pipeline::Steps::prepare() {
  if (settings.role != Role::whole) follow_clock();
  now_ms = clock();
  // What a worker must know it reads with each queue, what a server must know when it leads.
  if (settings.role != Role::whole) return {};
  if (const auto loaded = registry.load(); !loaded) return std::unexpected(loaded.error().message);
  for (const auto& [id, entry] : registry.entries()) {
    if (entry.row.dialect == Dialect::smartdtu) decoder.learn(entry.row.product, id);
    commands.set_link(id, entry.row.dialect, entry.link, now_ms);
    wishes.set_link(id, entry.link, now_ms);
  }
  if (const auto prepared = fleet.prepare(); !prepared) return prepared;
  take_up_commands();
  load_schedules();
  take_up_updates();
  auto wished = store.settings();
  if (!wished) return std::unexpected(wished.error().message);
  for (auto& one : *wished) wishes.take_up(std::move(one));
  take_up_lights();
  if (!settings.embedded) return {};
  if (const auto closed = close_broker(); !closed) return closed;
  auto started = ingest::Broker::start(*settings.embedded);
  if (!started) return std::unexpected(started.error().message);
  broker = *std::move(started);
  settings.link.host = settings.embedded->address;
  settings.link.port = settings.embedded->port;
  return {};
}

void Pipeline::Steps::take_up_commands() {
  auto open = store.open_commands();
  if (!open) {
    spdlog::error(fmt::format("commands from before cannot be taken up: {}", open.error().message));
    return;
  }
  for (Command& command : *open) take_up_command(command);
}

void Pipeline::Steps::take_up_command(Command& command) {
  const Registry::Entry* device = registry.find(command.device);
  const Dialect dialect = device == nullptr ? Dialect::native : device->row.dialect;
  if (auto done = already_done(command)) {
    command = *std::move(done);
    unsaved_commands.push_back(command);
  }
  ordered_ms[command.device] = std::max(ordered_ms[command.device], command.created_ms);
  commands.take_up(command, dialect, now_ms);
}

// The photo, or even the reading, may have been committed just before the end came.
std::optional<Command> Pipeline::Steps::already_done(const Command& open) {
  Command command = open;
  const store::Filter filter{.device = open.device};
  if (const auto photos = store.photos(filter)) {
    for (const Photo& photo : *photos) {
      if (photo.command != open.id || photo.state != PhotoState::stored) continue;
      command.photo = photo.id;
      command.state = command::State::stored;
      command.reason.clear();
    }
  }
  if (command.state != command::State::stored) return std::nullopt;
  if (const auto readings = store.readings({.photo = command.photo})) {
    for (const validate::Reading& made : *readings) {
      command.reading = made.id;
      command.state = command::State::read;
    }
  }
  return command;
}

void Pipeline::Steps::start_threads(ReadPhoto read) {
  if (settings.role != Role::server) start_readers(std::move(read));
  if (settings.role == Role::worker) start_worker();
  if (settings.role == Role::server) start_server();
  if (settings.role == Role::whole) {
    link = std::make_unique<ingest::Link>(
        settings.link,
        ingest::LinkEvents{
            [this](std::string_view topic, protocol::Bytes payload) { message(topic, payload); },
            [this] { pause(); }, [this](bool connected) { connection(connected); }});
  }
  // Last, for it uses the others; what the link brings meanwhile waits in the inbox.
  thread = std::thread([this] { run(); });
  if (settings.role == Role::worker) start_share();
}

void Pipeline::Steps::start_readers(ReadPhoto read) {
  if (settings.role == Role::worker)
    settings.reading.queues = [this] { return queues_now(); };
  second = std::make_unique<SecondQueue>(settings.second, store, metrics);
  reading = std::make_unique<ReadingQueue>(
      settings.reading, store, std::move(read), metrics,
      [this](const Photo& photo, const store::Judged& judged) { tell(photo, judged); },
      [this](Look look, std::function<void(Look)> done) {
        return second->look_again(std::move(look), std::move(done));
      });
}

namespace {

// What is wrong with a photo as far as light is concerned. One that is dark as a whole is that,
// whatever the reader found in it or not.
std::string fault_of(const Photo& photo, const validate::Reading& reading) {
  if (reading.verdict != validate::Verdict::doubtful &&
      reading.verdict != validate::Verdict::rejected)
    return "";
  std::string doubt = validate::doubt_of(reading);
  if (doubt.empty() || !photo.brightness) return doubt;
  if (photo.brightness->light == protocol::Light::dark) return "dark";
  if (photo.brightness->light == protocol::Light::bright) return "glare";
  return doubt;
}

}  // namespace

void Pipeline::Steps::tell(const Photo& photo, const store::Judged& judged) {
  for (const validate::Reading& made : judged.readings)
    on_change({Change::Kind::reading, made.device, made.id});
  // What was published of them is told again: they have another verdict now.
  for (const std::int64_t id : judged.changed)
    on_change({Change::Kind::reading, photo.device, id});
  if (photo.command == 0 || judged.readings.empty()) return;
  const validate::Reading& first = judged.readings.front();
  inbox.post([this, command = photo.command, id = first.id] {
    if (!commands.read(command, id, now_ms)) finish_elsewhere(command, id);
  });
  const std::string bad = fault_of(photo, first);
  if (bad.empty()) return;
  inbox.post([this, device = photo.device, wanted = WantedLight{photo.id, photo.command, bad}] {
    want_light(device, wanted);
  });
}

// Its device went to another worker, which took the command up before there was a reading.
void Pipeline::Steps::finish_elsewhere(std::int64_t id, std::int64_t made) {
  auto command = store.command(id);
  if (!command || command->state != command::State::stored) return;
  command->state = command::State::read;
  command->reading = made;
  command->updated_ms = now_ms;
  if (const auto saved = store.save_command(*command); !saved)
    return committer.fail(saved.error().message, now_ms);
  on_change({Change::Kind::command, command->device, id});
}

void Pipeline::Steps::stop() {
  share.reset();
  // The link stays until the last answers are out; the inbox takes nothing any more.
  inbox.close();
  if (thread.joinable()) thread.join();
  link.reset();
  // It has photos of the readers': it ends first, and goes last. They tell servers to the end.
  if (second != nullptr) second->close();
  reading.reset();
  queues.reset();
  second.reset();
  broker.reset();
}

// ---- in the link's thread ----

void Pipeline::Steps::message(std::string_view topic, protocol::Bytes payload) {
  const std::int64_t at_ms = clock();
  fleet.note_message(topic, payload, at_ms);
  decoder.message(topic, payload, at_ms, decoded);
}

void Pipeline::Steps::pause() {
  const std::int64_t now = clock();
  if (now - decoder_ticked_ms >= tick_ms || now < decoder_ticked_ms) {
    decoder_ticked_ms = now;
    decoder.tick(now, decoded);
  }
  if (decoded.empty()) return;
  // What a queue has handed out is not dropped: its broker waits.
  const auto patience = settings.role == Role::worker ? worker_push_time : push_time;
  if (const std::size_t dropped = inbox.push(decoded, patience); dropped > 0)
    metrics.add(Count::messages_dropped_queue_full, dropped);
}

void Pipeline::Steps::connection(bool connected) {
  metrics.set(Gauge::broker_connected, connected ? 1 : 0);
  inbox.post([this, connected] {
    if (!connected) registry.forget_links();
    commands.set_connected(connected, now_ms);
    updates.set_connected(connected, now_ms);
    wishes.set_connected(connected, now_ms);
  });
}

// ---- for the others ----

Pipeline::Pipeline(std::unique_ptr<Steps> steps) : steps_(std::move(steps)) {}

Pipeline::~Pipeline() { steps_->stop(); }

std::expected<std::unique_ptr<Pipeline>, std::string> Pipeline::start(
    const Settings& settings, store::Store& store, metrics::Metrics& metrics, ReadPhoto read,
    std::function<void(const Change&)> on_change) {
  auto steps = std::make_unique<Steps>(settings, store, metrics, std::move(on_change));
  if (const auto prepared = steps->prepare(); !prepared) return std::unexpected(prepared.error());
  steps->start_threads(std::move(read));
  if (steps->queues != nullptr) {
    if (const auto there = steps->queues->wait_connected(settings.patience_ms, settings.is_ending);
        !there) {
      steps->stop();
      return std::unexpected(there.error());
    }
  }
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(steps)));
}

// Runs `work` in the pipeline's thread and waits for what it gives.
template <class Value, class Error>
std::expected<Value, Error> Pipeline::Steps::ask(
    std::function<std::expected<Value, Error>(Steps&)> work) {
  auto promise = std::make_shared<std::promise<std::expected<Value, Error>>>();
  auto result = promise->get_future();
  const bool posted =
      inbox.post([this, work = std::move(work), promise] { promise->set_value(work(*this)); });
  if (!posted || result.wait_for(answer_time) != std::future_status::ready)
    return std::unexpected(Error::store);
  return result.get();
}

void Pipeline::schedules_changed() {
  steps_->inbox.post([steps = steps_.get()] {
    steps->cameras_until_ms = 0;
    steps->load_schedules();
  });
}

std::expected<Command, CommandError> Pipeline::capture(const std::string& device) {
  if (steps_->remote != nullptr) return steps_->remote->capture(device);
  return steps_->ask<Command, CommandError>(
      [device](Steps& steps) { return steps.capture(device); });
}

std::expected<update::Update, UpdateError> Pipeline::update(const std::string& device,
                                                            std::int64_t image) {
  if (steps_->remote != nullptr) return steps_->remote->update(device, image);
  return steps_->ask<update::Update, UpdateError>(
      [device, image](Steps& steps) { return steps.update(device, image); });
}

std::expected<command::WishedSettings, CommandError> Pipeline::change_settings(
    const std::string& device, protocol::Part part, std::vector<std::uint8_t> entries) {
  if (steps_->remote != nullptr) return steps_->remote->change_settings(device, part, entries);
  return steps_->ask<command::WishedSettings, CommandError>(
      [device, part, entries = std::move(entries)](Steps& steps) {
        return steps.change_settings(device, part, entries);
      });
}

std::expected<void, CommandError> Pipeline::aim(const std::string& device,
                                                const protocol::Aim& aim) {
  if (steps_->remote != nullptr) return steps_->remote->aim(device, aim);
  return steps_->ask<void, CommandError>(
      [device, aim](Steps& steps) { return steps.aim(device, aim); });
}

std::expected<std::int64_t, fleet::OrderError> Pipeline::obey(const fleet::Order& order) {
  const bool is_of_device = !std::holds_alternative<fleet::LookAgain>(order);
  if (steps_->remote != nullptr && is_of_device) return steps_->remote->obey(order);
  return steps_->ask<std::int64_t, fleet::OrderError>(
      [order](Steps& steps) { return steps.fleet.obey(order); });
}

std::optional<photo::View> Pipeline::view(const std::string& device) const {
  return steps_->views.newest(device);
}

std::expected<update::Image, ImageError> Pipeline::add_image(std::span<const std::uint8_t> file) {
  return steps_->images.add(file, unix_ms());
}

std::expected<Uploaded, CommandError> Pipeline::upload(photo::Photo photo) {
  const auto shared = std::make_shared<photo::Photo>(std::move(photo));
  return steps_->ask<Uploaded, CommandError>(
      [shared](Steps& steps) { return steps.upload(std::move(*shared)); });
}

void Pipeline::credentials_changed() {
  steps_->inbox.post([steps = steps_.get()] { steps->users_are_stale = true; });
}

void Pipeline::set_certificate(const std::string& chain, const std::string& key) {
  if (steps_->broker) steps_->broker->set_certificate(chain, key);
}

std::expected<void, std::string> Pipeline::try_second() {
  if (steps_->second == nullptr)
    return std::unexpected("workers ask the second reader, this server does not");
  return steps_->second->try_keys();
}

bool Pipeline::broker_connected() const {
  return steps_->queues != nullptr ? steps_->queues->connected() : steps_->link->connected();
}

bool Pipeline::leads() const { return steps_->leads; }

std::string Pipeline::storage_fault() const {
  const std::lock_guard lock(steps_->fault_mutex);
  return steps_->fault;
}

}  // namespace meterlens::server
