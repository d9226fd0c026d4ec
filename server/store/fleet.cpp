// Tags, switches, and devices that go.
#include "server/store/fleet.h"

#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using fleet::Kind;
using fleet::Tags;
using fleet::Target;
using soci::into;
using soci::use;

struct TagRow {
  explicit TagRow(soci::statement& statement) {
    statement.exchange(into(tags.group));
    statement.exchange(into(tags.version));
  }
  Tags take() { return std::move(tags); }
  Tags tags;
};

struct LabelRow {
  explicit LabelRow(soci::statement& statement) {
    statement.exchange(into(name));
    statement.exchange(into(value));
  }
  std::pair<std::string, std::string> take() { return {std::move(name), std::move(value)}; }
  std::string name, value;
};

struct GroupRow {
  explicit GroupRow(soci::statement& statement) {
    statement.exchange(into(count.group));
    statement.exchange(into(count.devices));
    statement.exchange(into(count.meters));
  }
  GroupCount take() { return std::move(count); }
  GroupCount count;
};

struct SwitchRow {
  explicit SwitchRow(soci::statement& statement) {
    statement.exchange(into(enabled));
    statement.exchange(into(state.changed_ms));
    statement.exchange(into(state.dropped));
  }
  Switch take() {
    state.enabled = enabled != 0;
    return state;
  }
  Switch state;
  int enabled = 1;
};

Tags find_tags(soci::session& sql, Kind kind, const std::string& id) {
  const std::string word = fleet::name(kind);
  auto tags = select_first<TagRow>(
      sql, "SELECT group_path, version FROM tag WHERE kind = :kind AND id = :id", word, id);
  Tags out = tags ? std::move(*tags) : Tags();
  for (auto& [name, value] : select_rows<LabelRow>(
           sql, "SELECT name, value FROM label WHERE kind = :kind AND id = :id", word, id))
    out.labels[name] = value;
  return out;
}

// Of a device that has its watches still: they lead to the readings, among those of all.
void remove_photo_readings(soci::session& sql, const std::string& device) {
  const std::string these =
      "(SELECT r.id FROM reading r WHERE r.device = :device AND r.photo <> 0 AND r.meter IN"
      " (SELECT meter FROM watch WHERE device = :watching UNION SELECT CAST(:own AS TEXT)))";
  sql << "INSERT INTO reading_count (slot, verdict, readings) SELECT at_ms / 900000, standing,"
         " -count(*) FROM reading WHERE id IN " << these <<
         " GROUP BY at_ms / 900000, standing ON CONFLICT (slot, verdict) DO UPDATE SET"
         " readings = reading_count.readings + excluded.readings",
      use(device), use(device), use(device);
  sql << "DELETE FROM said WHERE reading IN " << these, use(device), use(device), use(device);
  sql << "DELETE FROM review WHERE reading IN " << these, use(device), use(device), use(device);
  sql << "DELETE FROM reading WHERE id IN " << these, use(device), use(device), use(device);
}

// For LIKE: a text with this in it, small.
std::string part_of(const std::string& search) {
  std::string out = "%";
  for (const char c : search) {
    if (c == '%' || c == '_' || c == '!') out += '!';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out + '%';
}

}  // namespace

void add_target(Where& where, Kind kind, const Target& target) {
  const std::string word = fleet::name(kind);
  // What is below "a" lies between "a/" and "a0": 0 is what follows / in ASCII.
  if (!target.group.empty())
    where.add_among("a.id", "SELECT id FROM tag WHERE kind = ? AND group_path = ? UNION ALL"
                    " SELECT id FROM tag WHERE kind = ? AND group_path > ? AND group_path < ?",
                    {word, target.group, word, target.group + "/", target.group + "0"});
  if (target.label_name.empty()) return;
  if (target.label_value.empty())
    where.add_among("a.id", "SELECT id FROM label WHERE kind = ? AND name = ?",
                    {word, target.label_name});
  else
    where.add_among("a.id", "SELECT id FROM label WHERE kind = ? AND name = ? AND value = ?",
                    {word, target.label_name, target.label_value});
}

Where where_of(const DeviceFilter& filter) {
  Where where;
  where.add("a.id > ?", {filter.after});
  add_target(where, Kind::device, filter.target);
  if (filter.online) where.add(*filter.online ? "a.online = 1" : "a.online = 0");
  if (filter.enabled)
    where.add(std::string(*filter.enabled ? "NOT " : "") +
              "EXISTS (SELECT 1 FROM device_switch s WHERE s.device = a.id AND s.enabled = 0)");
  if (!filter.dialect.empty()) where.add("a.dialect = ?", {filter.dialect});
  if (!filter.search.empty())
    where.add("(lower(a.id) LIKE ? ESCAPE '!' OR lower(a.remark) LIKE ? ESCAPE '!')",
              {part_of(filter.search), part_of(filter.search)});
  return where;
}

Where where_of(const MeterFilter& filter) {
  Where where;
  where.add("a.id > ?", {filter.after});
  add_target(where, Kind::meter, filter.target);
  if (const std::string part = part_of(filter.search); !filter.search.empty())
    where.add("(lower(a.id) LIKE ? ESCAPE '!' OR lower(v.place) LIKE ? ESCAPE '!'"
              " OR lower(v.serial) LIKE ? ESCAPE '!')", {part, part, part});
  if (filter.verdict) {
    const std::string verdict = validate::name(*filter.verdict);
    // Most readings are accepted; of the others there are few, found faster than by meter.
    if (*filter.verdict != validate::Verdict::accepted)
      where.add("a.id IN (SELECT meter FROM reading WHERE standing = ?)", {verdict});
    where.add("(SELECT r.standing FROM reading r WHERE r.meter = a.id"
              " ORDER BY r.at_ms DESC, r.id DESC LIMIT 1) = ?", {verdict});
  }
  if (filter.unread) where.add("NOT EXISTS (SELECT 1 FROM reading r WHERE r.meter = a.id)");
  if (filter.alarmed)
    where.add("a.id IN (SELECT subject FROM alarm WHERE cleared_ms = 0"
              " AND kind IN ('leak', 'stuck', 'doubtful') UNION SELECT w.meter FROM alarm l"
              " JOIN watch w ON w.device = l.subject JOIN watch_version h ON h.version = w.version"
              " WHERE l.cleared_ms = 0 AND l.kind = 'silent' AND h.to_ms = 0)");
  return where;
}

Result<Tags> Fleet::tags(Kind kind, const std::string& id) {
  return store_.engine_->read([&](soci::session& sql) { return find_tags(sql, kind, id); });
}

Result<Tags> Fleet::save_tags(Kind kind, const std::string& id, const Tags& tags) {
  const auto saved = store_.engine_->write([&](soci::session& sql) -> std::optional<Tags> {
    const std::string word = fleet::name(kind);
    if (find_tags(sql, kind, id).version != tags.version) return {};
    const std::int64_t version = tags.version + 1;
    sql << "INSERT INTO tag (kind, id, group_path, version) VALUES (:kind, :id, :path, :version)"
           " ON CONFLICT (kind, id) DO UPDATE SET group_path = excluded.group_path,"
           " version = excluded.version",
        use(word), use(id), use(tags.group), use(version);
    sql << "DELETE FROM label WHERE kind = :kind AND id = :id", use(word), use(id);
    for (const auto& [name, value] : tags.labels)
      sql << "INSERT INTO label (kind, id, name, value) VALUES (:kind, :id, :name, :value)",
          use(word), use(id), use(name), use(value);
    return find_tags(sql, kind, id);
  });
  if (!saved) return std::unexpected(saved.error());
  if (!*saved) return changed_meanwhile("what the tags of " + id + " are");
  return **saved;
}

Result<std::vector<GroupCount>> Fleet::groups(int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<GroupRow>(
        sql, "SELECT group_path, sum(CASE kind WHEN 'device' THEN 1 ELSE 0 END),"
             " sum(CASE kind WHEN 'meter' THEN 1 ELSE 0 END) FROM tag WHERE group_path <> ''"
             " GROUP BY group_path ORDER BY group_path LIMIT :count", count_max);
  });
}

Result<std::vector<std::string>> Fleet::devices(const DeviceFilter& filter) {
  const Where where = where_of(filter);
  return store_.engine_->read([&](soci::session& sql) {
    return where.select<NameRow>(sql, "SELECT a.id FROM device a",
                                 " ORDER BY a.id LIMIT " + std::to_string(filter.count_max));
  });
}

Result<std::vector<std::string>> Fleet::meters(const MeterFilter& filter) {
  const Where where = where_of(filter);
  return store_.engine_->read([&](soci::session& sql) {
    return where.select<NameRow>(sql, "SELECT a.id FROM meter a"
                                      " JOIN meter_version v ON v.version = a.version",
                                 " ORDER BY a.id LIMIT " + std::to_string(filter.count_max));
  });
}

Result<std::vector<std::string>> Fleet::devices_of(const Target& target) {
  return store_.engine_->read([&](soci::session& sql) {
    std::vector<std::string> out;
    for (const std::string& device : target.devices)
      if (select_first<NameRow>(sql, "SELECT id FROM device WHERE id = :id", device))
        out.push_back(device);
    if (!target.group.empty() || !target.label_name.empty()) {
      Where where;
      add_target(where, Kind::device, target);
      for (auto& device : where.select<NameRow>(sql, "SELECT a.id FROM device a", ""))
        out.push_back(std::move(device));
    }
    std::ranges::sort(out);
    out.erase(std::ranges::unique(out).begin(), out.end());
    return out;
  });
}

Result<Switch> Fleet::device_switch(const std::string& device) {
  const auto found = store_.engine_->read([&](soci::session& sql) {
    return select_first<SwitchRow>(
        sql, "SELECT enabled, changed_ms, dropped FROM device_switch WHERE device = :device",
        device);
  });
  if (!found) return std::unexpected(found.error());
  return found->value_or(Switch());
}

Result<std::vector<std::string>> Fleet::disabled(const Owned& owned) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_owned<NameRow>(sql, "SELECT device FROM device_switch WHERE enabled = 0", "",
                                 owned);
  });
}

Result<void> Fleet::save_switch(const std::string& device, const Switch& state) {
  return store_.engine_->write([&](soci::session& sql) {
    const int enabled = state.enabled ? 1 : 0;
    sql << "INSERT INTO device_switch (device, enabled, changed_ms, dropped)"
           " VALUES (:device, :enabled, :changed, 0) ON CONFLICT (device) DO UPDATE SET"
           " enabled = excluded.enabled, changed_ms = excluded.changed_ms",
        use(device), use(enabled), use(state.changed_ms);
  });
}

Result<void> Fleet::add_dropped(const std::string& device, std::int64_t count) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "INSERT INTO device_switch (device, enabled, changed_ms, dropped)"
           " VALUES (:device, 1, 0, :count) ON CONFLICT (device) DO UPDATE SET"
           " dropped = device_switch.dropped + excluded.dropped",
        use(device), use(count);
  });
}

Result<void> Fleet::save_remark(const std::string& device, const std::string& remark) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "UPDATE device SET remark = :remark WHERE id = :id", use(remark), use(device);
  });
}

Result<std::vector<std::string>> Fleet::remove_device(const std::string& device, bool purge) {
  return store_.engine_->write([&](soci::session& sql) {
    constexpr std::array always{
        "DELETE FROM device WHERE id = :device",
        "DELETE FROM tag WHERE kind = 'device' AND id = :device",
        "DELETE FROM label WHERE kind = 'device' AND id = :device",
        "DELETE FROM device_switch WHERE device = :device",
        "DELETE FROM settings WHERE device = :device",
        "DELETE FROM control WHERE device = :device",
        "DELETE FROM profile_push WHERE device = :device",
        "UPDATE light_try SET state = 'done', note = 'the device was deleted'"
        " WHERE device = :device AND state <> 'done'",
        "UPDATE campaign_device SET turn = 'failed', reason = 'the device was deleted'"
        " WHERE device = :device AND turn IN ('waiting', 'ordered')",
    };
    // What hangs on a row goes before it. An alarm that is open ends first, so that those who were
    // told of it hear of its end. A credential that was taken away stays so.
    constexpr std::array purged{
        "DELETE FROM command_moment WHERE command IN (SELECT id FROM command"
        " WHERE device = :device)",
        "DELETE FROM light_try WHERE device = :device",
        "DELETE FROM watch_version WHERE watch IN (SELECT id FROM watch WHERE device = :device)",
        "DELETE FROM watch WHERE device = :device",
        "DELETE FROM alarm_change WHERE alarm IN (SELECT id FROM alarm WHERE kind = 'silent'"
        " AND subject = :device AND cleared_ms <> 0)",
        "DELETE FROM alarm WHERE kind = 'silent' AND subject = :device AND cleared_ms <> 0",
        "DELETE FROM credential WHERE device = :device AND removed = 0",
        "DELETE FROM photo WHERE device = :device",
        "DELETE FROM command WHERE device = :device",
        R"(DELETE FROM "update" WHERE device = :device)",
        "DELETE FROM message WHERE device = :device",
        "DELETE FROM health WHERE device = :device",
        "DELETE FROM campaign_device WHERE device = :device",
    };
    std::vector<std::string> files;
    if (purge) {
      files = select_rows<NameRow>(
          sql, "SELECT path FROM photo WHERE device = :device AND path <> ''", device);
      remove_photo_readings(sql, device);
      for (const char* text : purged) sql << text, use(device);
    }
    for (const char* text : always) sql << text, use(device);
    return files;
  });
}

}  // namespace meterlens::store
