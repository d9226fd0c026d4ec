#include "sim/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "server/photo/files.h"

namespace meterlens::sim {
namespace {

// Photos that a flash can hold, and some: how far back a number may come again.
constexpr std::uint32_t ids_back = 40;
constexpr std::int64_t time_error_ms_max = 3'000;
// From a timer's moment to the shot: a lost order is repeated after 20 s and 40 s, and a camera may
// have to be woken.
constexpr std::int64_t timer_late_ms_max = 120'000;

std::string short_hash(const protocol::Digest& sha256) {
  const auto digits = protocol::hex(sha256);
  return std::string(digits.data(), 8);
}

}  // namespace

void Judge::broken(const std::string& where, const std::string& what) {
  if (!violation_) violation_ = Violation{events_.now_ms(), where, what};
}

Judge::Photo* Judge::find(Books& books, std::uint32_t id, const protocol::Digest& sha256) {
  // A SmartDTU's photos have no number in the store.
  const auto found = std::find_if(books.photos.rbegin(), books.photos.rend(), [&](const Photo& p) {
    return (p.id == id || (id == 0 && books.smartdtu)) && p.sha256 == sha256;
  });
  return found == books.photos.rend() ? nullptr : &*found;
}

// ---- cameras ----

void Judge::look(Device& device, Server& server) {
  if (device.camera() == nullptr) return;
  Books& books = books_[device.name()];
  if (books.writes_seen == device.flash().writes() && books.starts_seen == device.camera_starts())
    return;
  books.smartdtu = device.dialect() == protocol::Dialect::smartdtu;
  books.writes_seen = device.flash().writes();
  books.starts_seen = device.camera_starts();
  note_new(device, books);
  note_gone(device, books, server);
}

void Judge::note_new(Device& device, Books& books) {
  const camera::PhotoRing& ring = device.camera()->ring();
  const std::uint32_t next_id = ring.next_id();
  for (std::uint32_t id = next_id > ids_back ? next_id - ids_back : 1; id < next_id; ++id) {
    const auto photo = ring.find(id);
    if (!photo) continue;
    if (Photo* known = find(books, id, photo->sha256)) {
      // One that the camera had forgotten, but whose mark the flash did not take.
      if (!known->in_flash)
        books.in_flash.push_back(static_cast<std::size_t>(known - books.photos.data()));
      known->in_flash = true;
      if (known->state == State::lost) {
        move(*known, State::waiting);
        if (books.lost_seen > 0) --books.lost_seen;
      }
      continue;
    }
    const auto& shots = device.sensor().shots();
    const auto shot = std::find_if(shots.begin(), shots.end(), [&](const Sensor::Shot& one) {
      return one.sha256 == photo->sha256 && one.bytes == photo->bytes;
    });
    if (shot == shots.end())
      return broken(device.name(),
                    fmt::format("the camera keeps photo {}, which was never shot", id));
    books.in_flash.push_back(books.photos.size());
    books.photos.push_back({id, shot->sha256, shot->bytes, shot->at_ms});
    if ((photo->command_id & dtu::timer_command) != 0)
      books.photos.back().timer_order = photo->command_id;
    ++kept_;
    ++waiting_;
  }
}

void Judge::note_gone(Device& device, Books& books, Server& server) {
  const camera::PhotoRing& ring = device.camera()->ring();
  if (ring.lost_count() < books.lost_seen)
    broken(device.name(), fmt::format("the camera counts {} lost photos and has counted {} before",
                                      ring.lost_count(), books.lost_seen));
  std::uint32_t lost = ring.lost_count() - std::min(books.lost_seen, ring.lost_count());
  books.lost_seen = ring.lost_count();
  std::erase_if(books.in_flash, [&](std::size_t index) {
    Photo& photo = books.photos[index];
    const auto still = ring.find(photo.id);
    if (still && still->sha256 == photo.sha256) return false;
    photo.in_flash = false;
    if (photo.state != State::waiting) return true;
    if (server.running() && is_stored(server, device.name(), photo)) return true;
    if (lost > 0) {
      --lost;
      move(photo, State::lost);
    } else if (books.smartdtu) {
      move(photo, State::unanswered);
    } else if (server.running()) {
      broken(device.name(),
             fmt::format("photo {} ({}, {} bytes) is gone from the flash, not stored and not "
                         "counted as lost", photo.id, short_hash(photo.sha256), photo.bytes));
    } else {
      unsure_.emplace_back(device.name(), index);
    }
    return true;
  });
}

// ---- server ----

bool Judge::is_stored(Server& server, const std::string& device, const Photo& photo) {
  const std::uint32_t number = books_[device].smartdtu ? 0 : photo.id;
  const auto row = server.store().find_photo(device, number, photo.sha256);
  if (!row || !*row) return false;
  check_row(server, **row);
  return photo.state == State::stored;
}

void Judge::look(Server& server) {
  const auto rows = server.store().photos({.count_max = 10'000'000});
  if (!rows) return broken("server", rows.error().message);
  for (const photo::Photo& row : *rows) check_row(server, row);
  check_unsure(server);
}

void Judge::check_unsure(Server& server) {
  for (const auto& [device, index] : std::exchange(unsure_, {})) {
    Photo& photo = books_[device].photos[index];
    if (photo.state == State::waiting && !is_stored(server, device, photo))
      broken(device, fmt::format("photo {} went from the flash while the server was away, and the "
                                 "server has not stored it", photo.id));
  }
}

void Judge::look(Server& server, std::int64_t row) {
  const auto photo = server.store().photo(row);
  if (!photo) return broken("server", photo.error().message);
  check_row(server, *photo);
}

void Judge::check_row(Server&, const photo::Photo& row) {
  Books& books = books_[row.device];
  if (books.smartdtu && row.state == photo::PhotoState::quarantined) return;
  Photo* photo = find(books, row.photo_id, row.sha256);
  const std::string name = fmt::format("photo {} of {} (row {})", row.photo_id, row.device, row.id);
  if (photo == nullptr) return broken("server", name + " is stored and no camera has kept it");
  if (photo->row == row.id) return;
  if (photo->row != 0)
    return broken("server", fmt::format("{} is stored twice, also in row {}", name, photo->row));
  photo->row = row.id;
  if (row.state != photo::PhotoState::stored)
    return broken("server", name + " is quarantined: " + row.reason);
  const auto bytes = photo::Files::read(row.path, protocol::photo_bytes_max);
  if (!bytes) return broken("server", bytes.error().message);
  if (bytes->size() != photo->bytes || protocol::sha256(*bytes) != photo->sha256)
    return broken("server", name + " is stored with other bytes");
  const std::int64_t error_ms =
      std::abs(row.captured_at_ms - unix_begin_ms - photo->shot_at_ms);
  if (expect_times_ && error_ms > time_error_ms_max)
    return broken("server", fmt::format("{} bears a time {} ms from its shot", name, error_ms));
  move(*photo, State::stored);
}

std::uint64_t& Judge::count_of(State state) {
  switch (state) {
    case State::waiting: return waiting_;
    case State::stored: return stored_;
    case State::lost: return lost_;
    default: return unanswered_;
  }
}

void Judge::move(Photo& photo, State to) {
  --count_of(photo.state);
  photo.state = to;
  ++count_of(to);
}

void Judge::demand_arrival() {
  for (const auto& [device, books] : books_) {
    for (const Photo& photo : books.photos)
      if (photo.state == State::waiting)
        broken(device, fmt::format("photo {} ({} bytes) has not arrived in time", photo.id,
                                   photo.bytes));
  }
  if (!unsure_.empty()) broken("server", "it has not come back in time");
}

void Judge::demand_commands(Server& server) {
  const auto open = server.store().open_commands();
  if (!open) return broken("server", open.error().message);
  for (const command::Command& command : *open)
    broken("server", fmt::format("command {} to {} is still {}", command.id, command.device,
                                 name(command.state)));
  const auto photos = server.store().photos({.count_max = 10'000'000});
  if (!photos) return broken("server", photos.error().message);
  for (const photo::Photo& photo : *photos) {
    if (photo.command == 0 || photo.state != photo::PhotoState::stored) continue;
    const auto command = server.store().command(photo.command);
    if (!command || command->state != command::State::read)
      broken("server", fmt::format("command {} is {}, and its photo in row {} is stored",
                                   photo.command, command ? name(command->state) : "gone",
                                   photo.id));
  }
}

void Judge::demand_readings(Server& server) {
  const auto photos = server.store().photos({.count_max = 10'000'000});
  const auto readings = server.store().readings({.count_max = 10'000'000});
  if (!photos || !readings) return broken("server", "its store cannot be asked");
  std::unordered_map<std::int64_t, int> counts;
  for (const validate::Reading& reading : *readings) ++counts[reading.photo];
  for (const photo::Photo& photo : *photos) {
    const int due = photo.state == photo::PhotoState::stored ? 1 : 0;
    if (counts[photo.id] != due)
      broken("server", fmt::format("photo in row {} has {} readings instead of {}", photo.id,
                                   counts[photo.id], due));
  }
}

void Judge::demand_presence(const std::string& device, bool native, bool attached,
                            const Server& server) {
  const auto online = server.online(device);
  if (!online) return;
  if (*online && !attached) broken(device, "it is shown as online, and has long gone");
  if (!*online && attached && native)
    broken(device, "it is connected, and shown as offline");
}

void Judge::demand_timer(const Device& device, std::int64_t from_ms, std::int64_t to_ms) {
  const std::int64_t period_ms = std::int64_t{1000} * device.timer_period_s();
  for (std::int64_t due_ms = device.timer_moment_ms(from_ms);
       due_ms + timer_late_ms_max <= to_ms; due_ms += period_ms) {
    const auto& photos = books_[device.name()].photos;
    const bool came = std::ranges::any_of(photos, [&](const Photo& photo) {
      if (photo.timer_order == 0) return false;
      if (photo.shot_at_ms < due_ms)
        return photo.timer_order - device.timer_order(due_ms) < dtu::attempts_max;
      return photo.shot_at_ms <= due_ms + timer_late_ms_max;
    });
    if (!came)
      broken(device.name(), fmt::format("its DTU's timer brought no photo at {} ms", due_ms));
  }
}

void Judge::note_shot(const std::string& device, protocol::Bytes photo) {
  Books& books = books_[device];
  books.smartdtu = true;
  const auto sha256 = protocol::sha256(photo);
  if (find(books, 0, sha256) != nullptr) return;
  books.photos.push_back({.sha256 = sha256,
                          .bytes = photo.size(),
                          .shot_at_ms = events_.now_ms(),
                          .state = State::unanswered,
                          .in_flash = false});
  ++kept_;
  ++unanswered_;
}

}  // namespace meterlens::sim
