// Inside store/: rows of alarms within somebody's transaction.
#pragma once

#include <string>

#include "server/store/alarms.h"
#include "server/store/engine.h"

namespace meterlens::store {

inline constexpr const char* alarm_select =
    "SELECT a.id, a.kind, a.subject, a.reason, a.raised_ms, a.acknowledged_ms, a.acknowledged_by,"
    " a.cleared_ms FROM alarm a ";

struct AlarmRow {
  explicit AlarmRow(soci::statement& statement) {
    statement.exchange(soci::into(alarm.id));
    statement.exchange(soci::into(kind));
    statement.exchange(soci::into(alarm.subject));
    statement.exchange(soci::into(alarm.reason));
    statement.exchange(soci::into(alarm.raised_ms));
    statement.exchange(soci::into(alarm.acknowledged_ms));
    statement.exchange(soci::into(alarm.acknowledged_by));
    statement.exchange(soci::into(alarm.cleared_ms));
  }
  Alarm take() {
    alarm.kind = alarm_kind_named(kind).value_or(AlarmKind::leak);
    return alarm;
  }
  Alarm alarm;
  std::string kind;
};

}  // namespace meterlens::store
