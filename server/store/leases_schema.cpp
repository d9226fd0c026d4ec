#include "server/store/leases_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// queue -1 of a lease: the worker itself, which is counted; of a device: none is known yet.
constexpr std::array<std::string_view, 3> leases{
    R"(CREATE TABLE lease (
         name TEXT PRIMARY KEY, queue INTEGER NOT NULL, worker TEXT NOT NULL,
         until_ms BIGINT NOT NULL))",
    R"(ALTER TABLE device ADD COLUMN queue INTEGER NOT NULL DEFAULT -1)",
    R"(CREATE INDEX device_queue ON device (queue, id))",
};

}  // namespace

Migration leases_migration() { return leases; }

}  // namespace meterlens::store
