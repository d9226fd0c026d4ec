// What a pipeline does as a part of a fleet: a worker takes up and drops the devices of a queue,
// obeys servers and tells them; a server asks workers, and one of all leads.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <limits>
#include <set>
#include <utility>

#include "server/errand.h"
#include "server/remote.h"
#include "server/share.h"
#include "server/steps.h"

namespace meterlens::server {
namespace {

using command::Link;
using protocol::Dialect;

constexpr std::int64_t look_ms = 1'000;       // for what others have stored
constexpr std::int64_t schedules_ms = 2'000;  // that another server may have changed
constexpr std::int64_t devices_ms = 10'000;   // that a worker may have seen first
constexpr std::int64_t clock_ms = 10'000;     // that may have been set
constexpr std::chrono::seconds adopt_time{10};

template <class Value, class Error>
Outcome outcome_of(const std::expected<Value, Error>& done) {
  Outcome out;
  if (!done) out.error = static_cast<int>(done.error());
  return out;
}

template <class Value, class Error>
Outcome made_of(const std::expected<Value, Error>& done) {
  Outcome out = outcome_of(done);
  if (done) out.id = done->id;
  return out;
}

}  // namespace

// What is due, and whether it was ordered, is judged by times that several processes have written.
void Pipeline::Steps::follow_clock() {
  constexpr std::int64_t small_ms = 500;  // of the question's own way
  const std::int64_t asked_ms = unix_ms();
  const auto now = store::Leases(store).now_ms();
  if (!now) return;  // later
  const std::int64_t ahead_ms = *now - (asked_ms + unix_ms()) / 2;
  if (std::abs(ahead_ms - clock_ahead_ms) <= small_ms) return;
  if (std::abs(ahead_ms) >= clock_step_ms)
    spdlog::warn(
        fmt::format("this machine's clock is {} s off the database's, which is gone by: set it",
                    -ahead_ms / 1000));
  clock_ahead_ms = ahead_ms;
}

// ---- a worker: queues and their devices ----

void Pipeline::Steps::start_worker() {
  on_change = [this](const Change& change) { tell_servers(change); };
  queues = std::make_unique<ingest::QueueLink>(
      settings.queues,
      ingest::QueueLinkEvents{
          [this](std::string_view topic, protocol::Bytes payload, const ingest::Delivery& one) {
            message_of_queue(topic, payload, one);
          },
          [this](const ingest::Wanted& wanted, const ingest::Delivery& one) {
            arrived = one.number;
            inbox.post([this, wanted, one] { run_errand(wanted, one); });
          },
          {},
          {},
          [this] { pause_of_queues(); },
          [this](bool connected) { connection_of_queues(connected); },
          [this](const std::string& device, std::uint64_t dropped) {
            metrics.add(metrics::Count::messages_over_rate, dropped);
            inbox.post([this, device, dropped] { fleet.note_flood(device, dropped); });
          }});
}

void Pipeline::Steps::start_share() {
  ShareSettings wanted = settings.share;
  wanted.queue_count = settings.queues.queue_count;
  const auto in_thread = [this](std::function<bool()> work) {
    auto promise = std::make_shared<std::promise<bool>>();
    auto result = promise->get_future();
    const bool posted =
        inbox.post([work = std::move(work), promise] { promise->set_value(work()); });
    return posted && result.wait_for(adopt_time) == std::future_status::ready && result.get();
  };
  share = std::make_unique<Share>(
      wanted, store, *queues,
      [this, in_thread](int queue) {
        return in_thread([this, queue] { return adopt({queue, {}}); });
      },
      [this, in_thread](int queue) {
        in_thread([this, queue] {
          drop(queue);
          return true;
        });
      });
}

void Pipeline::Steps::message_of_queue(std::string_view topic, protocol::Bytes payload,
                                       const ingest::Delivery& one) {
  // What was not acknowledged comes again, from the beginning of each half photo.
  if (one.session != session) decoder.forget_texts();
  session = one.session;
  const std::size_t before = decoded.size();
  message(topic, payload);
  for (std::size_t i = before; i < decoded.size(); ++i) {
    decoded[i].queue = one.queue;
    decoded[i].session = session;
  }
  arrived = one.number;
}

void Pipeline::Steps::pause_of_queues() {
  pause();
  if (arrived == arrived_told) return;
  arrived_told = arrived;
  // In the turn that has the packets, or a later one.
  inbox.post([this, number = arrived] { arrived_settled = number; });
}

void Pipeline::Steps::connection_of_queues(bool connected) {
  metrics.set(metrics::Gauge::broker_connected, connected ? 1 : 0);
  inbox.post([this, connected] {
    commands.set_connected(connected, now_ms);
    updates.set_connected(connected, now_ms);
    wishes.set_connected(connected, now_ms);
  });
}

// What came of messages is stored, or its camera has it still: they are acknowledged, but for those
// of a photo that a SmartDTU has sent and that is not stored yet.
void Pipeline::Steps::settle_queues() {
  if (queues == nullptr || !committer.good() || arrived_settled == 0) return;
  const std::size_t early = queues->settled(arrived_settled, [this](const std::string& device) {
    return assembler.is_open(device);
  });
  if (early > 0)
    spdlog::warn(fmt::format(
        "{} messages of unfinished photos of SmartDTUs are acknowledged early: too many "
        "are unfinished; raise [fleet] prefetch",
        early));
}

// Of a queue that was given up the next worker gets all that is not settled: nothing may come of it
// here as well.
bool Pipeline::Steps::is_mine(const ingest::Packet& packet) {
  if (packet.session != session_stepped) assembler.forget_open();
  session_stepped = packet.session;
  return my_queues.contains(packet.queue);
}

bool Pipeline::Steps::adopt(const store::Owned& owned) {
  auto devices = store.devices(owned);
  auto open = store.open_commands(owned);
  auto wished = store.settings(owned);
  const auto open_updates = store.open_updates(owned);
  if (!devices || !open || !wished || !open_updates || !fleet.adopt(owned)) {
    spdlog::error(fmt::format("queue {}: what is known of its devices cannot be read; trying again",
                              owned.queue));
    return false;
  }
  std::set<std::string> fresh;
  for (store::Device& row : *devices) {
    if (registry.find(row.id) != nullptr) continue;
    fresh.insert(row.id);
    const Registry::Entry& entry = registry.adopt(std::move(row));
    commands.set_link(entry.row.id, entry.row.dialect, entry.link, now_ms);
    wishes.set_link(entry.row.id, entry.link, now_ms);
  }
  std::erase_if(*open, [&](const auto& one) { return !fresh.contains(one.device); });
  for (command::Command& command : *open) take_up_command(command);
  for (auto& one : *wished)
    if (fresh.contains(one.device)) wishes.take_up(std::move(one));
  for (const update::Update& one : *open_updates) {
    if (!fresh.contains(one.device) || updates.has_open(one.device)) continue;
    updates.add(one, now_ms);
    updates.set_link(one.device, registry.find(one.device)->link);
  }
  take_up_lights(owned);
  if (owned.queue >= 0) {
    const std::lock_guard lock(my_queues_mutex);
    my_queues.insert(owned.queue);
  }
  if (reading != nullptr) reading->wake();
  return true;
}

void Pipeline::Steps::drop(int queue) {
  {
    const std::lock_guard lock(my_queues_mutex);
    my_queues.erase(queue);
  }
  if (queues != nullptr) queues->keep(queue);
  // The packets of this turn come after its tasks: they are not settled yet.
  const auto upto = std::exchange(arrived_settled, 0);
  devices_saved_ms = 0;
  settle();
  arrived_settled = upto;
  while (committer.good() && registry.has_unsaved() && save_devices()) {
  }
  std::vector<std::string> gone;
  for (const auto& [id, entry] : registry.entries())
    if (entry.row.queue == queue) gone.push_back(id);
  for (const std::string& id : gone) {
    assembler.forget(id);
    committer.forget(id);
    commands.forget(id);
    updates.forget(id);
    wishes.forget(id);
    lights.erase(id);
    next_light.erase(id);
    ordered_ms.erase(id);
    fleet.drop(id);
    registry.drop(id);
    std::erase_if(unsaved_commands, [&](const auto& one) { return one.device == id; });
    std::erase_if(unsaved_updates, [&](const auto& one) { return one.device == id; });
  }
}

std::vector<int> Pipeline::Steps::queues_now() const {
  const std::lock_guard lock(my_queues_mutex);
  return {my_queues.begin(), my_queues.end()};
}

// ---- a worker: what servers want, and what they are told ----

void Pipeline::Steps::run_errand(const ingest::Wanted& wanted, const ingest::Delivery& one) {
  if (!my_queues.contains(one.queue)) return;  // another worker is asked now
  const auto errand = decode_errand(wanted.body);
  if (!errand)
    return spdlog::warn(fmt::format("queue {}: an order that cannot be understood", one.queue));
  if (registry.find(errand->device) == nullptr) adopt({-1, errand->device});
  if (Registry::Entry* device = registry.find(errand->device))
    registry.set_queue(*device, one.queue);
  const bool is_of_many = errand->kind == Errand::Kind::dues;
  queues->answer(wanted, is_of_many ? order_dues(*errand, one.queue)
                                    : encode(obey(*errand, one.again)));
}

// Those of devices that this worker has for sure; it says of which it does not know.
std::string Pipeline::Steps::order_dues(const Errand& errand, int queue) {
  const auto dues = dues_of(errand);
  if (!dues) return encode(Outcome{static_cast<int>(CommandError::store), 0});
  std::vector<Ordered> out(dues->size(), Ordered::elsewhere);
  std::vector<schedule::Due> fresh;
  std::vector<std::size_t> places;
  std::set<std::string_view> known;
  for (std::size_t i = 0; i < dues->size(); ++i) {
    const schedule::Due& one = (*dues)[i];
    const Registry::Entry* device = registry.find(one.device);
    if (device == nullptr || device->row.queue != queue) continue;
    // As with a single one; two schedules of one moment want one photo.
    if (!known.insert(one.device).second || was_ordered(one.device, one.due_ms)) {
      out[i] = Ordered::yes;
      continue;
    }
    fresh.push_back(one);
    places.push_back(i);
  }
  const auto done = order_together(fresh);
  if (!done) return encode(Outcome{static_cast<int>(CommandError::store), 0});
  for (std::size_t i = 0; i < places.size(); ++i)
    out[places[i]] = (*done)[i] ? Ordered::yes : Ordered::no;
  return encode(out);
}

Outcome Pipeline::Steps::obey(const Errand& errand, bool again) {
  using Kind = Errand::Kind;
  const std::string& device = errand.device;
  if (errand.kind == Kind::due) {
    // A server that leads no more, or this errand's own first try, may have asked before.
    if (was_ordered(device, errand.number)) return {};
    if (order({0, device, errand.number, errand.flag})) return {};
    return {static_cast<int>(CommandError::queue_full), 0};
  }
  // It may have been done by a worker that could not answer any more.
  if (again) return {static_cast<int>(CommandError::store), 0};
  switch (errand.kind) {
    case Kind::capture: return made_of(capture(device));
    case Kind::update: return made_of(update(device, errand.number));
    case Kind::settings: return outcome_of(change_settings(device, errand.part, errand.bytes));
    case Kind::aim:
      return outcome_of(aim(device, {static_cast<std::uint16_t>(errand.number),
                                     static_cast<std::uint16_t>(errand.second)}));
    default: break;
  }
  const auto done = fleet.obey(order_of(errand));
  Outcome out = outcome_of(done);
  if (done) out.id = *done;
  return out;
}

fleet::Order Pipeline::Steps::order_of(const Errand& errand) {
  using Kind = Errand::Kind;
  if (errand.kind == Kind::enable) return fleet::SetEnabled{errand.device, errand.flag};
  if (errand.kind == Kind::remove) return fleet::Remove{errand.device, errand.flag};
  if (errand.kind == Kind::reset) return fleet::Reset{errand.device};
  return fleet::SendControl{errand.device, static_cast<fleet::ControlKind>(errand.number),
                            {errand.bytes.begin(), errand.bytes.end()}};
}

bool Pipeline::Steps::was_ordered(const std::string& device, std::int64_t due_ms) {
  const auto newest = store.commands(device, std::numeric_limits<std::int64_t>::max(), 1);
  return newest && !newest->empty() && newest->front().created_ms >= due_ms;
}

void Pipeline::Steps::tell_servers(const Change& change) {
  if (queues == nullptr) return;
  News news{change, {}};
  if (change.kind == Change::Kind::view)
    if (auto view = views.newest(change.device)) news.view = *std::move(view);
  queues->tell(encode(news));
}

// ---- a server ----

void Pipeline::Steps::start_server() {
  leads = false;
  single = std::make_unique<store::Single>(store, "meterlens lead");
  ingest::QueueLinkSettings wanted = settings.queues;
  wanted.is_worker = false;
  queues = std::make_unique<ingest::QueueLink>(
      wanted, ingest::QueueLinkEvents{
                  {},
                  {},
                  [this](const std::string& correlation, std::string_view body) {
                    if (remote != nullptr) remote->answered(correlation, body);
                  },
                  [this](std::string_view body) {
                    auto news = decode_news(body);
                    if (!news) return;
                    if (news->change.kind == Change::Kind::view)
                      views.put(news->change.device, std::move(news->view));
                    on_change(news->change);
                  },
                  [] {},
                  [this](bool connected) {
                    metrics.set(metrics::Gauge::broker_connected, connected ? 1 : 0);
                  },
                  {},
                  [this](std::uint64_t count) {
                    metrics.set(metrics::Gauge::messages_poisoned, static_cast<double>(count));
                  }});
  remote = std::make_unique<Remote>(*queues, store);
}

// Schedules, profiles, campaigns, notifications and what forgets: of all servers one does it.
void Pipeline::Steps::tick_server() {
  if (!may_look()) return;
  const bool holds = single->hold();
  if (holds != leads) {
    spdlog::info(holds ? "this server leads now: schedules, campaigns and notifications are its own"
                       : "another server leads");
    planner = {};
    planned_devices = 0;
    schedules_looked_ms = devices_looked_ms = 0;
  }
  const bool may_plan = holds && !planner.is_ordering(now_ms);
  if (may_plan && now_ms - schedules_looked_ms >= schedules_ms) {
    schedules_looked_ms = now_ms;
    load_schedules();
    fleet.look_again();
  }
  if (may_plan && now_ms - devices_looked_ms >= devices_ms) {
    devices_looked_ms = now_ms;
    plan_devices();
  }
  leads = holds;
}

void Pipeline::Steps::plan_devices() {
  constexpr int page = 10'000;
  std::vector<std::string> all;
  for (store::DeviceFilter filter{.count_max = page};; filter.after = all.back()) {
    auto some = store::Fleet(store).devices(filter);
    if (!some)
      return spdlog::error(fmt::format("devices cannot be planned: {}", some.error().message));
    const bool is_last = some->size() < static_cast<std::size_t>(page);
    std::ranges::move(*some, std::back_inserter(all));
    if (is_last || all.empty()) break;
  }
  if (all.size() != planned_devices) planner.set_devices(all);
  planned_devices = all.size();
}

// Once a second.
bool Pipeline::Steps::may_look() {
  if (now_ms - looked_ms < look_ms && now_ms >= looked_ms) return false;
  looked_ms = now_ms;
  if (now_ms - clock_looked_ms < clock_ms && now_ms >= clock_looked_ms) return true;
  clock_looked_ms = now_ms;
  follow_clock();
  return true;
}

void Pipeline::Steps::tick_worker() {
  if (!may_look()) return;
  // Of a queue that is another worker's by now, and a message that came late.
  std::set<int> strange;
  for (const auto& [id, entry] : registry.entries())
    if (entry.row.queue >= 0) strange.insert(entry.row.queue);
  for (const int queue : queues_now()) strange.erase(queue);
  for (const int queue : strange) drop(queue);
  // A server has stored photos that people sent, or a worker ones that it could not read any more.
  if (reading != nullptr) reading->wake();
}

}  // namespace meterlens::server
