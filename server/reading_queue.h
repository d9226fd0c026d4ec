// Reads stored photos and judges what was seen, in threads of its own: a backlog that lives in the
// store, so that a restart, a crash or a flood of photos loses nothing and costs no memory.
// Photos of one device are read one at a time, oldest first. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "reader/reader.h"
#include "server/metrics/metrics.h"
#include "server/photo/objects.h"
#include "server/photo/photo.h"
#include "server/store/store.h"
#include "server/validate/reading.h"
#include "server/validate/validate.h"

namespace meterlens::server {

// Sees what is on a JPEG: everything of a claim but meter, device, photo and time. Called from
// several threads at once when there are several.
using ReadPhoto =
    std::function<validate::Claim(std::span<const std::byte>, const reader::Known&)>;

// What the meter's newest accepted reading says of its photo of `at_ms`. An older photo has the
// layout, but no earlier reading.
reader::Known known_of(const validate::Meter& meter, const validate::Reading& accepted,
                       std::int64_t at_ms);

// What was seen on one photo: one view for each meter that it shows, and what was known of that.
struct Look {
  struct View {
    validate::Claim claim;
    reader::Known known;
  };
  photo::Photo photo;
  std::vector<View> views;
};
// Somebody who takes another look before it is judged, in his own time: takes it over and calls
// `done` once, in any thread, with the claims as they are then; or gives it back at once, when
// there is nothing to wait for. What he never gives back is unread, and read again after a restart.
using LookAgain = std::function<std::optional<Look>(Look, std::function<void(Look)> done)>;

struct ReadingLimits {
  int threads = 1;                // 0: none of its own, see read_next
  int fetch_max = 128;           // photos known in memory
  std::int64_t retry_ms = 2000;  // after the store failed
  photo::ReadFile read_file = photo::Files::read;
  // Of a worker: the queues whose devices' photos are read here, as they are now. Any thread.
  std::function<std::vector<int>()> queues = {};
};

class ReadingQueue {
 public:
  // Told after readings are stored, in a reader's thread: of the photo itself, one a meter that it
  // shows, and of older ones that have another verdict because of them.
  using OnReading = std::function<void(const photo::Photo&, const store::Judged&)>;

  ReadingQueue(const ReadingLimits& limits, store::Store& store, ReadPhoto read,
               metrics::Metrics& metrics, OnReading on_reading, LookAgain look_again = {});
  ~ReadingQueue();  // waits for the photos being read
  ReadingQueue(const ReadingQueue&) = delete;
  ReadingQueue& operator=(const ReadingQueue&) = delete;

  // Reads the next photo in the caller's thread: for a queue without threads, as a simulation has.
  // false: there is none, or the store failed.
  bool read_next();
  // There are new photos in the store.
  void wake();
  // Known in memory, being read or about to be.
  std::size_t backlog() const;

 private:
  struct Desk;
  std::unique_ptr<Desk> desk_;
};

}  // namespace meterlens::server
