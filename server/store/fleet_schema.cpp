#include "server/store/fleet_schema.h"

#include <array>

namespace meterlens::store {
namespace {

// Lists of names are texts with spaces between, bytes of settings numbers with spaces between.
constexpr std::array<std::string_view, 19> fleet{
    R"(CREATE TABLE tag (
         kind TEXT NOT NULL, id TEXT NOT NULL, group_path TEXT NOT NULL, version BIGINT NOT NULL,
         PRIMARY KEY (kind, id)))",
    R"(CREATE TABLE label (
         kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
         PRIMARY KEY (kind, id, name)))",
    R"(CREATE INDEX label_name ON label (kind, name, value))",
    R"(CREATE TABLE device_switch (
         device TEXT PRIMARY KEY, enabled INTEGER NOT NULL, changed_ms BIGINT NOT NULL,
         dropped BIGINT NOT NULL))",
    R"(CREATE TABLE message (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, direction TEXT NOT NULL,
         at_ms BIGINT NOT NULL, topic TEXT NOT NULL, payload_bytes BIGINT NOT NULL,
         is_text INTEGER NOT NULL, payload TEXT NOT NULL))",
    R"(CREATE INDEX message_device ON message (device, id))",
    R"(CREATE INDEX message_at ON message (at_ms))",
    R"(CREATE TABLE health (
         device TEXT NOT NULL, source TEXT NOT NULL, slot BIGINT NOT NULL, at_ms BIGINT NOT NULL,
         values_json TEXT NOT NULL, PRIMARY KEY (device, source, slot)))",
    R"(CREATE INDEX health_device ON health (device, at_ms))",
    R"(CREATE TABLE control (
         id INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, kind TEXT NOT NULL,
         payload TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
         is_open INTEGER NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL))",
    R"(CREATE INDEX control_device ON control (device, id))",
    R"(CREATE INDEX control_open ON control (id) WHERE is_open = 1)",
    R"(CREATE TABLE profile (
         id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, camera TEXT NOT NULL,
         dtu TEXT NOT NULL, devices TEXT NOT NULL, group_path TEXT NOT NULL,
         label_name TEXT NOT NULL, label_value TEXT NOT NULL, version BIGINT NOT NULL))",
    R"(CREATE TABLE profile_push (
         profile BIGINT NOT NULL, device TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
         at_ms BIGINT NOT NULL, PRIMARY KEY (profile, device)))",
    R"(CREATE TABLE campaign (
         id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, image BIGINT NOT NULL,
         devices TEXT NOT NULL, group_path TEXT NOT NULL, label_name TEXT NOT NULL,
         label_value TEXT NOT NULL, canaries TEXT NOT NULL, steps TEXT NOT NULL,
         error_percent_max INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL,
         stage INTEGER NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL))",
    R"(CREATE TABLE campaign_device (
         campaign BIGINT NOT NULL, device TEXT NOT NULL, stage INTEGER NOT NULL,
         update_id BIGINT NOT NULL, turn TEXT NOT NULL, reason TEXT NOT NULL,
         PRIMARY KEY (campaign, device)))",
    R"(CREATE INDEX campaign_device_turn ON campaign_device (campaign, stage, turn))",
    R"(CREATE TABLE kept_answer (
         name TEXT PRIMARY KEY, request_hash TEXT NOT NULL, status INTEGER NOT NULL,
         body TEXT NOT NULL, at_ms BIGINT NOT NULL))",
    R"(ALTER TABLE schedule ADD COLUMN device_group TEXT NOT NULL DEFAULT '')",
};

}  // namespace

Migration fleet_migration() { return fleet; }

}  // namespace meterlens::store
