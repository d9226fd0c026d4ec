// Settings profiles, their pushes, and the answers kept for idempotency keys.
#include "server/store/fleet_rows.h"

namespace meterlens::store {
namespace {

using fleet::Profile;
using fleet::Push;
using fleet::PushState;
using soci::into;
using soci::use;

constexpr std::array push_names{"pending", "pushed", "failed"};

struct ProfileRow {
  explicit ProfileRow(soci::statement& statement) {
    statement.exchange(into(profile.id));
    statement.exchange(into(profile.name));
    statement.exchange(into(camera));
    statement.exchange(into(dtu));
    statement.exchange(into(devices));
    statement.exchange(into(profile.target.group));
    statement.exchange(into(profile.target.label_name));
    statement.exchange(into(profile.target.label_value));
    statement.exchange(into(profile.version));
  }
  Profile take() {
    profile.camera = numbers_of<std::uint8_t>(camera);
    profile.dtu = numbers_of<std::uint8_t>(dtu);
    profile.target.devices = parted(devices);
    return profile;
  }
  Profile profile;
  std::string camera, dtu, devices;
};

constexpr const char* profile_select =
    "SELECT id, name, camera, dtu, devices, group_path, label_name, label_value, version"
    " FROM profile ";

struct PushRow {
  explicit PushRow(soci::statement& statement) {
    statement.exchange(into(push.profile));
    statement.exchange(into(push.device));
    statement.exchange(into(state));
    statement.exchange(into(push.reason));
    statement.exchange(into(push.at_ms));
  }
  Push take() {
    const auto at = std::ranges::find(push_names, state);
    if (at == push_names.end()) throw soci::soci_error("an unknown push in the database: " + state);
    push.state = static_cast<PushState>(at - push_names.begin());
    return push;
  }
  Push push;
  std::string state;
};

constexpr const char* push_select =
    "SELECT profile, device, state, reason, at_ms FROM profile_push ";

struct AnswerRow {
  explicit AnswerRow(soci::statement& statement) {
    statement.exchange(into(answer.request_hash));
    statement.exchange(into(answer.status));
    statement.exchange(into(answer.body));
    statement.exchange(into(answer.at_ms));
  }
  KeptAnswer take() { return answer; }
  KeptAnswer answer;
};

std::optional<std::int64_t> version_of(soci::session& sql, std::int64_t id) {
  return select_first<IntegerRow>(sql, "SELECT version FROM profile WHERE id = :id", id);
}

// Of a change that named its version: done, or why not.
Result<void> profile_outcome(const Result<std::optional<bool>>& done, std::int64_t id) {
  if (!done) return std::unexpected(done.error());
  if (!*done)
    return std::unexpected(
        Error{ErrorCode::not_found, "there is no profile " + std::to_string(id)});
  if (!**done) return changed_meanwhile("the profile");
  return {};
}

}  // namespace

Result<std::vector<Profile>> Fleet::profiles(std::int64_t after, int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<ProfileRow>(
        sql, std::string(profile_select) + "WHERE id > :after ORDER BY id LIMIT :count", after,
        count_max);
  });
}

Result<Profile> Fleet::profile(std::int64_t id) {
  return found_or(store_.engine_->read([&](soci::session& sql) {
    return select_first<ProfileRow>(sql, std::string(profile_select) + "WHERE id = :id", id);
  }), "profile " + std::to_string(id));
}

Result<std::int64_t> Fleet::add_profile(const Profile& profile) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string camera = numbers_text(profile.camera), dtu = numbers_text(profile.dtu);
    const std::string devices = joined(profile.target.devices);
    std::int64_t id = 0;
    sql << "INSERT INTO profile (name, camera, dtu, devices, group_path, label_name, label_value,"
           " version) VALUES (:name, :camera, :dtu, :devices, :path, :label, :value, 1)"
           " RETURNING id",
        use(profile.name), use(camera), use(dtu), use(devices), use(profile.target.group),
        use(profile.target.label_name), use(profile.target.label_value), into(id);
    return id;
  });
}

Result<void> Fleet::save_profile(const Profile& profile) {
  const auto done = store_.engine_->write([&](soci::session& sql) -> std::optional<bool> {
    const auto stored = version_of(sql, profile.id);
    if (!stored) return {};
    if (*stored != profile.version) return false;
    const std::string camera = numbers_text(profile.camera), dtu = numbers_text(profile.dtu);
    const std::string devices = joined(profile.target.devices);
    sql << "UPDATE profile SET name = :name, camera = :camera, dtu = :dtu, devices = :devices,"
           " group_path = :path, label_name = :label, label_value = :value,"
           " version = version + 1 WHERE id = :id",
        use(profile.name), use(camera), use(dtu), use(devices), use(profile.target.group),
        use(profile.target.label_name), use(profile.target.label_value), use(profile.id);
    return true;
  });
  return profile_outcome(done, profile.id);
}

Result<void> Fleet::remove_profile(std::int64_t id, std::int64_t version) {
  const auto done = store_.engine_->write([&](soci::session& sql) -> std::optional<bool> {
    const auto stored = version_of(sql, id);
    if (!stored) return {};
    if (*stored != version) return false;
    sql << "DELETE FROM profile_push WHERE profile = :id", use(id);
    sql << "DELETE FROM profile WHERE id = :id", use(id);
    return true;
  });
  return profile_outcome(done, id);
}

Result<void> Fleet::add_pushes(std::int64_t profile, std::span<const std::string> devices,
                               std::int64_t at_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    std::string device;
    soci::statement add = (sql.prepare
        << "INSERT INTO profile_push (profile, device, state, reason, at_ms)"
           " VALUES (:profile, :device, 'pending', '', :at) ON CONFLICT (profile, device)"
           " DO UPDATE SET state = 'pending', reason = '', at_ms = excluded.at_ms",
        use(profile), use(device), use(at_ms));
    for (const std::string& one : devices) {
      device = one;
      add.execute(true);
    }
  });
}

Result<std::vector<Push>> Fleet::pending_pushes(int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<PushRow>(sql, std::string(push_select) +
                                         "WHERE state = 'pending' ORDER BY at_ms, device"
                                         " LIMIT :count", count_max);
  });
}

Result<std::optional<Push>> Fleet::push(std::int64_t profile, const std::string& device) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_first<PushRow>(
        sql, std::string(push_select) + "WHERE profile = :profile AND device = :device", profile,
        device);
  });
}

Result<void> Fleet::save_push(const Push& push) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string state = push_names[static_cast<std::size_t>(push.state)];
    sql << "UPDATE profile_push SET state = :state, reason = :reason, at_ms = :at"
           " WHERE profile = :profile AND device = :device",
        use(state), use(push.reason), use(push.at_ms), use(push.profile), use(push.device);
  });
}

Result<std::optional<KeptAnswer>> Fleet::take_key(const std::string& key, const KeptAnswer& request,
                                                  std::int64_t forget_before_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM kept_answer WHERE at_ms < :at", use(forget_before_ms);
    auto kept = select_first<AnswerRow>(
        sql, "SELECT request_hash, status, body, at_ms FROM kept_answer WHERE name = :name", key);
    if (!kept)
      sql << "INSERT INTO kept_answer (name, request_hash, status, body, at_ms)"
             " VALUES (:name, :hash, 0, '', :at)",
          use(key), use(request.request_hash), use(request.at_ms);
    return kept;
  });
}

Result<void> Fleet::keep_answer(const std::string& key, const KeptAnswer& answer) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "UPDATE kept_answer SET status = :status, body = :body WHERE name = :name",
        use(answer.status), use(answer.body), use(key);
  });
}

Result<void> Fleet::free_key(const std::string& key) {
  return store_.engine_->write(
      [&](soci::session& sql) { sql << "DELETE FROM kept_answer WHERE name = :name", use(key); });
}

Result<std::int64_t> Fleet::edits(const std::string& path) {
  return store_.engine_->read([&](soci::session& sql) {
    return static_cast<std::int64_t>(
        select_first<IntegerRow>(sql, "SELECT edits FROM edit WHERE path = :path", path)
            .value_or(0));
  });
}

Result<std::int64_t> Fleet::count_edit(const std::string& path,
                                       std::optional<std::int64_t> seen) {
  const auto counted = store_.engine_->write([&](soci::session& sql)
                                                 -> std::optional<std::int64_t> {
    const std::int64_t before =
        select_first<IntegerRow>(sql, "SELECT edits FROM edit WHERE path = :path", path)
            .value_or(0);
    if (seen && *seen != before) return {};
    const std::int64_t after = before + 1;
    sql << "INSERT INTO edit (path, edits) VALUES (:path, :edits)"
           " ON CONFLICT (path) DO UPDATE SET edits = excluded.edits",
        use(path), use(after);
    return after;
  });
  if (!counted) return std::unexpected(counted.error());
  if (!*counted) return changed_meanwhile(path);
  return **counted;
}

}  // namespace meterlens::store
