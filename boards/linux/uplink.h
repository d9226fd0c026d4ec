// What meterlens-dtu needs of its way to the broker: libmosquitto, or a modem on a serial line.
#pragma once

#include <poll.h>

#include <cstdint>
#include <limits>
#include <string>

#include "device/port.h"

namespace meterlens::boards {

class Uplink {
 public:
  virtual ~Uplink() = default;

  // Holds as long as this object.
  virtual MeterlensMqtt port() = 0;
  // What to poll for.
  virtual pollfd wish() const = 0;
  // Reads, and does what time demands; at least once a second while connected.
  virtual void step() = 0;
  // Writes what the program has given since `step`.
  virtual void write() {}
  // When `step` or `write` has something to do without anything coming in (now_us()).
  virtual std::int64_t due_us() const { return std::numeric_limits<std::int64_t>::max(); }
  // Nothing is left to say to the broker after `disconnect`.
  virtual bool closed() const { return true; }
  // Why the last connection ended or did not come to be; empty: none has.
  virtual const std::string& last_error() const = 0;
};

}  // namespace meterlens::boards
