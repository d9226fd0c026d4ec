// A whole world: cameras, DTUs, wires, a broker and the server in one process and one thread, in
// virtual time, all chance from one seed. Faults last as long as photos are ordered; then the
// world must come to rest in a stated time. Checked all the while by a Judge.
// Owns everything in it; its files lie in a folder of their own that goes with it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/deployed.h"
#include "sim/folder.h"
#include "sim/judge.h"

namespace meterlens::sim {

// What stands at a meter.
enum class Site : std::uint8_t {
  awake,  // camera and DTU of ours
  light,  // their camera sleeps between photos
  deep,
  behind_smartdtu,  // a camera of ours behind a SmartDTU
  deployed,         // camera and SmartDTU as they are in the field
};
// "awake", "light", "deep", "behind-smartdtu", "deployed"; nothing for another word.
std::optional<Site> site_named(std::string_view name);

struct Plan {
  std::uint64_t seed = 1;
  int devices = 1;
  int minutes = 60;
  Faults faults = {};
  // Of all devices; else they are mixed, by seed and number, and a third of our DTUs has a timer
  // of its own.
  std::optional<Site> site = {};
  Server::Limits limits = {};
  // Told what happens: faults, orders, messages. Empty: nobody listens.
  std::function<void(std::int64_t at_ms, const std::string& what)> log = {};
};

// What is still due once the faults have stopped: the longest way a photo may have to go is a dead
// connection that is noticed after 45 s, a pause of up to 90 s before the next try, and a camera
// that asks every 60 s. Commands wait for at most 10 minutes, twice.
inline constexpr std::int64_t arrival_ms_max = 300'000;
// A camera that sleeps with a photo that nobody took tries again by itself after so long at most:
// no fault of this world keeps it from the server for an hour, and naps double.
inline constexpr std::int64_t nap_ms_max = 32 * 60'000;
inline constexpr std::int64_t rest_ms_max = 1'500'000;

struct Outcome {
  std::optional<Violation> violation;
  std::uint64_t kept = 0, stored = 0, lost = 0, unanswered = 0;  // photos, see Judge
  std::int64_t arrival_ms = 0;  // from the end of the faults to the last photo due
  std::uint64_t sleeps = 0;    // of cameras
  std::uint64_t commands_failed = 0;
  std::uint64_t messages = 0;  // through the broker
  std::uint64_t events = 0;
  std::uint64_t trace = 0;  // equal for equal plans
};

class World {
 public:
  explicit World(const Plan& plan);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // To the end, or to the first violation.
  Outcome run();

  // For stories that go by hand.
  void start();
  void run_until(std::int64_t at_ms);
  // Until all photos have arrived; false: not within `most_ms`.
  bool run_to_arrival(std::int64_t most_ms);
  Outcome outcome() const;
  const std::filesystem::path& folder() const { return folder_.path(); }
  Events& events() { return events_; }
  Broker& broker() { return broker_; }
  Server& server() { return *server_; }
  // Of those that are ours; the deployed ones are not counted.
  Device& device(std::size_t index) { return *devices_[index]; }
  Deployed& deployed(std::size_t index) { return *deployed_[index]; }
  Judge& judge() { return judge_; }

 private:
  Site site_of(int index) const;
  DeviceSettings settings_of(int index) const;
  void demand_timers(std::int64_t calm_since_ms);
  std::int64_t arrival_bound_ms() const;
  void schedule_device(Device& device);
  void schedule_world();
  void every(double mean_minutes, const std::string& what, std::function<void()> work);
  void log(const std::string& what) const;
  void log_message(std::string_view topic, protocol::Bytes payload) const;
  void order(const std::string& device, std::int64_t period_us);
  void schedule_deployed(Deployed& device);
  std::int64_t order_period_us() const;
  void stop_faults();

  Plan plan_;
  Faults faults_;
  Random random_;
  Events events_;
  Broker broker_;
  Judge judge_;
  Folder folder_;
  std::unique_ptr<Server> server_;
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Deployed>> deployed_;
  // Of each of our devices when the faults stopped: starts of its camera, failed shots since.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> calm_marks_;
  std::int64_t end_us_;
  std::int64_t arrival_ms_ = 0;
};

}  // namespace meterlens::sim
