#include "server/store/schema.h"

#include <array>

#include "server/store/access_schema.h"
#include "server/store/fleet_schema.h"
#include "server/store/leases_schema.h"
#include "server/store/load_schema.h"
#include "server/store/meters_schema.h"
#include "server/store/moving_schema.h"
#include "server/store/notify_schema.h"
#include "server/store/partitions_schema.h"
#include "server/store/second_schema.h"
#include "server/store/slots_schema.h"

namespace meterlens::store {
namespace {

// Times are Unix milliseconds. Ids of AUTOINCREMENT tables are never used again.
constexpr std::array<std::string_view, 10> first{
    R"(CREATE TABLE device (
         id TEXT PRIMARY KEY, dialect TEXT NOT NULL, product TEXT NOT NULL,
         online INTEGER NOT NULL, firmware TEXT NOT NULL, remark TEXT NOT NULL,
         state_json TEXT NOT NULL, first_seen_ms BIGINT NOT NULL, last_seen_ms BIGINT NOT NULL))",
    R"(CREATE TABLE command (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, kind TEXT NOT NULL,
         state TEXT NOT NULL, reason TEXT NOT NULL, packets_received INTEGER NOT NULL,
         packets_total INTEGER NOT NULL, photo BIGINT NOT NULL, reading BIGINT NOT NULL,
         created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL))",
    R"(CREATE INDEX command_open ON command (id)
         WHERE state NOT IN ('read', 'failed', 'expired'))",
    R"(CREATE TABLE photo (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, photo_id BIGINT NOT NULL,
         image_file TEXT NOT NULL, bytes BIGINT NOT NULL, sha256 TEXT NOT NULL,
         state TEXT NOT NULL, reason TEXT NOT NULL, captured_at_ms BIGINT NOT NULL,
         received_at_ms BIGINT NOT NULL, command BIGINT NOT NULL, path TEXT NOT NULL,
         reading BIGINT NOT NULL DEFAULT 0))",
    // A native photo is known by its camera's number and its hash, so it can be in only once.
    R"(CREATE UNIQUE INDEX photo_native ON photo (device, photo_id, sha256) WHERE photo_id <> 0)",
    R"(CREATE INDEX photo_hash ON photo (device, sha256))",
    R"(CREATE INDEX photo_device ON photo (device, id))",
    R"(CREATE INDEX photo_unread ON photo (id) WHERE state = 'stored' AND reading = 0)",
    R"(CREATE TABLE reading (
         id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, device TEXT NOT NULL,
         photo BIGINT NOT NULL, at_ms BIGINT NOT NULL, status TEXT NOT NULL,
         digits TEXT NOT NULL, certain INTEGER NOT NULL, red INTEGER NOT NULL,
         value_count BIGINT NOT NULL, value_decimals INTEGER NOT NULL, value TEXT NOT NULL,
         confidence DOUBLE NOT NULL, window TEXT NOT NULL, ms DOUBLE NOT NULL,
         verdict TEXT NOT NULL, reasons TEXT NOT NULL))",
    R"(CREATE INDEX reading_meter ON reading (meter, at_ms, id))",
};

// What people say of readings; a reading points at its newest review, and is never changed else.
constexpr std::array<std::string_view, 3> reviews{
    R"(CREATE TABLE review (
         id INTEGER PRIMARY KEY AUTOINCREMENT, reading BIGINT NOT NULL, verdict TEXT NOT NULL,
         digits TEXT NOT NULL, certain INTEGER NOT NULL, red INTEGER NOT NULL,
         value_count BIGINT NOT NULL, value_decimals INTEGER NOT NULL, value TEXT NOT NULL,
         reviewer TEXT NOT NULL, reason TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(ALTER TABLE reading ADD COLUMN review BIGINT NOT NULL DEFAULT 0)",
    R"(CREATE INDEX reading_reviewed ON reading (id) WHERE review <> 0)",
};

constexpr std::array<std::string_view, 1> schedules{
    R"(CREATE TABLE schedule (
         id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, cron TEXT NOT NULL,
         zone TEXT NOT NULL, devices TEXT NOT NULL, spread_s INTEGER NOT NULL,
         catch_up_s INTEGER NOT NULL, enabled INTEGER NOT NULL, done_ms BIGINT NOT NULL,
         version BIGINT NOT NULL))",
};

// Images that may be sent to devices, and their way there.
constexpr std::array<std::string_view, 4> updates{
    R"(CREATE TABLE image (
         id INTEGER PRIMARY KEY AUTOINCREMENT, part TEXT NOT NULL, board TEXT NOT NULL,
         version BIGINT NOT NULL, bytes BIGINT NOT NULL, sha256 TEXT NOT NULL, path TEXT NOT NULL,
         created_ms BIGINT NOT NULL, UNIQUE (part, board, version, sha256)))",
    R"(CREATE TABLE "update" (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, image BIGINT NOT NULL,
         part TEXT NOT NULL, version BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
         packets_received INTEGER NOT NULL, packets_total INTEGER NOT NULL,
         created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL))",
    R"(CREATE INDEX update_device ON "update" (device, id))",
    R"(CREATE INDEX update_open ON "update" (id)
         WHERE state NOT IN ('confirmed', 'refused', 'failed'))",
};

// The cameras' own word on how they are, and what is wished of the settings of a device's parts.
constexpr std::array<std::string_view, 2> settings{
    R"(ALTER TABLE device ADD COLUMN health_json TEXT NOT NULL DEFAULT '')",
    R"(CREATE TABLE settings (
         device TEXT NOT NULL, part TEXT NOT NULL, revision BIGINT NOT NULL,
         confirmed BIGINT NOT NULL, entries TEXT NOT NULL, refused TEXT NOT NULL,
         PRIMARY KEY (device, part)))",
};

// How bright each photo is; '': nobody has looked yet.
constexpr std::array<std::string_view, 4> light{
    R"(ALTER TABLE photo ADD COLUMN light TEXT NOT NULL DEFAULT '')",
    R"(ALTER TABLE photo ADD COLUMN mean INTEGER NOT NULL DEFAULT 0)",
    R"(ALTER TABLE photo ADD COLUMN dark_percent INTEGER NOT NULL DEFAULT 0)",
    R"(ALTER TABLE photo ADD COLUMN bright_percent INTEGER NOT NULL DEFAULT 0)",
};

// The verdict that stands, after the newest review, beside what the reader led to: lists by verdict
// and by time stay flat however many readings there are.
constexpr std::array<std::string_view, 4> growth{
    R"(ALTER TABLE reading ADD COLUMN standing TEXT NOT NULL DEFAULT '')",
    R"(UPDATE reading SET standing = coalesce(
         (SELECT v.verdict FROM review v WHERE v.id = reading.review), verdict))",
    R"(CREATE INDEX reading_time ON reading (at_ms, id))",
    R"(CREATE INDEX reading_standing ON reading (standing, at_ms, id))",
};

// Counts for the console's home page.
constexpr std::array<std::string_view, 3> summary{
    R"(CREATE INDEX reading_at ON reading (at_ms))",
    R"(CREATE INDEX reading_doubtful ON reading (id) WHERE verdict = 'doubtful')",
    R"(CREATE INDEX command_created ON command (created_ms, state))",
};

// How often people have changed what has no version of its own.
constexpr std::array<std::string_view, 1> edits{
    R"(CREATE TABLE edit (path TEXT PRIMARY KEY, edits BIGINT NOT NULL))",
};

// How sure the reader is of each wheel.
constexpr std::array<std::string_view, 1> wheels{
    R"(ALTER TABLE reading ADD COLUMN wheels TEXT NOT NULL DEFAULT '')",
};

// What each program has committed last, for when a commit is not answered.
constexpr std::array<std::string_view, 1> writers{
    R"(/* postgresql */ CREATE TABLE writer (
         name TEXT PRIMARY KEY, transaction BIGINT NOT NULL,
         at TIMESTAMPTZ NOT NULL DEFAULT now()))",
};

}  // namespace

std::span<const Migration> migrations() {
  static const std::array all{Migration(first),    Migration(reviews),  Migration(schedules),
                              Migration(updates),  Migration(settings), meters_migration(),
                              Migration(light),    Migration(growth),  second_migration(),
                              notify_migration(),  fleet_migration(),  access_migration(),
                              Migration(summary),  Migration(edits),   load_migration(),
                              moving_migration(),  leases_migration(), partitions_migration(),
                              slots_migration(),   Migration(wheels),  Migration(writers)};
  return all;
}

}  // namespace meterlens::store
