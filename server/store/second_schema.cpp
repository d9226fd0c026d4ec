#include "server/store/second_schema.h"

#include <array>

namespace meterlens::store {
namespace {

constexpr std::array<std::string_view, 14> second{
    R"(CREATE TABLE second_policy (
         id INTEGER PRIMARY KEY AUTOINCREMENT, meter TEXT NOT NULL, policy TEXT NOT NULL,
         author TEXT NOT NULL, reason TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(CREATE INDEX second_policy_meter ON second_policy (meter, id))",
    R"(CREATE TABLE second_use (
         day BIGINT NOT NULL, meter TEXT NOT NULL, calls BIGINT NOT NULL, billed BIGINT NOT NULL,
         cost_micro BIGINT NOT NULL, PRIMARY KEY (day, meter)))",
    // One row at most: why the second reader is not asked.
    R"(CREATE TABLE second_stop (
         kind TEXT NOT NULL, until_ms BIGINT NOT NULL, reason TEXT NOT NULL))",
    R"(CREATE TABLE said (
         reading BIGINT NOT NULL, place INTEGER NOT NULL, reader TEXT NOT NULL,
         status TEXT NOT NULL, digits TEXT NOT NULL, certain INTEGER NOT NULL,
         red INTEGER NOT NULL, confidence DOUBLE PRECISION NOT NULL, words TEXT NOT NULL,
         believed INTEGER NOT NULL, note TEXT NOT NULL, PRIMARY KEY (reading, place)))",
    R"(ALTER TABLE photo ADD COLUMN meter TEXT NOT NULL DEFAULT '')",
    R"(CREATE UNIQUE INDEX photo_upload ON photo (meter, sha256) WHERE meter <> '')",
    R"(CREATE TABLE light_try (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL,
         first_command BIGINT NOT NULL, number INTEGER NOT NULL, photo BIGINT NOT NULL,
         fault TEXT NOT NULL, light TEXT NOT NULL, command BIGINT NOT NULL, state TEXT NOT NULL,
         note TEXT NOT NULL, entries TEXT NOT NULL, undo TEXT NOT NULL,
         created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL))",
    R"(CREATE INDEX light_try_first ON light_try (first_command, id))",
    R"(CREATE INDEX light_try_command ON light_try (command) WHERE command <> 0)",
    R"(CREATE INDEX light_try_open ON light_try (id) WHERE state <> 'done')",
    R"(CREATE TABLE command_moment (
         id INTEGER PRIMARY KEY AUTOINCREMENT, command BIGINT NOT NULL, state TEXT NOT NULL,
         reason TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(CREATE INDEX command_moment_command ON command_moment (command, id))",
    R"(CREATE INDEX command_device ON command (device, id))",
};

}  // namespace

Migration second_migration() { return second; }

}  // namespace meterlens::store
