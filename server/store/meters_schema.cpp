#include "server/store/meters_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// Meters and watches are never changed in place: each edit is a row of its own, with who made it,
// when and why; the thing points at its newest row. Devices and readings from before get the meter
// that they had in effect, named like the device.
constexpr std::array<std::string_view, 18> meter_tables{
    R"(CREATE TABLE meter (id TEXT PRIMARY KEY, version BIGINT NOT NULL))",
    R"(CREATE TABLE meter_version (
         version INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, medium TEXT NOT NULL,
         wheels INTEGER NOT NULL, decimals INTEGER NOT NULL, unit TEXT NOT NULL,
         factor TEXT NOT NULL, serial TEXT NOT NULL, place TEXT NOT NULL, rate_max BIGINT NOT NULL,
         installed_ms BIGINT NOT NULL, removed_ms BIGINT NOT NULL, author TEXT NOT NULL,
         reason TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(CREATE INDEX meter_version_meter ON meter_version (meter, version))",
    R"(CREATE TABLE watch (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, meter TEXT NOT NULL,
         version BIGINT NOT NULL))",
    R"(CREATE INDEX watch_device ON watch (device))",
    R"(CREATE INDEX watch_meter ON watch (meter))",
    R"(CREATE TABLE watch_version (
         version INTEGER PRIMARY KEY AUTOINCREMENT, watch BIGINT NOT NULL, from_ms BIGINT NOT NULL,
         to_ms BIGINT NOT NULL, region TEXT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
         at_ms BIGINT NOT NULL))",
    R"(CREATE TABLE exchange (
         id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, at_ms BIGINT NOT NULL,
         end_reading BIGINT NOT NULL, start_reading BIGINT NOT NULL, serial_before TEXT NOT NULL,
         serial_after TEXT NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
         made_at_ms BIGINT NOT NULL))",
    R"(CREATE UNIQUE INDEX exchange_meter ON exchange (meter, at_ms))",
    R"(ALTER TABLE reading ADD COLUMN flags INTEGER NOT NULL DEFAULT 0)",
    R"(ALTER TABLE review ADD COLUMN by_server INTEGER NOT NULL DEFAULT 0)",
    R"(CREATE INDEX reading_photo ON reading (photo))",
    R"(CREATE INDEX review_reading ON review (reading))",
    R"(INSERT INTO meter_version (meter, medium, wheels, decimals, unit, factor, serial, place,
         rate_max, installed_ms, removed_ms, author, reason, at_ms)
       SELECT id, 'unknown', 0, -1, '', '1', '', '', 0, 0, 0, '', 'its device appeared', 0
         FROM (SELECT id FROM device UNION SELECT meter FROM reading) known)",
    R"(INSERT INTO meter SELECT meter, version FROM meter_version)",
    R"(INSERT INTO watch (device, meter, version)
       SELECT id, id, 0 FROM device UNION SELECT device, meter, 0 FROM reading)",
    R"(INSERT INTO watch_version (watch, from_ms, to_ms, region, author, reason, at_ms)
       SELECT id, 0, 0, '', '', 'its device appeared', 0 FROM watch)",
    R"(UPDATE watch SET version =
         (SELECT v.version FROM watch_version v WHERE v.watch = watch.id))",
};

}  // namespace

Migration meters_migration() { return meter_tables; }

}  // namespace meterlens::store
