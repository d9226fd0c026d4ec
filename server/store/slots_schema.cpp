#include "server/store/slots_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// Schedules that name meters, and due moments for which no reading came.
constexpr std::array<std::string_view, 9> slots{
    R"(ALTER TABLE schedule ADD COLUMN meters TEXT NOT NULL DEFAULT '')",
    R"(ALTER TABLE schedule ADD COLUMN meter_group TEXT NOT NULL DEFAULT '')",
    R"(ALTER TABLE schedule ADD COLUMN grace_s INTEGER NOT NULL DEFAULT 3600)",
    R"(ALTER TABLE schedule ADD COLUMN judged_ms BIGINT NOT NULL DEFAULT 0)",
    R"(UPDATE schedule SET judged_ms = done_ms)",
    R"(CREATE TABLE slot (
         id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, schedule BIGINT NOT NULL,
         due_ms BIGINT NOT NULL, from_ms BIGINT NOT NULL, until_ms BIGINT NOT NULL,
         noticed_ms BIGINT NOT NULL, reason TEXT NOT NULL, closed_ms BIGINT NOT NULL,
         reading BIGINT NOT NULL, estimate BIGINT NOT NULL))",
    R"(CREATE UNIQUE INDEX slot_meter ON slot (meter, due_ms))",
    // What retention once left behind.
    R"(DELETE FROM said WHERE NOT EXISTS (SELECT 1 FROM reading r WHERE r.id = said.reading))",
    R"(CREATE INDEX slot_open ON slot (meter, due_ms) WHERE closed_ms = 0)",
};

}  // namespace

Migration slots_migration() { return slots; }

}  // namespace meterlens::store
