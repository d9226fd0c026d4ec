// Inside store/: rows of readings and reviews within somebody's transaction.
#pragma once

#include <cstdint>
#include <optional>

#include "server/store/engine.h"

namespace meterlens::store {

// With its review, when it has one; marks its photo as read. The new id.
std::int64_t insert_reading(soci::session& sql, const validate::Reading& reading);
// `reviewed` as it stands after its review; the reading points at it.
void insert_review(soci::session& sql, const validate::Reading& reviewed);
// What the home page counts: a reading comes (1), or goes (-1: before its row does).
void count_reading(soci::session& sql, std::int64_t id, std::int64_t by);
std::optional<validate::Reading> find_reading(soci::session& sql, std::int64_t id);

// What the readers said of the photo of that reading.
void insert_said(soci::session& sql, std::int64_t reading,
                 const std::vector<validate::Said>& said);
struct Case;
struct Judged;
// What is known, the judgement, and what it changes, in the transaction of `sql`.
void judge_in(soci::session& sql, const Case& one, std::int64_t now_ms, Judged& out);

}  // namespace meterlens::store
