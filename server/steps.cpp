#include "server/steps.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <span>
#include <utility>
#include <variant>

#include "protocol/require.h"
#include "server/remote.h"

namespace meterlens::server {
namespace {

using command::Command;
using ingest::Packet;
using metrics::Count;
using metrics::Gauge;
using photo::Photo;
using photo::PhotoState;
using protocol::Dialect;

constexpr std::chrono::milliseconds take_time{200};

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace

std::string topic_of(const store::Device& device, protocol::Channel channel) {
  std::array<char, protocol::topic_chars_max> text;
  return std::string(protocol::format_topic(
      {device.dialect, channel,
       device.dialect == Dialect::native ? protocol::native_prefix : device.product, device.id},
      text));
}

void Pipeline::Steps::run() {
  std::vector<Packet> packets;
  std::vector<ingest::Task> tasks;
  bool open = true;
  while (open) {
    open = inbox.take(packets, tasks, take_time);
    turn(packets, tasks);
  }
}

void Pipeline::Steps::turn(std::vector<Packet>& packets, std::vector<ingest::Task>& tasks) {
  look_at_clock();
  for (const ingest::Task& task : tasks) task();
  for (Packet& packet : packets) step(packet);
  if (now_ms - ticked_ms >= tick_ms || now_ms < ticked_ms) tick();
  settle();
}

// Timers that lie in the future would keep cameras waiting for as long as the clock was wrong.
void Pipeline::Steps::look_at_clock() {
  const std::int64_t by_ms = clock() - now_ms;
  now_ms += by_ms;
  if (by_ms >= 0 && by_ms < clock_step_ms) return;
  spdlog::info(fmt::format("the clock has moved by {} ms", by_ms));
  receiver.clock_moved(by_ms);
  assembler.clock_moved(by_ms);
  committer.clock_moved(by_ms);
  commands.clock_moved(by_ms);
  updates.clock_moved(by_ms);
  wishes.clock_moved(by_ms);
  registry.clock_moved(by_ms);
  fleet.clock_moved(by_ms);
}

void Pipeline::Steps::step(Packet& packet) {
  if (packet.queue >= 0 && !is_mine(packet)) return;
  // A device that came from another queue, or was known before there were any.
  if (settings.role == Role::worker && registry.find(packet.device) == nullptr &&
      !adopt({-1, packet.device}))
    return committer.fail("what is known of a device cannot be read", now_ms);
  if (!fleet.admits(packet)) return;
  Registry::Entry* device = registry.see(packet);
  if (device == nullptr) return;
  registry.set_queue(*device, packet.queue);
  fleet.note(packet);
  commands.set_link(packet.device, device->row.dialect, device->link, now_ms);
  updates.set_link(packet.device, device->link);
  wishes.set_link(packet.device, device->link, now_ms);
  content(*device, packet);
}

void Pipeline::Steps::content(Registry::Entry& device, Packet& packet) {
  const std::string& id = packet.device;
  std::visit(
      Overloaded{[](const ingest::SmartState&) {},
                 [&](const ingest::Presence& presence) {
                   if (presence.settings_revision)
                     heard_settings(id, protocol::Part::dtu, *presence.settings_revision);
                 },
                 [&](const ingest::Started& started) {
                   if (started.photos_lost > 0)
                     spdlog::warn(fmt::format(
                         "device {}: its camera has lost {} photos for want of room so far", id,
                         started.photos_lost));
                 },
                 [&](const protocol::Report& report) { commands.report(id, report, now_ms); },
                 [&](const protocol::Offer& offer) {
                   commands.offered(id, offer.command_id, offer.photo_id, now_ms);
                   receiver.offer(id, offer, now_ms);
                 },
                 [&](const ingest::PhotoData& data) {
                   receiver.data(id, data.photo_id, data.index, data.data, now_ms);
                 },
                 [&](const protocol::Sent& sent) { receiver.sent(id, sent.photo_id, now_ms); },
                 [&](ingest::SmartPiece& piece) { smart_piece(device, std::move(piece)); },
                 [&](const protocol::Health& health) {
                   registry.note_health(device, health, packet.received_at_ms);
                   heard_settings(id, protocol::Part::camera, health.settings_revision);
                 },
                 [&](const ingest::SettingsTaken& taken) { settings_taken(id, taken); },
                 [&](const ingest::ViewData& view) {
                   if (views.add(id, view.data, view.number, view.index, view.count, now_ms))
                     on_change({Change::Kind::view, id, view.number});
                 },
                 [&](const ingest::SmartEnd& end) { assembler.end(id, end, now_ms); },
                 [&](const protocol::ImageState& state) { updates.state(id, state, now_ms); },
                 [&](const ingest::ImageMissing& missing) {
                   updates.missing(id, {missing.part, missing.update_id, missing.bitmap}, now_ms);
                 }},
      packet.content);
}

void Pipeline::Steps::smart_piece(Registry::Entry& device, ingest::SmartPiece piece) {
  if (!device.newest_known) {
    const auto photos = store.photos({.device = device.row.id});
    device.newest_known = photos.has_value();
    for (std::size_t i = 0; photos && i < photos->size(); ++i) {
      if ((*photos)[i].state != PhotoState::stored) continue;
      assembler.learn(device.row.id, (*photos)[i].sha256);
      break;
    }
  }
  assembler.piece(device.row.id, std::move(piece), now_ms);
}

void Pipeline::Steps::tick() {
  ticked_ms = now_ms;
  receiver.tick(now_ms);
  assembler.tick(now_ms);
  registry.tick(now_ms);
  if (settings.role == Role::worker) tick_worker();
  if (settings.role == Role::server) tick_server();
  order_scheduled();
  tick_lights();
  fleet.tick();
  tell_broker();
  metrics.set(Gauge::photos_in_flight,
              static_cast<double>(receiver.photos_in_flight() + assembler.photos_in_flight()));
  metrics.set(Gauge::photos_in_flight_bytes,
              static_cast<double>(receiver.bytes_in_flight() + assembler.bytes_in_flight()));
}

// What came of the packets, in the order that people and cameras may rely on: photos are committed
// before anyone hears of them.
void Pipeline::Steps::settle() {
  settle_receiver();
  settle_assembler();
  settle_photos();
  settle_receiver();
  settle_updates();
  settle_commands();
  settle_settings();
  settle_queues();
}

void Pipeline::Steps::settle_receiver() {
  photo::ReceiverOutput output = receiver.take();
  for (const photo::Progress& progress : output.progress)
    commands.progress(progress.device, progress.command, progress.packets_received,
                      progress.packets_total, now_ms);
  for (const photo::RefusedPhoto& refusal : output.refusals) note_refusal(refusal);
  for (Photo& photo : output.photos) {
    if (photo.command != 0 && !belongs(photo.device, photo.command)) photo.command = 0;
    committer.add(std::move(photo));
  }
  for (photo::Answer& answer : output.answers) {
    const Registry::Entry* device = registry.find(answer.device);
    if (device == nullptr) continue;
    publish(topic_of(device->row, protocol::Channel::down), std::move(answer.frame), 1);
  }
}

void Pipeline::Steps::note_refusal(const photo::RefusedPhoto& refusal) {
  using enum protocol::Refusal;
  const bool is_final = refusal.reason == empty || refusal.reason == too_large;
  const std::string reason =
      fmt::format("the server refused the photo: {}{}", name(refusal.reason),
                  is_final ? "" : "; the camera keeps it and offers it again");
  commands.refused(refusal.device, refusal.command, reason, is_final, now_ms);
}

void Pipeline::Steps::settle_assembler() {
  photo::AssemblerOutput output = assembler.take();
  for (const photo::PieceProgress& progress : output.progress)
    commands.progress(progress.device, 0, progress.received, progress.total, now_ms);
  for (Photo& photo : output.photos) {
    if (is_sent_again(photo)) continue;
    photo.command = commands.active(photo.device);
    committer.add(std::move(photo));
  }
  for (const photo::Failure& failure : output.failures)
    bad_shot(failure.device, commands.active(failure.device), 0, failure.reason);
}

void Pipeline::Steps::settle_photos() {
  Committed committed = committer.commit(now_ms);
  for (Photo& photo : committed.stored) photo_stored(photo);
  for (const Photo& photo : committed.refused) {
    if (photo.image_file.empty() && photo.meter.empty())
      receiver.refuse(photo.device, photo.photo_id, protocol::Refusal::storage_full);
  }
  receiver.set_storage_full(!committer.good());
  if (!committed.stored.empty() && reading != nullptr) reading->wake();
  const std::lock_guard lock(fault_mutex);
  if (fault != committer.fault()) fault = committer.fault();
}

void Pipeline::Steps::photo_stored(Photo& photo) {
  const bool native = photo.image_file.empty() && photo.meter.empty();
  const bool good = photo.state == PhotoState::stored;
  if (native) receiver.stored(photo.device, photo.photo_id, photo.sha256);
  if (good) {
    photo_came(photo.device, photo.command, photo.id);
  } else {
    spdlog::warn(
        fmt::format("device {}: photo {} quarantined: {}", photo.device, photo.id, photo.reason));
    bad_shot(photo.device, photo.command, photo.id, photo.reason);
  }
  on_change({Change::Kind::photo, photo.device, photo.id});
}

// Also long after its command was given up.
void Pipeline::Steps::photo_came(const std::string& device, std::int64_t command,
                                 std::int64_t photo) {
  if (command == 0) return;
  if (commands.knows(device, command)) return commands.stored(device, command, photo, now_ms);
  const auto known = store.command(command);
  if (!known || known->device != device || known->state == command::State::read) return;
  if (const auto done = already_done(*known)) commands.mend(*done, now_ms);
}

// A SmartDTU's camera keeps nothing: a bad photo is taken again.
void Pipeline::Steps::bad_shot(const std::string& id, std::int64_t command, std::int64_t photo,
                               const std::string& reason) {
  commands.shot_failed(id, command, photo, reason, now_ms);
  Registry::Entry* device = registry.find(id);
  if (command != 0 || device == nullptr || device->row.dialect != Dialect::smartdtu ||
      !commands.is_idle(id) || now_ms - device->recapture_ms < settings.recapture_ms)
    return;
  device->recapture_ms = now_ms;
  spdlog::info(fmt::format("device {}: a new photo is asked for: {}", id, reason));
  if (!capture(id)) spdlog::warn(fmt::format("device {}: no new photo can be asked for now", id));
}

void Pipeline::Steps::settle_commands() {
  if (may_walk(commands_ticked_ms)) commands.tick(now_ms);
  command::QueueOutput output = commands.take();
  for (const command::Send& send : output.sends) send_capture(send);
  for (Command& command : output.changed) {
    light_command(command);
    unsaved_commands.push_back(std::move(command));
  }
  if (!committer.good()) {
    // Only the last state of each is worth keeping.
    if (unsaved_commands.size() > 10'000)
      unsaved_commands.erase(unsaved_commands.begin(), unsaved_commands.begin() + 5'000);
    return;
  }
  constexpr std::size_t group_max = 256;
  while (!unsaved_commands.empty()) {
    const auto group = std::span(unsaved_commands).first(
        std::min(unsaved_commands.size(), group_max));
    if (const auto done = store::Fleet(store).save_commands(group); !done) {
      committer.fail(done.error().message, now_ms);
      break;
    }
    for (const Command& command : group)
      on_change({Change::Kind::command, command.device, command.id});
    unsaved_commands.erase(unsaved_commands.begin(),
                           unsaved_commands.begin() + static_cast<std::ptrdiff_t>(group.size()));
  }
  if (committer.good() && may_walk(devices_saved_ms)) save_devices();
}

// As many as a turn takes; false: the store failed.
bool Pipeline::Steps::save_devices() {
  const auto saved = registry.save(now_ms);
  if (!saved) committer.fail("devices cannot be saved: " + saved.error().message, now_ms);
  return saved.has_value();
}

// With many devices what walks over all of them is done some times a second, not in each turn, and
// what many have to save shares a transaction.
bool Pipeline::Steps::may_walk(std::int64_t& walked_ms) const {
  constexpr std::size_t few = 1000;
  constexpr std::int64_t between_ms = 200;
  const std::int64_t since_ms = now_ms - walked_ms;
  if (registry.entries().size() > few && since_ms >= 0 && since_ms < between_ms) return false;
  walked_ms = now_ms;
  return true;
}

void Pipeline::Steps::settings_taken(const std::string& device,
                                     const ingest::SettingsTaken& taken) {
  if (wishes.taken(device, {taken.part, taken.revision, taken.refused_keys}))
    save_wish(device, taken.part);
}

void Pipeline::Steps::heard_settings(const std::string& device, protocol::Part part,
                                     std::uint32_t revision) {
  if (wishes.heard_revision(device, part, revision, now_ms)) save_wish(device, part);
}

// What cannot be saved now is asked of the device once more after a restart.
void Pipeline::Steps::save_wish(const std::string& device, protocol::Part part) {
  const auto* wish = wishes.find(device, part);
  if (const auto saved = store.save_settings(*wish); !saved)
    committer.fail(saved.error().message, now_ms);
  on_change({Change::Kind::device, device, 0});
}

void Pipeline::Steps::settle_settings() {
  if (!may_walk(wishes_walked_ms)) return;
  for (const command::WishedSettings& wish : wishes.due(now_ms)) {
    const Registry::Entry* device = registry.find(wish.device);
    if (device == nullptr || device->row.dialect != Dialect::native) continue;
    send(device->row, protocol::Settings{wish.part, wish.revision, wish.entries});
  }
}

void Pipeline::Steps::send(const store::Device& device, const protocol::Message& message) {
  std::array<std::uint8_t, protocol::frame_bytes_max> frame;
  const std::size_t bytes = protocol::encode_message(message, frame);
  publish(topic_of(device, protocol::Channel::down), {frame.data(), frame.data() + bytes}, 1);
}

std::expected<command::WishedSettings, CommandError> Pipeline::Steps::change_settings(
    const std::string& device, protocol::Part part, protocol::Bytes entries) {
  if (remote != nullptr) return remote->change_settings(device, part, entries);
  const Registry::Entry* known = registry.find(device);
  if (known == nullptr) return std::unexpected(CommandError::unknown_device);
  if (known->row.dialect != Dialect::native) return std::unexpected(CommandError::wrong_dialect);
  if (fleet.is_disabled(device)) return std::unexpected(CommandError::disabled);
  if (!committer.good()) return std::unexpected(CommandError::store);
  command::WishedSettings wish = wishes.changed(device, part, entries);
  if (const auto saved = store.save_settings(wish); !saved) {
    committer.fail(saved.error().message, now_ms);
    return std::unexpected(CommandError::store);
  }
  wishes.put(wish, now_ms);
  on_change({Change::Kind::device, device, 0});
  return wish;
}

std::expected<void, CommandError> Pipeline::Steps::aim(const std::string& device,
                                                       const protocol::Aim& aim) {
  const Registry::Entry* known = registry.find(device);
  if (known == nullptr) return std::unexpected(CommandError::unknown_device);
  if (known->row.dialect != Dialect::native) return std::unexpected(CommandError::wrong_dialect);
  if (fleet.is_disabled(device)) return std::unexpected(CommandError::disabled);
  send(known->row, aim);
  return {};
}

void Pipeline::Steps::send_capture(const command::Send& order) {
  const Registry::Entry* device = registry.find(order.device);
  if (device == nullptr) return;
  if (order.dialect == Dialect::smartdtu) {
    const std::string text = ingest::encode_capture();
    publish(topic_of(device->row, protocol::Channel::down), {text.begin(), text.end()}, 0);
    return;
  }
  send(device->row, protocol::Capture{static_cast<std::uint32_t>(order.command)});
}

bool Pipeline::Steps::belongs(const std::string& device, std::int64_t command) {
  if (commands.knows(device, command)) return true;
  const auto known = store.command(command);
  return known && known->device == device;
}

// A camera that lost power before it could note that a photo had left sends it again: a new shot
// has another name.
bool Pipeline::Steps::is_sent_again(const Photo& photo) {
  if (photo.state != PhotoState::stored) return is_rest_of_stored(photo);
  const auto found = store.find_photo(photo.device, photo.photo_id, photo.sha256);
  if (!found || !*found || (*found)->image_file != photo.image_file) return false;
  metrics.add(Count::photos_doubled);
  photo_came(photo.device, (*found)->command, (*found)->id);
  return true;
}

// A worker that ended while it acknowledged the pieces of a stored photo leaves the last ones to
// the next worker.
bool Pipeline::Steps::is_rest_of_stored(const Photo& photo) {
  constexpr std::int64_t recent_ms = 600'000;  // names may be used again after a reset
  if (settings.role != Role::worker) return false;
  const auto newest = store.newest_photo(photo.device);
  if (!newest || !*newest || (*newest)->state != PhotoState::stored ||
      (*newest)->image_file != photo.image_file ||
      photo.received_at_ms - (*newest)->received_at_ms > recent_ms)
    return false;
  metrics.add(Count::photos_doubled);
  return true;
}

std::optional<bool> Pipeline::Steps::is_stored(const std::string& device, std::uint32_t photo_id,
                                               const protocol::Digest& sha256) {
  const auto found = store.find_photo(device, photo_id, sha256);
  if (!found) return std::nullopt;
  if (*found) photo_came(device, (*found)->command, (*found)->id);
  return found->has_value();
}

std::expected<Command, CommandError> Pipeline::Steps::capture(const std::string& device) {
  const Registry::Entry* known = registry.find(device);
  if (known == nullptr) return std::unexpected(CommandError::unknown_device);
  if (fleet.is_disabled(device)) return std::unexpected(CommandError::disabled);
  if (commands.is_full(device)) return std::unexpected(CommandError::queue_full);
  if (!committer.good()) return std::unexpected(CommandError::store);
  Command command = command_of(device);
  const auto id = store.add_command(command);
  if (!id) {
    committer.fail(id.error().message, now_ms);
    return std::unexpected(CommandError::store);
  }
  command.id = *id;
  take_in(command);
  return command;
}

Command Pipeline::Steps::command_of(const std::string& device) const {
  Command command;
  command.device = device;
  command.created_ms = command.updated_ms = now_ms;
  return command;
}

void Pipeline::Steps::take_in(const Command& command) {
  if (!command::is_final(command.state)) {
    const Registry::Entry* known = registry.find(command.device);
    protocol::require(known != nullptr);
    metrics.add(Count::commands_created);
    commands.set_link(command.device, known->row.dialect, known->link, now_ms);
    commands.add(command);
  }
  on_change({Change::Kind::command, command.device, command.id});
}

}  // namespace meterlens::server
