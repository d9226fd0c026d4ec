// The inside of the pipeline: every step as a member and what connects them. steps.cpp has what
// runs in the pipeline's one thread, in the order of the list in pipeline.h, update_steps.cpp what
// remote update adds to it, fleet_steps.h what many devices need, second_steps.cpp photos that
// people send and photos with other light; pipeline.cpp has start and stop, the link's thread and
// the doors for other threads.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/clock.h"
#include "server/fleet_steps.h"
#include "server/ingest/inbox.h"
#include "server/pipeline.h"
#include "server/schedule/planner.h"
#include "server/store/leases.h"

namespace meterlens::server {

// How often what depends on time alone is looked after.
inline constexpr std::int64_t tick_ms = 500;
// A turn that comes so long after the last one: the clock was set, or the machine slept.
inline constexpr std::int64_t clock_step_ms = 60'000;

// A photo is being taken with other light; the light from before comes back in any case.
struct OpenLight {
  command::LightTry record;
  std::uint32_t revision = 0;  // of the settings that were sent; 0: they could not be yet
  std::int64_t since_ms = 0;   // of the state
};
struct WantedLight {
  std::int64_t photo = 0;
  std::int64_t command = 0;
  std::string fault;
};

class Remote;
class Share;
struct Errand;
struct Outcome;

struct Pipeline::Steps {
  Steps(const Settings& given, store::Store& its_store, metrics::Metrics& its_metrics,
        std::function<void(const Change&)> its_on_change);
  ~Steps();

  Settings settings;
  store::Store& store;
  metrics::Metrics& metrics;
  std::function<void(const Change&)> on_change;
  // Unix time in ms, also asked in the link's thread; a simulation has its own. In a fleet it is
  // the database's: the clocks of machines may be minutes apart.
  std::atomic<std::int64_t> clock_ahead_ms = 0;
  std::function<std::int64_t()> clock = [this] { return unix_ms() + clock_ahead_ms; };

  // In the link's thread.
  ingest::Decoder decoder;
  std::vector<ingest::Packet> decoded;
  std::int64_t decoder_ticked_ms = 0;
  ingest::Inbox inbox;

  // In the pipeline's thread.
  Registry registry;
  photo::Receiver receiver;
  photo::Assembler assembler;
  Committer committer;
  command::Queue commands;
  command::SettingsBook wishes;
  std::vector<command::Command> unsaved_commands;
  schedule::Planner planner;
  photo::Views views;
  std::map<std::string, OpenLight> lights;        // by device
  std::map<std::string, WantedLight> next_light;  // when the open one is done
  std::int64_t commands_ticked_ms = 0, devices_saved_ms = 0, wishes_walked_ms = 0;
  bool plans_meters = false;  // a schedule names some
  std::int64_t cameras_change_ms = INT64_MAX;  // when others will look at them
  // By schedule, of a server, which looks at its schedules every two seconds.
  struct Cameras {
    std::int64_t version = 0;
    std::vector<std::string> devices;
  };
  std::map<std::int64_t, Cameras> cameras_known;
  std::int64_t cameras_until_ms = 0;
  std::size_t planned_devices = 0;  // devices never go, so a number tells of new ones
  // By device, of the commands that were open at start: a scheduled one may be among them.
  std::map<std::string, std::int64_t> ordered_ms;
  Images images;
  update::Sender updates;
  std::vector<update::Update> unsaved_updates;
  FleetSteps fleet{*this};
  std::int64_t now_ms = 0;
  std::int64_t ticked_ms = 0;

  mutable std::mutex fault_mutex;
  std::string fault;

  // How messages leave; tests listen here.
  std::function<void(std::string topic, std::vector<std::uint8_t> payload, int qos)> publish;

  std::string server_hash;      // of the server's own password at the embedded broker
  bool users_are_stale = false;  // of the embedded broker
  std::unique_ptr<ingest::Broker> broker;
  std::unique_ptr<SecondQueue> second;
  std::unique_ptr<ReadingQueue> reading;
  std::unique_ptr<ingest::Link> link;

  // Of a part of a fleet, share_steps.cpp; the numbers are of deliveries.
  std::uint64_t arrived = 0, arrived_told = 0;  // in the link's thread
  std::uint32_t session = 0;                    // there too, of the newest delivery
  std::uint64_t arrived_settled = 0;
  std::uint32_t session_stepped = 0;
  std::atomic<bool> leads = true;
  std::int64_t looked_ms = 0, schedules_looked_ms = 0, devices_looked_ms = 0;
  std::int64_t clock_looked_ms = 0;
  mutable std::mutex my_queues_mutex;
  std::set<int> my_queues;
  std::unique_ptr<store::Single> single;
  std::unique_ptr<ingest::QueueLink> queues;
  std::unique_ptr<Remote> remote;
  std::unique_ptr<Share> share;
  std::thread thread;

  std::expected<void, std::string> prepare();
  // Those with a credential, and the server.
  std::expected<std::vector<ingest::BrokerUser>, std::string> broker_users();
  std::expected<void, std::string> close_broker();
  void tell_broker();
  void take_up_commands();
  void take_up_command(command::Command& command);
  void take_up_updates();
  std::optional<command::Command> already_done(const command::Command& open);
  void start_threads(ReadPhoto read);
  void start_readers(ReadPhoto read);
  void tell(const photo::Photo& photo, const store::Judged& judged);
  void finish_elsewhere(std::int64_t command, std::int64_t made);
  template <class Value, class Error>
  std::expected<Value, Error> ask(std::function<std::expected<Value, Error>(Steps&)> work);
  void stop();

  void message(std::string_view topic, protocol::Bytes payload);
  void pause();
  void connection(bool connected);

  void run();
  void turn(std::vector<ingest::Packet>& packets, std::vector<ingest::Task>& tasks);
  void look_at_clock();
  void step(ingest::Packet& packet);
  void content(Registry::Entry& device, ingest::Packet& packet);
  void smart_piece(Registry::Entry& device, ingest::SmartPiece piece);
  void tick();
  void load_schedules();
  void resolve(std::vector<schedule::Schedule>& schedules);
  store::Result<std::vector<std::string>> cameras_of(const schedule::Schedule& one);
  void forget_cameras();
  void order_scheduled();
  std::optional<std::vector<bool>> order_together(std::span<const schedule::Due> due);
  bool order(const schedule::Due& due);
  command::Command command_of(const std::string& device) const;  // without an id
  command::Command failed_command(const schedule::Due& due) const;
  void take_in(const command::Command& command);  // one that is stored
  void settle();
  void settle_receiver();
  void settle_assembler();
  void settle_photos();
  void photo_stored(photo::Photo& photo);
  void photo_came(const std::string& device, std::int64_t command, std::int64_t photo);
  void note_refusal(const photo::RefusedPhoto& refusal);
  void bad_shot(const std::string& device, std::int64_t command, std::int64_t photo,
                const std::string& reason);
  void settle_commands();
  bool may_walk(std::int64_t& walked_ms) const;
  bool save_devices();
  void settle_updates();
  void settings_taken(const std::string& device, const ingest::SettingsTaken& taken);
  void heard_settings(const std::string& device, protocol::Part part, std::uint32_t revision);
  void save_wish(const std::string& device, protocol::Part part);
  void settle_settings();
  void send(const store::Device& device, const protocol::Message& message);
  std::expected<void, CommandError> aim(const std::string& device, const protocol::Aim& aim);
  std::expected<command::WishedSettings, CommandError> change_settings(const std::string& device,
                                                                       protocol::Part part,
                                                                       protocol::Bytes entries);
  // second_steps.cpp
  std::expected<Uploaded, CommandError> upload(photo::Photo photo);
  void take_up_lights(const store::Owned& owned = {});
  void want_light(const std::string& device, const WantedLight& wanted);
  void light_command(const command::Command& command);
  void tick_lights();
  bool tick_light(OpenLight& open);
  void shoot_in_light(OpenLight& open);
  void end_light(OpenLight& open, const std::string& note);
  void undo_light(OpenLight& open);
  void save_light(OpenLight& open);
  // share_steps.cpp
  void follow_clock();
  void start_worker();
  void start_share();
  void start_server();
  void message_of_queue(std::string_view topic, protocol::Bytes payload,
                        const ingest::Delivery& one);
  void pause_of_queues();
  void connection_of_queues(bool connected);
  void settle_queues();
  bool is_mine(const ingest::Packet& packet);
  bool adopt(const store::Owned& owned);
  void drop(int queue);
  std::vector<int> queues_now() const;
  void run_errand(const ingest::Wanted& wanted, const ingest::Delivery& one);
  Outcome obey(const Errand& errand, bool again);
  std::string order_dues(const Errand& errand, int queue);  // its answer
  static fleet::Order order_of(const Errand& errand);
  bool was_ordered(const std::string& device, std::int64_t due_ms);
  void tell_servers(const Change& change);
  bool may_look();
  void tick_worker();
  void tick_server();
  void plan_devices();
  void send_capture(const command::Send& order);
  bool belongs(const std::string& device, std::int64_t command);
  bool is_sent_again(const photo::Photo& photo);
  bool is_rest_of_stored(const photo::Photo& photo);
  std::optional<bool> is_stored(const std::string& device, std::uint32_t photo_id,
                                const protocol::Digest& sha256);
  std::expected<command::Command, CommandError> capture(const std::string& device);
  std::expected<update::Update, UpdateError> update(const std::string& device, std::int64_t image);
};

std::string topic_of(const store::Device& device, protocol::Channel channel);

}  // namespace meterlens::server
