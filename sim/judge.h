// Keeps the books of a simulated world and says at once when a promise is broken: every photo that
// a camera kept is stored exactly once with equal bytes, or still waiting in its flash, or counted
// as lost by the camera; nothing else is stored. Behind a SmartDTU nobody answers a camera: there a
// photo may also be gone once it was sent, but what is stored was shot, and is stored once.
// One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sim/device.h"
#include "sim/server.h"

namespace meterlens::sim {

struct Violation {
  std::int64_t at_ms = 0;  // since the beginning
  std::string where;       // a device's name, or "server"
  std::string what;
};

class Judge {
 public:
  explicit Judge(const Events& events) : events_(events) {}

  // After a camera's turn or start. `server`: who may have its photos.
  void look(Device& device, Server& server);
  // The server has started: everything it has.
  void look(Server& server);
  // One row of its store.
  void look(Server& server, std::int64_t row);
  void broken(const std::string& where, const std::string& what);

  bool all_arrived() const { return waiting_ == 0 && unsure_.empty(); }
  // A violation unless everything has arrived.
  void demand_arrival();
  // A violation unless each command has come to its end, and each whose photo is stored to be read.
  void demand_commands(Server& server);
  // A violation unless each stored photo has its one reading.
  void demand_readings(Server& server);
  // A violation if one who has long gone is shown as online, or a native one who is connected as
  // offline; of a SmartDTU silence may be all that a server started later knows.
  void demand_presence(const std::string& device, bool native, bool attached,
                       const Server& server);
  // A violation unless the DTU's own timer brought a photo for each of its moments between these
  // times, in which nothing goes wrong and its period stands. Network time that was set back brings
  // moments again: one that has its photo from before gets no second one.
  void demand_timer(const Device& device, std::int64_t from_ms, std::int64_t to_ms);
  // A camera of the field keeps nothing: what it shot may be stored, once and whole.
  void note_shot(const std::string& device, protocol::Bytes photo);
  // Stored times must be the times of the shots: only where no clock is wrong.
  void expect_times() { expect_times_ = true; }

  const std::optional<Violation>& violation() const { return violation_; }
  std::uint64_t kept_count() const { return kept_; }
  std::uint64_t stored_count() const { return stored_; }
  std::uint64_t lost_count() const { return lost_; }
  std::uint64_t unanswered_count() const { return unanswered_; }  // sent by a SmartDTU, not stored

 private:
  enum class State : std::uint8_t { waiting, stored, lost, unanswered };
  struct Photo {
    std::uint32_t id = 0;
    protocol::Digest sha256{};
    std::size_t bytes = 0;
    std::int64_t shot_at_ms = 0;
    State state = State::waiting;
    std::int64_t row = 0;  // 0: not stored, as far as is known
    bool in_flash = true;
    std::uint32_t timer_order = 0;  // the DTU's; 0: none of its timer
  };
  struct Books {
    std::vector<Photo> photos;
    std::vector<std::size_t> in_flash;  // which of them
    std::uint32_t lost_seen = 0;
    int writes_seen = -1;
    std::uint64_t starts_seen = 0;
    bool smartdtu = false;
  };
  using Place = std::pair<std::string, std::size_t>;  // device, index in its books

  void note_new(Device& device, Books& books);
  void note_gone(Device& device, Books& books, Server& server);
  void move(Photo& photo, State to);
  std::uint64_t& count_of(State state);
  static Photo* find(Books& books, std::uint32_t id, const protocol::Digest& sha256);
  void check_row(Server& server, const photo::Photo& row);
  void check_unsure(Server& server);
  bool is_stored(Server& server, const std::string& device, const Photo& photo);

  const Events& events_;
  std::unordered_map<std::string, Books> books_;
  std::vector<Place> unsure_;  // gone from the flash while there was no server to ask
  std::optional<Violation> violation_;
  bool expect_times_ = false;
  std::uint64_t kept_ = 0, stored_ = 0, lost_ = 0, unanswered_ = 0, waiting_ = 0;
};

}  // namespace meterlens::sim
