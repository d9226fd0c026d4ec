// Alarms: raised once, acknowledged by a person, cleared when the cause has ended. Each is a row,
// and so is all that happens to it. Every call is one transaction; thread-safe as the store is.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "server/store/store.h"

namespace meterlens::store {

enum class AlarmKind : std::uint8_t {
  leak,      // of a meter: flow without a pause
  stuck,     // of a meter: it stands still for far longer than ever
  doubtful,  // of a meter: too many of its readings are doubtful
  silent,    // of a device: nothing heard for too long
  quota,     // of a service that is paid for: used up
  disk,      // of a folder: little room
  broker,    // the MQTT broker is away
  sink,      // of a sink: it cannot be told anything for too long
  missing,   // of a meter: readings that schedules wanted did not come
};
inline constexpr int alarm_kind_count = 9;
const char* name(AlarmKind kind);
std::optional<AlarmKind> alarm_kind_named(const std::string& name);
// What its subject is: "meter", "device", "folder"; empty: there is only one.
const char* subject_of(AlarmKind kind);

struct Alarm {
  std::int64_t id = 0;
  AlarmKind kind = AlarmKind::leak;
  std::string subject;               // name of the meter, device, folder, service or sink
  std::string reason;
  std::int64_t raised_ms = 0;        // Unix
  std::int64_t acknowledged_ms = 0;  // 0: not yet
  std::string acknowledged_by;       // may be empty
  std::int64_t cleared_ms = 0;       // 0: still open
};

struct AlarmFilter {
  bool open = false;               // only those whose cause has not ended
  std::optional<AlarmKind> kind = {};
  std::string subject = {};        // empty: all
  std::int64_t before_id = 0;      // older ones; 0: from the newest on
  int count_max = 100;
};

class AlarmBook {
 public:
  explicit AlarmBook(Store& store) : store_(store) {}  // outlives this

  // The new alarm; nothing when one of this kind and subject is open already.
  Result<std::optional<Alarm>> raise(AlarmKind kind, const std::string& subject,
                                     const std::string& reason, std::int64_t now_ms);
  // The alarm as it is now; nothing when none was open.
  Result<std::optional<Alarm>> clear(AlarmKind kind, const std::string& subject,
                                     const std::string& reason, std::int64_t now_ms);
  // The same of many of one kind, in one transaction: those that have changed.
  struct Wanted {
    std::string subject;
    std::string reason;
  };
  Result<std::vector<Alarm>> set_all(AlarmKind kind, std::span<const Wanted> wanted, bool is_wrong,
                                     std::int64_t now_ms);
  // A second acknowledgement changes nothing.
  Result<Alarm> acknowledge(std::int64_t id, const std::string& by, std::int64_t now_ms);

  Result<Alarm> alarm(std::int64_t id);
  // Newest first.
  Result<std::vector<Alarm>> alarms(const AlarmFilter& filter);
  Result<std::map<AlarmKind, int>> open_counts();

 private:
  Store& store_;
};

}  // namespace meterlens::store
