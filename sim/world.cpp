#include "sim/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace meterlens::sim {
namespace {

constexpr std::int64_t minute_us = 60'000'000;
constexpr std::int64_t two_days_ms = 2 * 86'400'000;
constexpr std::int64_t reading_ms_max = 10'000;  // from a stored photo to its reading
constexpr std::int64_t timer_period_s_min = 300;

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

std::string words_of(const protocol::Message& message) {
  using namespace protocol;
  return std::visit(
      Overloaded{
          [](const Hello& m) {
            return fmt::format("Hello, {} waiting, {} lost", m.photos_waiting, m.photos_lost);
          },
          [](const Report& m) {
            return fmt::format("Report {}, state {}, failure {}", m.command_id,
                               static_cast<int>(m.state), name(m.failure));
          },
          [](const Offer& m) {
            return fmt::format("Offer {}, {} bytes", m.photo_id, m.photo_bytes);
          },
          [](const Packet& m) { return fmt::format("Packet {}.{}", m.photo_id, m.index); },
          [](const Sent& m) { return fmt::format("Sent {}", m.photo_id); },
          [](const Capture& m) { return fmt::format("Capture {}", m.command_id); },
          [](const Missing& m) {
            return fmt::format("Missing {}, bitmap of {}", m.photo_id, m.bitmap.size());
          },
          [](const Stored& m) { return fmt::format("Stored {}", m.photo_id); },
          [](const Refused& m) {
            return fmt::format("Refused {}, {}", m.photo_id, name(m.reason));
          },
          [](const Clock&) { return std::string("Clock"); },
          [](const Health& m) {
            return fmt::format("Health, settings {}, light {}", m.settings_revision, name(m.light));
          },
          [](const View& m) { return fmt::format("View {}.{}", m.number, m.index); },
          [](const Aim& m) { return fmt::format("Aim for {} s", m.seconds); },
          [](const Settings& m) {
            return fmt::format("Settings {} for the {}", m.revision, name(m.part));
          },
          [](const Image& m) {
            return fmt::format("Image of version {} for the {}", m.version, name(m.part));
          },
          [](const ImagePacket& m) { return fmt::format("ImagePacket {}", m.index); },
          [](const ImageSent& m) { return fmt::format("ImageSent {}", m.update_id); },
          [](const ImageMissing& m) { return fmt::format("ImageMissing {}", m.update_id); },
          [](const ImageState& m) {
            return fmt::format("ImageState {} of the {}: {}", m.update_id, name(m.part),
                               name(m.state));
          },
          [](const SettingsTaken& m) {
            return fmt::format("Settings {} taken by the {}", m.revision, name(m.part));
          }},
      message);
}

}  // namespace

std::optional<Site> site_named(std::string_view name) {
  constexpr std::array<std::string_view, 5> names = {"awake", "light", "deep", "behind-smartdtu",
                                                     "deployed"};
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Site>(found - names.begin());
}

World::World(const Plan& plan)
    : plan_(plan),
      faults_(plan.faults),
      random_(plan.seed),
      broker_(events_, faults_, random_.branch()),
      judge_(events_),
      end_us_(plan.minutes * minute_us) {
  server_ = std::make_unique<Server>(
      events_, broker_, folder_.path(),
      Server::Hooks{[this](std::int64_t row) { judge_.look(*server_, row); },
                    [this] { judge_.look(*server_); },
                    [this](const std::string& what) { judge_.broken("server", what); }},
      plan.limits);
  for (int i = 0; i < plan.devices; ++i) {
    if (site_of(i) == Site::deployed) {
      deployed_.push_back(std::make_unique<Deployed>(events_, broker_, faults_,
                                                     fmt::format("m{}", i + 1), random_.branch()));
      deployed_.back()->on_shot = [this](const std::string& name, protocol::Bytes photo) {
        judge_.note_shot(name, photo);
      };
      continue;
    }
    devices_.push_back(std::make_unique<Device>(
        events_, broker_, faults_, settings_of(i), random_.branch()));
    Device& device = *devices_.back();
    device.on_camera = [this](Device& which) { judge_.look(which, *server_); };
    device.flash().set_failure(faults_.flash_failure);
    device.sensor().failure_chance = faults_.sensor_failure;
  }
}

World::~World() = default;

// Many seeds with few devices come to all kinds, and so does one seed with many.
Site World::site_of(int index) const {
  constexpr std::array mix = {Site::awake, Site::light, Site::deep,  Site::behind_smartdtu,
                              Site::awake, Site::deep,  Site::light, Site::deployed};
  return plan_.site.value_or(mix[(plan_.seed + static_cast<std::uint64_t>(index)) % mix.size()]);
}

DeviceSettings World::settings_of(int index) const {
  const Site site = site_of(index);
  DeviceSettings out{.name = fmt::format("m{}", index + 1)};
  if (site == Site::light) out.sleep.mode = camera::SleepMode::light;
  if (site == Site::deep) out.sleep.mode = camera::SleepMode::deep;
  if (site == Site::behind_smartdtu) out.product = "meters";
  const bool has_timer = (plan_.seed / 8 + static_cast<std::uint64_t>(index)) % 3 == 1;
  if (!plan_.site && has_timer && out.product.empty())
    out.timer_period_s = static_cast<std::uint32_t>(
        std::max(order_period_us() / 1'000'000, timer_period_s_min));
  return out;
}

std::int64_t World::arrival_bound_ms() const {
  for (int i = 0; i < plan_.devices; ++i)
    if (site_of(i) == Site::light || site_of(i) == Site::deep) return arrival_ms_max + nap_ms_max;
  return arrival_ms_max;
}

void World::start() {
  if (plan_.log)
    broker_.on_message = [this](std::string_view topic, protocol::Bytes payload) {
      log_message(topic, payload);
    };
  server_->start();
  for (const auto& device : devices_) device->start();
  for (const auto& device : deployed_) device->start();
}

void World::log(const std::string& what) const {
  if (plan_.log) plan_.log(events_.now_ms(), what);
}

void World::log_message(std::string_view topic, protocol::Bytes payload) const {
  const auto message = protocol::decode_message(payload);
  if (!message) {
    return log(fmt::format("{} {}", topic, std::string_view(
        reinterpret_cast<const char*>(payload.data()), std::min<std::size_t>(payload.size(), 60))));
  }
  log(fmt::format("{} {}", topic, words_of(*message)));
}

void World::every(double mean_minutes, const std::string& what, std::function<void()> work) {
  if (mean_minutes <= 0) return;
  const auto gap_us = static_cast<std::int64_t>(random_.gap(mean_minutes) * minute_us);
  if (events_.now_us() + gap_us >= end_us_) return;
  events_.after(gap_us, [=, this, work = std::move(work)]() mutable {
    log("fault: " + what);
    work();
    every(mean_minutes, what, std::move(work));
  });
}

// A few photos in a short world, a few a day in a long one.
std::int64_t World::order_period_us() const {
  return std::clamp<std::int64_t>(plan_.minutes / 6, 2, 360) * minute_us;
}

void World::order(const std::string& device, std::int64_t period_us) {
  const std::int64_t gap_us = random_.in(period_us / 2, period_us * 3 / 2);
  if (events_.now_us() + gap_us >= end_us_) return;
  events_.after(gap_us, [this, device, period_us] {
    log("order to " + device);
    server_->capture(device);
    order(device, period_us);
  });
}

void World::schedule_device(Device& device) {
  const auto away_us = [this](std::int64_t most_s) { return random_.in(1, most_s) * 1'000'000; };
  const auto with = [&](double mean_minutes, const char* what, std::function<void()> work) {
    every(mean_minutes, device.name() + ": " + what, std::move(work));
  };
  order(device.name(), order_period_us());
  with(faults_.camera_cut_minutes, "camera without power",
       [=, &device] { device.cut_camera(away_us(60)); });
  with(faults_.flash_cut_minutes, "power cut in a flash write to come", [this, &device] {
    const double share = random_.unit();
    device.cut_at_flash_write(static_cast<int>(random_.in(1, 6)), share);
  });
  with(faults_.dtu_cut_minutes, "DTU without power", [=, &device] { device.cut_dtu(away_us(60)); });
  with(faults_.link_cut_minutes, "no service", [=, &device] { device.cut_link(away_us(180)); });
  with(faults_.mute_minutes, "camera's line broken", [=, this, &device] {
    device.mute_camera(true);
    events_.after(away_us(1200), [&device] { device.mute_camera(false); });
  });
  with(faults_.rot_minutes, "a bit in the flash turns", [&device] { device.flash().rot(); });
  with(faults_.clock_jump_minutes, "network time jumps", [this, &device] {
    device.jump_clock(random_.in(-two_days_ms, two_days_ms));
  });
}

void World::schedule_deployed(Deployed& device) {
  order(device.name(), order_period_us());
  every(faults_.link_cut_minutes, device.name() + ": no service",
        [this, &device] { device.cut_link(random_.in(1, 180) * 1'000'000); });
  every(faults_.dtu_cut_minutes, device.name() + ": without power",
        [this, &device] { device.cut_power(random_.in(1, 60) * 1'000'000); });
}

void World::schedule_world() {
  const auto away_us = [this] { return random_.in(1, 60) * 1'000'000; };
  every(faults_.broker_restart_minutes, "broker restarts",
        [=, this] { broker_.restart(away_us()); });
  every(faults_.server_kill_minutes, "server killed in one of its next writes", [=, this] {
    const std::int64_t gone_us = away_us();
    server_->kill_at_write(static_cast<int>(random_.in(0, 20)), gone_us);
  });
  every(faults_.disk_full_minutes, "server's disk is full",
        [this] { server_->fill_disk(random_.in(1, 180) * 1'000'000); });
  every(faults_.server_jump_minutes, "server's clock jumps",
        [this] { server_->jump_clock(random_.in(-two_days_ms, two_days_ms)); });
}

void World::stop_faults() {
  log("no more faults");
  faults_ = Faults{};
  broker_.restore();
  for (const auto& device : devices_) {
    device->flash().set_failure(0);
    device->sensor().failure_chance = 0;
    device->restore();
  }
  for (const auto& device : deployed_) device->restore();
  server_->restore();
  for (const auto& device : devices_)
    calm_marks_.emplace_back(device->camera_starts(), device->camera()->counters().failed_shots);
}

void World::run_until(std::int64_t at_ms) {
  while (!judge_.violation() && events_.step(at_ms * 1000)) {
  }
}

bool World::run_to_arrival(std::int64_t most_ms) {
  const std::int64_t until_us = events_.now_us() + most_ms * 1000;
  while (!judge_.violation() && !judge_.all_arrived() && events_.step(until_us)) {
  }
  return judge_.all_arrived();
}

// And ends them, so that the world comes to rest.
void World::demand_timers(std::int64_t calm_since_ms) {
  for (const auto& device : devices_) {
    if (device->timer_period_s() == 0) continue;
    // A slot of the flash that failed is not tried again: then a shot may find no room.
    const auto index = static_cast<std::size_t>(&device - devices_.data());
    const auto& [starts, failed_shots] = calm_marks_[index];
    const bool all_well = device->camera() != nullptr && device->camera_starts() == starts
                              ? device->camera()->counters().failed_shots == failed_shots
                              : device->camera_sleeps() > 0;
    if (all_well)
      judge_.demand_timer(*device, calm_since_ms + arrival_ms_max, events_.now_ms());
    device->set_timer(0);
  }
}

Outcome World::run() {
  start();
  for (const auto& device : devices_) schedule_device(*device);
  for (const auto& device : deployed_) schedule_deployed(*device);
  schedule_world();
  run_until(plan_.minutes * std::int64_t{60'000});
  stop_faults();
  const std::int64_t calm_since_ms = events_.now_ms();
  if (!run_to_arrival(arrival_bound_ms())) judge_.demand_arrival();
  arrival_ms_ = events_.now_ms() - calm_since_ms;
  if (judge_.violation()) return outcome();
  run_until(std::max(calm_since_ms + rest_ms_max, events_.now_ms()));
  demand_timers(calm_since_ms);
  // Commands that were on their way when the faults stopped may have brought more.
  if (!run_to_arrival(arrival_bound_ms())) judge_.demand_arrival();
  // The last one to arrive is read a little later, and its command ends then.
  run_until(events_.now_ms() + reading_ms_max);
  // One whose photo was lost in the camera ends when it is given up, at a turn of an idle server.
  const std::int64_t given_up_by_ms = events_.now_ms() + given_up_ms + 60'000;
  while (server_->running() && !server_->store().open_commands()->empty() &&
         events_.now_ms() < given_up_by_ms)
    run_until(events_.now_ms() + reading_ms_max);
  if (server_->running()) {
    judge_.look(*server_);
    judge_.demand_commands(*server_);
    judge_.demand_readings(*server_);
    for (const auto& device : devices_)
      judge_.demand_presence(device->name(), device->dialect() == protocol::Dialect::native,
                             device->attached(), *server_);
    for (const auto& device : deployed_)
      judge_.demand_presence(device->name(), false, device->attached(), *server_);
  } else {
    judge_.broken("server", "it has not come back");
  }
  return outcome();
}

Outcome World::outcome() const {
  Outcome out;
  out.violation = judge_.violation();
  out.kept = judge_.kept_count();
  out.stored = judge_.stored_count();
  out.unanswered = judge_.unanswered_count();
  out.lost = judge_.lost_count();
  out.arrival_ms = arrival_ms_;
  for (const auto& device : devices_) out.sleeps += device->camera_sleeps();
  out.commands_failed = server_->metrics().count(metrics::Count::commands_failed);
  out.messages = broker_.counters().messages;
  out.events = events_.done_count();
  out.trace = broker_.trace() ^ out.stored << 32 ^ out.events;
  return out;
}

}  // namespace meterlens::sim
