// What the world is to be told, derived from rows that are stored for other reasons: readings,
// reviews and changes of alarms. Their ids only grow, so a sink needs to keep one number a stream:
// nothing is written beside the thing itself, and kill -9 neither loses nor forgets anything.
// Thread-safe as the store is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/store/alarms.h"
#include "server/store/store.h"

namespace meterlens::store {

enum class Stream : std::uint8_t { reading, review, alarm };
const char* name(Stream stream);

enum class NewsKind : std::uint8_t {
  reading_accepted,   // it counts from now on
  reading_corrected,  // it counted before, with another value or by another's word
  reading_withdrawn,  // it counted before and does not any more
  alarm_raised,
  alarm_acknowledged,
  alarm_cleared,
};
const char* name(NewsKind kind);  // "reading.accepted" and the like

struct News {
  NewsKind kind = NewsKind::reading_accepted;
  Stream stream = Stream::reading;
  std::int64_t row = 0;        // id in its stream: with the stream it names this piece for ever
  std::int64_t at_ms = 0;      // Unix; when it became true (of a first reading: the shot)
  std::string reason;          // of a correction, a withdrawal or an alarm; may be empty
  validate::Reading reading;   // as it was then: id, meter, device, photo, at_ms, value, verdict
  std::string value_before;    // of a correction or withdrawal
  Alarm alarm;                 // as it is now
};

// Ids; of a sink how far it has been told, of the store how far there is something.
struct Marks {
  std::int64_t reading = 0;
  std::int64_t review = 0;
  std::int64_t alarm = 0;
};

// What a sink was told last of a thing that it shows.
struct SinkItem {
  std::string item;
  std::int64_t reading = 0;
  std::int64_t at_ms = 0;
  std::string value;
};

// A piece of a stream: the news in it, and up to which id there is no other.
struct Page {
  std::vector<News> news;
  std::int64_t up_to = 0;
};

class NewsBook {
 public:
  explicit NewsBook(Store& store) : store_(store) {}  // outlives this

  // The reading of a review is always within them.
  Result<Marks> ends();
  // Of a sink that is new: the ends, for it is not told of the past.
  Result<Marks> marks(const std::string& sink);
  Result<void> advance(const std::string& sink, Stream stream, std::int64_t done);

  // After `after` up to `end`, oldest first, at most `count_max` news; rows that are no news (a
  // doubtful reading) are left out.
  Result<Page> page(Stream stream, std::int64_t after, std::int64_t end, int count_max);

  Result<std::vector<SinkItem>> items(const std::string& sink);
  Result<void> put_item(const std::string& sink, const SinkItem& item);
  Result<void> remove_item(const std::string& sink, const std::string& item);
  // Whether a meter may show less after `from_ms`, up to `to_ms`: its register was exchanged, or an
  // accepted reading says that it came round.
  Result<bool> began_anew(const std::string& meter, std::int64_t from_ms, std::int64_t to_ms);

  // The meters of the readings and reviews after `after` up to `end`.
  Result<std::vector<std::string>> touched(const Marks& after, const Marks& end);
  // Devices last heard before `limit_ms`, and for each meter how many of its newest `count` photos
  // gave no accepted reading at first.
  Result<std::vector<std::string>> silent_devices(std::int64_t limit_ms);
  struct Doubts {
    int photos = 0;
    int doubtful = 0;
  };
  Result<Doubts> doubts(const std::string& meter, int count);

 private:
  Store& store_;
};

}  // namespace meterlens::store
