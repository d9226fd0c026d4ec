#include "server/store/access_schema.h"

#include <array>

namespace meterlens::store {
namespace {

constexpr std::array<std::string_view, 10> access{
    R"(CREATE TABLE user (
         name TEXT PRIMARY KEY, role TEXT NOT NULL, groups TEXT NOT NULL,
         password_hash TEXT NOT NULL, disabled INTEGER NOT NULL, created_ms BIGINT NOT NULL,
         password_ms BIGINT NOT NULL))",
    R"(CREATE TABLE session (
         hash TEXT PRIMARY KEY, user TEXT NOT NULL, address TEXT NOT NULL,
         created_ms BIGINT NOT NULL, used_ms BIGINT NOT NULL))",
    R"(CREATE INDEX session_name ON session (user))",
    R"(CREATE TABLE token (
         id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
         user TEXT NOT NULL, scopes TEXT NOT NULL, created_ms BIGINT NOT NULL,
         expires_ms BIGINT NOT NULL))",
    R"(CREATE INDEX token_user ON token (user))",
    R"(CREATE TABLE credential (
         device TEXT PRIMARY KEY, hash TEXT NOT NULL, made_by TEXT NOT NULL,
         made_ms BIGINT NOT NULL, removed INTEGER NOT NULL))",
    R"(CREATE TABLE product (name TEXT PRIMARY KEY, hash TEXT NOT NULL, made_ms BIGINT NOT NULL))",
    R"(CREATE TABLE audit (
         id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms BIGINT NOT NULL, who TEXT NOT NULL,
         made_by TEXT NOT NULL, address TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
         status INTEGER NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL))",
    // What happened is not changed any more, whoever asks.
    R"(CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
         BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END)",
    R"(CREATE INDEX audit_who ON audit (who, id))",
};

}  // namespace

Migration access_migration() { return access; }

}  // namespace meterlens::store
