// A serial line on Linux: a tty, the other program's pseudo-terminal, or one that it makes itself
// ("pty:LINK": a symbolic link LINK to the far end is kept while it runs). The other side may come
// late and go away; a path that is not there, or that vanishes, is opened again. Never blocks;
// only a change of speed waits until what was written has left. On a pseudo-terminal the output is
// paced as the wire would be, also when the speed is changed. One thread.
#pragma once

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "device/port.h"

namespace meterlens::boards {

// The time a wire takes: lets bytes through no earlier than the last bit of each would have
// arrived.
class Pace {
 public:
  // 8N1: ten bits a byte. 0 baud: no pace.
  explicit Pace(std::uint32_t baud) : bytes_per_s_(baud / 10) {}

  // From where it is on.
  void set_baud(std::uint32_t baud) { bytes_per_s_ = baud / 10; }
  // There was nothing to send; time passes unused.
  void idle(std::int64_t now_us) { free_at_us_ = now_us; }
  // Bytes that may leave by now.
  std::size_t allowed(std::int64_t now_us);
  void spend(std::size_t bytes);
  // When `bytes` may leave.
  std::int64_t due_us(std::size_t bytes) const;

 private:
  double us_of(std::size_t bytes) const;

  std::uint32_t bytes_per_s_;
  std::int64_t free_at_us_ = 0;
  double fraction_us_ = 0;
};

// A path with a wire behind it, as far as one can tell: a terminal that is no pseudo-terminal.
bool is_wire(const std::string& spec);

class Line {
 public:
  using Pull = std::function<std::size_t(std::span<std::uint8_t>)>;

  // Fails only when a pseudo-terminal cannot be made or the speed is unknown to the system.
  static std::expected<std::unique_ptr<Line>, std::string> open(const std::string& spec,
                                                                std::uint32_t baud);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  bool is_open() const { return file_ >= 0; }
  // Why it was not open last: its path and the reason.
  const std::string& fault() const { return fault_; }
  // What to poll for; fd -1 (which poll passes over) while closed.
  pollfd wish() const;
  // Bytes that have come; 0: none. Opens again what was lost.
  std::size_t read(std::span<std::uint8_t> out, std::int64_t now_us);
  // Pulls bytes and writes them as far as the line takes them now.
  void write(const Pull& pull, std::int64_t now_us);
  // When `write` can go on, or opening is tried again; INT64_MAX: only when polled or with new
  // data.
  std::int64_t due_us() const;
  // Sets the speed both ways once what was pulled has left. false: no speed of a line, or the
  // terminal refuses it.
  bool set_baud(std::uint32_t baud);
  // For the device programs; holds as long as this object. `baud_max` 0: the speed is fixed.
  MeterlensLine port(std::uint32_t baud_max);
  // As `real`, but a restart takes the link away first: no other program may find a stranger's
  // pseudo-terminal, which gets the number that is free again, under its name. Holds as long as
  // this object, and what `real` points at.
  MeterlensPower ending(const MeterlensPower& real);

 private:
  Line(std::string spec, std::uint32_t baud);
  std::expected<void, std::string> make_pty();
  void open_path(std::int64_t now_us);
  void lose(std::int64_t now_us, const char* reason);
  bool apply_baud();
  void unlink();

  std::string path_;
  std::string link_;  // empty: not ours
  std::string fault_;
  std::uint32_t baud_;
  std::uint32_t next_baud_ = 0;  // to be set when all that was pulled has left; 0: none
  int file_ = -1;
  int far_end_ = -1;  // ours of a pty: held open so that the other program's leaving is no error
  Pace pace_;
  bool paced_ = false;
  bool blocked_ = false;
  std::int64_t open_due_us_ = 0;
  std::array<std::uint8_t, 256> pending_;
  std::size_t pending_count_ = 0;
  std::size_t pending_taken_ = 0;
  MeterlensPower restart_{};
};

}  // namespace meterlens::boards
