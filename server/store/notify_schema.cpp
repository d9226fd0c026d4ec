#include "server/store/notify_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// An alarm is open until its cause ends; what happens to it is a row of its own. A sink keeps how
// far it has been told of each stream of rows, and for each thing what it was told last.
constexpr std::array<std::string_view, 6> notify{
    R"(CREATE TABLE alarm (
         id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, subject TEXT NOT NULL,
         reason TEXT NOT NULL, raised_ms BIGINT NOT NULL, acknowledged_ms BIGINT NOT NULL,
         acknowledged_by TEXT NOT NULL, cleared_ms BIGINT NOT NULL))",
    R"(CREATE UNIQUE INDEX alarm_open ON alarm (kind, subject) WHERE cleared_ms = 0)",
    R"(CREATE TABLE alarm_change (
         id INTEGER PRIMARY KEY AUTOINCREMENT, alarm BIGINT NOT NULL, state TEXT NOT NULL,
         reason TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(CREATE INDEX alarm_change_alarm ON alarm_change (alarm, id))",
    R"(CREATE TABLE sink_done (
         sink TEXT NOT NULL, stream TEXT NOT NULL, done BIGINT NOT NULL,
         PRIMARY KEY (sink, stream)))",
    R"(CREATE TABLE sink_item (
         sink TEXT NOT NULL, item TEXT NOT NULL, reading BIGINT NOT NULL, at_ms BIGINT NOT NULL,
         value TEXT NOT NULL, PRIMARY KEY (sink, item)))",
};

}  // namespace

Migration notify_migration() { return notify; }

}  // namespace meterlens::store
