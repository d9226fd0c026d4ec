// The database: devices, commands, photos, meters, readings. SQLite (WAL) or PostgreSQL behind
// SOCI, whose types stay in the .cpp files. Every write is one transaction; what a call returned
// as done survives kill -9, and the loss of the database server.
// Thread-safe: one writer connection behind a mutex, a small pool of readers.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocol/ids.h"
#include "server/command/command.h"
#include "server/command/light.h"
#include "server/command/settings.h"
#include "server/photo/photo.h"
#include "server/schedule/schedule.h"
#include "server/second/policy.h"
#include "server/update/update.h"
#include "server/validate/reading.h"
#include "server/validate/validate.h"

namespace meterlens::store {

enum class ErrorCode : std::uint8_t {
  cannot_open,     // missing folder, no permission, not a database
  newer_schema,    // written by a newer program: refused
  older_schema,    // by an older one, and `migrate` is off
  locked,          // another process holds it; tried again for `busy_timeout_ms`
  read_only,
  disk_full,
  not_found,
  unreachable,     // the database server is gone; waited for it for `busy_timeout_ms`
  conflict,        // somebody else has changed it meanwhile
  failed,          // anything else; the message has the engine's words
};
struct Error {
  ErrorCode code = ErrorCode::failed;
  std::string message;       // what happened, where, what to do
  bool may_be_done = false;  // the answer to the commit is lost: it may be stored, or not
};
template <class T>
using Result = std::expected<T, Error>;

struct Device {
  std::string id;
  protocol::Dialect dialect = protocol::Dialect::native;
  std::string product;
  bool online = false;
  std::string firmware;
  std::string remark;
  std::string state_json;          // what the DTU last said of itself, an object, or empty
  std::string health_json;         // the camera's last Health, or empty
  std::int64_t first_seen_ms = 0;
  std::int64_t last_seen_ms = 0;
  int queue = -1;                  // of a fleet, where its messages come; -1: not known
};
// Whose rows: of one device, or of all that are in one queue of a fleet; of all, when neither is
// named.
struct Owned {
  int queue = -1;
  std::string device = {};
};

struct Filter {
  std::string device = {};         // or meter; empty: all
  std::string meter = {};          // photos only; sent for it, or with a reading of it
  std::int64_t since_ms = 0;
  std::string verdict = {};        // readings only; empty: all
  bool reviewed = false;           // readings only; those whose newest review is a person's
  std::int64_t photo = 0;          // readings only; of this photo; 0: all
  std::int64_t before_ms = 0;      // readings only; older than the reading of this time and id,
  std::int64_t before_id = 0;      // 0: from the newest on; photos: older than this id
  int count_max = 100;
  bool may_lag = false;            // what the replica says is good enough
};

// What is billed, by meter, then time of the shot.
struct BillingFilter {
  std::string meter = {};     // empty: all
  std::int64_t from_ms = 0;   // of the shot
  std::int64_t to_ms = 0;     // the first moment that does not count; 0: no end
  bool all = false;           // also what is doubtful or rejected
  std::string after_meter = {};  // where the page before ended; empty: from the first on
  std::int64_t after_ms = 0;
  std::int64_t after_id = 0;
  int count_max = 1000;
  bool may_lag = false;       // as in Filter
  bool missing = false;       // also due times without a reading (slots.h)
};
// The id of a due time without a reading, in a cursor: behind all readings of its time.
inline constexpr std::int64_t billing_slot_id = 999'999'999'999'999'999;

// A reading to be made, or only its meter's others to be weighed anew.
using Judge = std::function<validate::Outcome(const validate::Past&)>;
struct Case {
  std::string meter;
  std::int64_t at_ms = 0;    // the register that was there at that time
  std::int64_t photo = 0;    // 0: none
  Judge judge;
  std::optional<photo::Brightness> brightness = {};  // of the photo: kept in its row
};
struct Judged {
  std::vector<validate::Reading> readings;  // the new ones, with their ids
  std::vector<std::int64_t> changed;        // readings that have another verdict now
};

// One edit of a meter or a watch, newest first; the one before it is what was there before.
template <class Thing>
struct Edit {
  Thing after;
  validate::Author author;
};

// A file that a row names.
struct StoredFile {
  enum class Kind : std::uint8_t { photo, image };
  Kind kind = Kind::photo;
  std::int64_t id = 0;
  std::string path;
  std::int64_t file_bytes = 0;
  protocol::Digest sha256{};
  bool quarantined = false;        // photos only
};

// What is too old to be kept; 0: nothing is.
struct Aging {
  std::int64_t photos_before_ms = 0;    // by arrival
  std::int64_t readings_before_ms = 0;  // by the time of the shot
  std::int64_t messages_before_ms = 0;  // of devices, as they were recorded
  std::int64_t audit_before_ms = 0;
  std::int64_t after_photo = 0;         // where the last call ended; 0: from the oldest on
  std::int64_t after_reading = 0;
  int count_max = 200;                  // rows looked at in one transaction
};
struct Aged {
  std::vector<std::string> paths;  // of files that no row names any more
  int photos = 0, readings = 0, messages = 0, entries = 0, slots = 0;  // rows removed
  Aging next;                      // for the next call
  bool more = false;               // there may be more now
};

struct Options {
  // How long a write waits for another program's lock, or a call for a lost database server.
  int busy_timeout_ms = 5000;
  // How long to ask a lost server whether it has stored what it did not answer; at least as long.
  int commit_patience_ms = 60'000;
  int reader_count = 4;        // connections for reading, 1 to 64
  // False: beside a server that runs; a schema that is not this program's is refused.
  bool migrate = true;
  bool is_moving = false;      // moving.h alone: opens one that is being filled, too
  // Called before each transaction; what it throws comes out of the call that wanted to write. A
  // simulation ends the server here.
  std::function<void()> before_write = {};
  std::string password = {};   // of PostgreSQL; empty: what libpq finds (PGPASSWORD, ~/.pgpass)
  // PostgreSQL only: a standby that answers lists (photos, readings, billing) while it is at most
  // 10 s behind; it may be away. Empty: none.
  std::string replica_url = {};
  // Hears that the database server is lost, and back. Called from any thread.
  std::function<void(const std::string&)> say = {};
};

struct Summary;

class Store {
 public:
  // `path`: the database file, in a folder that is there; or postgresql://... without a password,
  // which several programs may share (15 or newer). Creates or migrates the schema, and proves
  // that it can be written.
  static Result<std::unique_ptr<Store>> open(const std::string& path, const Options& options = {});
  ~Store();

  // Inserts or updates; keeps first_seen_ms and remark of a known device.
  Result<void> save_device(const Device& device);
  // At start nobody is known to be online.
  Result<void> mark_all_offline();
  Result<std::vector<Device>> devices(const Owned& owned = {});
  Result<Device> device(const std::string& id);

  // One row a device and part; nothing when nothing was ever wished.
  Result<void> save_settings(const command::WishedSettings& settings);
  Result<std::vector<command::WishedSettings>> settings(const Owned& owned = {});
  Result<std::optional<command::WishedSettings>> settings(const std::string& device,
                                                          protocol::Part part);

  // Gives the command its id (never used again, even after deletion).
  Result<std::int64_t> add_command(const command::Command& command);
  Result<void> save_command(const command::Command& command);
  Result<command::Command> command(std::int64_t id);
  // Not final, oldest first: what the command step takes up again after a restart.
  Result<std::vector<command::Command>> open_commands(const Owned& owned = {});

  // One transaction for all: after an error none is in, or all when it may be done. Sets the ids; a
  // native photo that is in already (same device, number and hash) keeps its row and gets that
  // row's id. Files must be durable before. A stored photo's command that had failed or expired
  // turns `stored` with it.
  Result<void> add_photos(std::span<photo::Photo> photos);
  Result<photo::Photo> photo(std::int64_t id);
  // The same photo, sent again (native: number and hash; SmartDTU: hash).
  Result<std::optional<photo::Photo>> find_photo(const std::string& device, std::uint32_t photo_id,
                                                 const protocol::Digest& sha256);
  // The newest of a device, for stale-photo checks and lists.
  Result<std::optional<photo::Photo>> newest_photo(const std::string& device);
  // Newest first; `since_ms` is the time of arrival.
  Result<std::vector<photo::Photo>> photos(const Filter& filter);
  // Stored photos without a reading, oldest first: the reading queue after a restart.
  // With `queues`: only of devices that are in them, and those of no queue are queue 0's.
  Result<std::vector<photo::Photo>> unread_photos(
      int count_max, const std::optional<std::vector<int>>& queues = {});

  // The photo's row is marked as read in the same transaction.
  Result<std::int64_t> add_reading(const validate::Reading& reading);
  Result<validate::Reading> reading(std::int64_t id);
  // Newest first; `since_ms` is the time of the shot. Readings are given as they stand after their
  // newest review.
  Result<std::vector<validate::Reading>> readings(const Filter& filter);
  // By meter, time and id, as they stand after their newest review.
  Result<std::vector<validate::Reading>> billing(const BillingFilter& filter);
  // Adds the review of `reviewed` (a validate::review of reading `reviewed.id`) and gives the
  // reading as it then is. `conflict` unless `version` is the id of its newest review, 0 for none.
  Result<validate::Reading> add_review(const validate::Reading& reviewed, std::int64_t version);
  // The newest one of a meter that is accepted or corrected: what the next is judged against.
  Result<std::optional<validate::Reading>> newest_accepted(const std::string& meter,
                                                           std::int64_t except_reading = 0);

  // Judges each case against what is stored, and stores the readings and changes of all: one
  // transaction, so that nobody's edit comes between. Nothing when the first one's photo has been
  // read or deleted meanwhile.
  Result<Judged> judge(std::span<const Case> cases, std::int64_t now_ms);
  // What was said of a reading, oldest first: as the server judged it, then after each review.
  Result<std::vector<validate::Reading>> reading_history(std::int64_t id);

  // Meters, by id after `after`. Edits are refused with `conflict` unless `version` is the one
  // that is stored; each is kept with its author.
  Result<std::vector<validate::Meter>> meters(const std::string& after, int count_max);
  Result<validate::Meter> meter(const std::string& id);
  Result<validate::Meter> add_meter(const validate::Meter& meter, const validate::Author& author);
  // All of them in one transaction; `conflict`, and none is in, when one is there already.
  Result<void> add_meters(std::span<const validate::Meter> meters, const validate::Author& author);
  Result<validate::Meter> change_meter(const validate::Meter& meter,
                                       const validate::Author& author);
  // Only one without readings; its watches go too. `conflict` else.
  Result<void> remove_meter(const std::string& id, std::int64_t version);
  Result<std::vector<Edit<validate::Meter>>> meter_edits(const std::string& id, int count_max);

  // Watches by id after `after`; an empty device or meter means all. A device may not watch a
  // meter twice at a time.
  Result<std::vector<validate::Watch>> watches(const std::string& device, const std::string& meter,
                                               std::int64_t after, int count_max);
  // What a device watches at a time. A device that has photos and never watched anything gets the
  // meter of its own name, for all times.
  Result<std::vector<validate::Watch>> watched(const std::string& device, std::int64_t at_ms);
  Result<validate::Watch> watch(std::int64_t id);
  Result<validate::Watch> add_watch(const validate::Watch& watch, const validate::Author& author);
  Result<validate::Watch> change_watch(const validate::Watch& watch,
                                       const validate::Author& author);
  Result<std::vector<Edit<validate::Watch>>> watch_edits(std::int64_t id, int count_max);

  // Enters the last value of the old register and the first of the new one, and changes the meter
  // to `after` (its version is checked): one transaction. Later than all exchanges before.
  Result<validate::Exchange> add_exchange(const validate::Exchange& exchange,
                                          const validate::Meter& after,
                                          const validate::Reading& end,
                                          const validate::Reading& start, const Judge& reconsider,
                                          Judged& out);
  Result<std::vector<validate::Exchange>> exchanges(const std::string& meter);

  Result<std::vector<schedule::Schedule>> schedules();
  // By id after `after`.
  Result<std::vector<schedule::Schedule>> schedules(std::int64_t after, int count_max);
  Result<schedule::Schedule> schedule(std::int64_t id);
  Result<std::int64_t> add_schedule(const schedule::Schedule& schedule);
  // What people set; `conflict` unless `schedule.version` is the one that is stored.
  Result<void> save_schedule(const schedule::Schedule& schedule);
  Result<void> delete_schedule(std::int64_t id, std::int64_t version);
  // id and done_ms.
  Result<void> save_schedules_done(std::span<const std::pair<std::int64_t, std::int64_t>> done);
  // Gives the image its id. One that is in already (part, board, version and hash) keeps its row.
  Result<std::int64_t> add_image(const update::Image& image);
  Result<update::Image> image(std::int64_t id);
  // Newest first, older than `before`, 0: from the newest on.
  Result<std::vector<update::Image>> images(std::int64_t before, int count_max);
  // Gives the update its id (never used again, also not on the wire).
  Result<std::int64_t> add_update(const update::Update& update);
  Result<void> save_update(const update::Update& update);
  Result<update::Update> update(std::int64_t id);
  // Of a device; newest first, older than `before`, 0: from the newest on.
  Result<std::vector<update::Update>> updates(const std::string& device, std::int64_t before,
                                              int count_max);
  // Not final, oldest first.
  Result<std::vector<update::Update>> open_updates(const Owned& owned = {});

  // A consistent copy of all rows as the SQLite file `file`, whichever engine this is, beside
  // other programs that write. What was there under that name goes.
  Result<void> copy_to(const std::string& file);
  // All rows of such a copy into this PostgreSQL database, which must be empty.
  Result<void> fill_from(const std::string& file);
  // By id after `after`.
  Result<std::vector<StoredFile>> stored_files(StoredFile::Kind kind, std::int64_t after,
                                               int count_max);
  // Sets the paths; removes the rows.
  Result<void> move_files(std::span<const StoredFile> files);
  Result<void> forget_files(std::span<const StoredFile> files);

  // Removes what is too old, in one small transaction. The photo of an accepted reading stays as
  // long as the reading; a meter's newest accepted reading, those of exchanges and unread photos
  // stay for ever.
  Result<Aged> remove_aged(const Aging& aging);
  // ---- second reader, photos that people send, other light, the life of commands ----

  // What a person wishes for a meter, newest first; each edit is a row of its own.
  Result<std::vector<second::MeterPolicy>> second_policies(const std::string& meter,
                                                           int count_max);
  // The meter must be there.
  Result<void> add_second_policy(const second::MeterPolicy& policy);
  // Adds to what that meter has used on that day.
  Result<void> add_second_use(const second::Use& use);
  Result<std::int64_t> second_billed(std::int64_t day);
  // By day, the newest first, and meter; an empty meter means all.
  Result<std::vector<second::Use>> second_uses(const std::string& meter, std::int64_t from_day,
                                               std::int64_t to_day, int count_max);
  Result<second::Stop> second_stop();
  Result<void> save_second_stop(const second::Stop& stop);
  // What each of several readers said of a reading's photo.
  Result<std::vector<validate::Said>> said(std::int64_t reading);

  Result<std::optional<photo::Photo>> find_upload(const std::string& meter,
                                                  const protocol::Digest& sha256);

  Result<std::int64_t> add_light_try(const command::LightTry& one);  // its id
  Result<void> save_light_try(const command::LightTry& one);
  // Not done, oldest first.
  Result<std::vector<command::LightTry>> open_light_tries(const Owned& owned = {});
  // The slot of a command: the tries of the first command, oldest first.
  Result<std::vector<command::LightTry>> light_tries(std::int64_t first_command);
  Result<std::optional<command::LightTry>> light_try_of(std::int64_t command);

  // Oldest first.
  Result<std::vector<command::Moment>> command_life(std::int64_t id);
  // Of a device (empty: all) with ids below `before`, newest first.
  Result<std::vector<command::Command>> commands(const std::string& device, std::int64_t before,
                                                 int count_max);
  // Counts over everything, see summary.h. `since_ms`: when the day began; `days` of 24 hours are
  // told, at least 1, the day itself as the last.
  // `groups`: only meters in one of them or below it, and devices that watch or watched such a one;
  // empty: all.
  Result<Summary> summary(std::int64_t since_ms, int days,
                          const std::vector<std::string>& groups = {});

  // A cheap write and read, for health.
  Result<void> check();

 private:
  friend class Fleet;  // fleet.h: tags, records, controls, profiles, campaigns
  Store();
  friend class AlarmBook;  // alarms.h
  friend class NewsBook;   // news.h
  friend class Access;
  friend class Leases;  // leases.h
  friend class SlotBook;  // slots.h
  friend class Single;
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace meterlens::store
