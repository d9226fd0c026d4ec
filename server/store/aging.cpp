// Retention: what is too old goes, in small transactions.
#include "server/store/engine.h"
#include "server/store/partitions.h"
#include "server/store/reading_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

// Both select some rows by id, each with whether it goes.
constexpr const char* old_photos =
    "SELECT p.id, p.path, CASE WHEN EXISTS (SELECT 1 FROM reading r WHERE r.photo = p.id"
    " AND r.standing IN ('accepted', 'manual')) OR (p.state = 'stored' AND p.reading = 0)"
    " THEN 0 ELSE 1 END FROM photo p WHERE p.id > :after AND p.received_at_ms < :before"
    " ORDER BY p.id LIMIT :count";

constexpr const char* old_readings =
    "SELECT r.id, '', CASE WHEN EXISTS (SELECT 1 FROM exchange e WHERE e.meter = r.meter"
    " AND (e.end_reading = r.id OR e.start_reading = r.id)) OR r.id = (SELECT n.id FROM reading n"
    " WHERE n.meter = r.meter AND n.standing IN ('accepted', 'manual')"
    " ORDER BY n.at_ms DESC, n.id DESC LIMIT 1) THEN 0 ELSE 1 END"
    " FROM reading r WHERE r.id > :after AND r.at_ms < :before ORDER BY r.id LIMIT :count";

struct Old {
  std::int64_t id = 0;
  std::string path;
  int goes = 0;
};

struct OldRow {
  explicit OldRow(soci::statement& statement) {
    statement.exchange(into(old.id));
    statement.exchange(into(old.path));
    statement.exchange(into(old.goes));
  }
  Old take() const { return old; }
  Old old;
};

// The rows that were looked at; `after` is where they end.
std::vector<Old> look(soci::session& sql, const char* text, std::int64_t before_ms, int count_max,
                      std::int64_t& after, bool& more) {
  if (before_ms == 0) return {};
  auto rows = select_rows<OldRow>(sql, text, after, before_ms, count_max);
  if (!rows.empty()) after = rows.back().id;
  more = more || static_cast<int>(rows.size()) == count_max;
  return rows;
}

constexpr const char* delete_messages =
    "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE at_ms < :before"
    " ORDER BY at_ms LIMIT :count)";

// Ids rise with time, so the oldest are looked at and no more.
constexpr const char* delete_entries =
    "DELETE FROM audit WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM audit ORDER BY id"
    " LIMIT :count) oldest WHERE at_ms < :before)";

constexpr const char* delete_slots =
    "DELETE FROM slot WHERE id IN (SELECT id FROM (SELECT id, due_ms FROM slot ORDER BY id"
    " LIMIT :count) oldest WHERE due_ms < :before)";

}  // namespace

Result<Aged> Store::remove_aged(const Aging& aging) {
  return engine_->write([&](soci::session& sql) {
    Aged out;
    out.next = aging;
    // At the begin of a sweep: whole months go with their table, one each time.
    if (is_postgresql(engine_->place_) && aging.readings_before_ms > 0 &&
        aging.after_reading == 0) {
      if (const auto gone = drop_reading_month(sql, aging.readings_before_ms)) {
        out.readings = static_cast<int>(*gone);
        out.more = true;
        return out;
      }
    }
    // Readings first: their photos are evidence no longer.
    for (const Old& old : look(sql, old_readings, aging.readings_before_ms, aging.count_max,
                               out.next.after_reading, out.more)) {
      if (old.goes == 0) continue;
      count_reading(sql, old.id, -1);
      sql << "DELETE FROM review WHERE reading = :id", use(old.id);
      sql << "DELETE FROM said WHERE reading = :id", use(old.id);
      sql << "DELETE FROM reading WHERE id = :id", use(old.id);
      ++out.readings;
    }
    if (out.more) return out;
    for (const Old& old : look(sql, old_photos, aging.photos_before_ms, aging.count_max,
                               out.next.after_photo, out.more)) {
      if (old.goes == 0) continue;
      sql << "DELETE FROM photo WHERE id = :id", use(old.id);
      out.paths.push_back(old.path);
      ++out.photos;
    }
    if (out.more) return out;
    if (is_postgresql(engine_->place_)) {
      keep_months(sql, server::unix_ms());
      drop_message_months(sql, aging.messages_before_ms);
    }
    if (aging.messages_before_ms != 0)
      out.messages = change_rows(sql, delete_messages, aging.messages_before_ms, aging.count_max);
    if (aging.audit_before_ms != 0)
      out.entries = change_rows(sql, delete_entries, aging.count_max, aging.audit_before_ms);
    if (aging.readings_before_ms != 0)
      out.slots = change_rows(sql, delete_slots, aging.count_max, aging.readings_before_ms);
    out.more = out.slots == aging.count_max ||
               out.messages == aging.count_max || out.entries == aging.count_max;
    return out;
  });
}

}  // namespace meterlens::store
