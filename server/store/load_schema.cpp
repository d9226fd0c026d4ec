#include "server/store/load_schema.h"

#include <array>

namespace meterlens::store {
namespace {

constexpr std::array<std::string_view, 10> load{
    // Readings by the quarter of an hour of their shot and the verdict that stands: what the home
    // page counts, however many there are. Days begin at a quarter in every time zone.
    R"(CREATE TABLE reading_count (
         slot BIGINT NOT NULL, verdict TEXT NOT NULL, readings BIGINT NOT NULL,
         PRIMARY KEY (slot, verdict)))",
    R"(INSERT INTO reading_count (slot, verdict, readings)
       SELECT at_ms / 900000, standing, count(*) FROM reading GROUP BY at_ms / 900000, standing)",
    // Others begin with the same columns; each costs every new reading.
    R"(DROP INDEX reading_at)",
    R"(DROP INDEX reading_doubtful)",
    // The commands that are under way of a device, among all that it ever had.
    R"(CREATE INDEX command_device_open ON command (device, id)
         WHERE state NOT IN ('read', 'failed', 'expired'))",
    R"(CREATE INDEX device_online ON device (online, id))",
    R"(CREATE INDEX device_silent ON device (online, last_seen_ms))",
    R"(CREATE INDEX tag_group ON tag (kind, group_path, id))",
    R"(CREATE INDEX alarm_open_id ON alarm (id) WHERE cleared_ms = 0)",
    R"(CREATE INDEX watch_version_watch ON watch_version (watch, version))",
};

}  // namespace

Migration load_migration() { return load; }

}  // namespace meterlens::store
