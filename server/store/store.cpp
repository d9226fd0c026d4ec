// Opening, devices and commands; photos and readings are in files of their own.
#include "server/store/store.h"

#include <array>

#include "server/store/command_rows.h"
#include "server/store/engine.h"
#include "server/store/leases.h"
#include "server/store/meter_rows.h"
#include "server/store/text_columns.h"
#include "server/store/view_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* device_columns =
    "id, dialect, product, online, firmware, remark, state_json, health_json, "
    "first_seen_ms, last_seen_ms, queue";

struct DeviceRow {
  explicit DeviceRow(soci::statement& statement) {
    statement.exchange(into(device.id));
    statement.exchange(into(dialect));
    statement.exchange(into(device.product));
    statement.exchange(into(online));
    statement.exchange(into(device.firmware));
    statement.exchange(into(device.remark));
    statement.exchange(into(device.state_json));
    statement.exchange(into(device.health_json));
    statement.exchange(into(device.first_seen_ms));
    statement.exchange(into(device.last_seen_ms));
    statement.exchange(into(device.queue));
  }
  Device take() {
    device.dialect = dialect == protocol::name(protocol::Dialect::smartdtu)
                         ? protocol::Dialect::smartdtu
                         : protocol::Dialect::native;
    device.online = online != 0;
    return device;
  }
  Device device;
  std::string dialect;
  int online = 0;
};

constexpr const char* command_columns =
    "id, device, kind, state, reason, packets_received, packets_total, photo, reading, "
    "created_ms, updated_ms, "
    "coalesce((SELECT p.light FROM photo p WHERE p.id = command.photo), ''), "
    "coalesce((SELECT p.mean FROM photo p WHERE p.id = command.photo), 0), "
    "coalesce((SELECT p.dark_percent FROM photo p WHERE p.id = command.photo), 0), "
    "coalesce((SELECT p.bright_percent FROM photo p WHERE p.id = command.photo), 0)";

command::State command_state_named(const std::string& name) {
  constexpr std::array all{command::State::queued,       command::State::sent,
                           command::State::received,     command::State::shooting,
                           command::State::transferring, command::State::stored,
                           command::State::read,         command::State::failed,
                           command::State::expired};
  for (const auto state : all) {
    if (name == command::name(state)) return state;
  }
  throw soci::soci_error("unknown command state in the database: " + name);
}

struct CommandRow {
  explicit CommandRow(soci::statement& statement) {
    statement.exchange(into(command.id));
    statement.exchange(into(command.device));
    statement.exchange(into(command.kind));
    statement.exchange(into(state));
    statement.exchange(into(command.reason));
    statement.exchange(into(command.packets_received));
    statement.exchange(into(command.packets_total));
    statement.exchange(into(command.photo));
    statement.exchange(into(command.reading));
    statement.exchange(into(command.created_ms));
    statement.exchange(into(command.updated_ms));
    statement.exchange(into(light));
    statement.exchange(into(brightness.mean));
    statement.exchange(into(brightness.dark_percent));
    statement.exchange(into(brightness.bright_percent));
  }
  command::Command take() {
    command.state = command_state_named(state);
    command.brightness = brightness_named(light, brightness);
    return command;
  }
  command::Command command;
  std::string state;
  std::string light;
  photo::Brightness brightness;
};

struct MomentRow {
  explicit MomentRow(soci::statement& statement) {
    statement.exchange(into(state));
    statement.exchange(into(moment.reason));
    statement.exchange(into(moment.at_ms));
  }
  command::Moment take() {
    moment.state = command_state_named(state);
    return moment;
  }
  command::Moment moment;
  std::string state;
};

void insert_moment(soci::session& sql, std::int64_t id, const command::Command& command) {
  const std::string state = command::name(command.state);
  sql << "INSERT INTO command_moment (command, state, reason, at_ms)"
         " VALUES (:command, :state, :reason, :at)",
      use(id), use(state), use(command.reason), use(command.updated_ms);
}

void put_device(soci::session& sql, const Device& device) {
  const std::string dialect = protocol::name(device.dialect);
  const int online = device.online ? 1 : 0;
  sql << "INSERT INTO device (" << device_columns
      << ") VALUES (:id, :dialect, :product, :online, :firmware, :remark, :state, :health,"
         " :first, :last, :queue)"
         " ON CONFLICT (id) DO UPDATE SET dialect = excluded.dialect, product = excluded.product,"
         " online = excluded.online, firmware = excluded.firmware,"
         " state_json = excluded.state_json, health_json = excluded.health_json,"
         " last_seen_ms = excluded.last_seen_ms, queue = excluded.queue",
      use(device.id), use(dialect), use(device.product), use(online), use(device.firmware),
      use(device.remark), use(device.state_json), use(device.health_json),
      use(device.first_seen_ms), use(device.last_seen_ms), use(device.queue);
}

// false: it is not there.
bool put_command(soci::session& sql, const command::Command& command) {
  const std::string state = command::name(command.state);
  const auto before = select_first<MomentRow>(
      sql, "SELECT state, reason, updated_ms FROM command WHERE id = :id", command.id);
  if (!before) return false;
  // Only when it has come further: packets that arrive are no moment of their own.
  if (before->state != command.state || before->reason != command.reason)
    insert_moment(sql, command.id, command);
  sql << "UPDATE command SET state = :state, reason = :reason, packets_received = :received,"
         " packets_total = :total, photo = :photo, reading = :reading, updated_ms = :updated"
         " WHERE id = :id",
      use(state), use(command.reason), use(command.packets_received), use(command.packets_total),
      use(command.photo), use(command.reading), use(command.updated_ms), use(command.id);
  return true;
}

}  // namespace

std::int64_t insert_command(soci::session& sql, const command::Command& command) {
  const std::string state = command::name(command.state);
  sql << "INSERT INTO command (device, kind, state, reason, packets_received, packets_total,"
         " photo, reading, created_ms, updated_ms) VALUES (:device, :kind, :state, :reason,"
         " :received, :total, :photo, :reading, :created, :updated)",
      use(command.device), use(command.kind), use(state), use(command.reason),
      use(command.packets_received), use(command.packets_total), use(command.photo),
      use(command.reading), use(command.created_ms), use(command.updated_ms);
  std::int64_t id = 0;
  sql << "SELECT last_insert_rowid()", into(id);
  insert_moment(sql, id, command);
  return id;
}

std::vector<command::Command> open_commands_of(soci::session& sql, const Names& devices) {
  return select_of<CommandRow>(sql,
                               std::string("SELECT ") + command_columns +
                                   " FROM command WHERE state NOT IN ('read', 'failed', 'expired')"
                                   " AND device IN (?) ORDER BY id",
                               devices);
}

Store::Store() = default;
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const Options& options) {
  try {
    std::unique_ptr<Store> store(new Store);
    store->engine_ = std::make_unique<Engine>(path, options);
    return store;
  } catch (const OpenFailure& failure) {
    return std::unexpected(failure.error);
  }
}

Result<void> Store::save_device(const Device& device) {
  return Fleet(*this).save_devices({&device, 1});
}

Result<void> Fleet::save_devices(std::span<const Device> devices) {
  return store_.engine_->write([&](soci::session& sql) {
    for (const Device& device : devices) {
      put_device(sql, device);
      adopt(sql, device.id, device.first_seen_ms);
    }
  });
}

Result<void> Store::mark_all_offline() {
  return engine_->write(
      [](soci::session& sql) { sql << "UPDATE device SET online = 0 WHERE online <> 0"; });
}

Result<std::vector<Device>> Store::devices(const Owned& owned) {
  return engine_->read([&](soci::session& sql) {
    const std::string text = std::string("SELECT ") + device_columns + " FROM device";
    if (!owned.device.empty())
      return select_rows<DeviceRow>(sql, text + " WHERE id = :id", owned.device);
    if (owned.queue < 0) return select_rows<DeviceRow>(sql, text + " ORDER BY id");
    return select_rows<DeviceRow>(sql, text + " WHERE queue = :queue ORDER BY id", owned.queue);
  });
}

Result<Device> Store::device(const std::string& id) {
  return found_or(engine_->read([&](soci::session& sql) {
    return select_first<DeviceRow>(
        sql, std::string("SELECT ") + device_columns + " FROM device WHERE id = :id", id);
  }), "device " + id);
}

Result<std::vector<Device>> Leases::devices_named(const std::vector<std::string>& names) {
  std::vector<std::string> wanted = names;
  std::ranges::sort(wanted);
  wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
  return store_.engine_->read([&](soci::session& sql) {
    return select_of<DeviceRow>(
        sql, std::string("SELECT ") + device_columns + " FROM device WHERE id IN (?)", wanted);
  });
}

Result<std::int64_t> Store::add_command(const command::Command& command) {
  return engine_->write([&](soci::session& sql) { return insert_command(sql, command); });
}

Result<void> Store::save_command(const command::Command& command) {
  const auto found =
      engine_->write([&](soci::session& sql) { return put_command(sql, command); });
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    return std::unexpected(
        Error{ErrorCode::not_found, "there is no command " + std::to_string(command.id)});
  }
  return {};
}

Result<void> Fleet::save_commands(std::span<const command::Command> commands) {
  return store_.engine_->write([&](soci::session& sql) {
    for (const command::Command& command : commands) put_command(sql, command);
  });
}

Result<command::Command> Store::command(std::int64_t id) {
  return found_or(engine_->read([&](soci::session& sql) {
    return select_first<CommandRow>(
        sql, std::string("SELECT ") + command_columns + " FROM command WHERE id = :id", id);
  }), "command " + std::to_string(id));
}

Result<std::vector<command::Command>> Store::open_commands(const Owned& owned) {
  return engine_->read([&](soci::session& sql) {
    return select_owned<CommandRow>(
        sql, std::string("SELECT ") + command_columns +
                 " FROM command WHERE state NOT IN ('read', 'failed', 'expired')",
        " ORDER BY id", owned);
  });
}

Result<std::vector<command::Moment>> Store::command_life(std::int64_t id) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<MomentRow>(
        sql, "SELECT state, reason, at_ms FROM command_moment WHERE command = :id ORDER BY id", id);
  });
}

Result<std::vector<command::Command>> Store::commands(const std::string& device,
                                                      std::int64_t before, int count_max) {
  return engine_->read([&](soci::session& sql) {
    std::string text = std::string("SELECT ") + command_columns;
    text += " FROM command WHERE id < :before";
    text += device.empty() ? " AND :device = ''" : " AND device = :device";
    text += " ORDER BY id DESC LIMIT :count";
    return select_rows<CommandRow>(sql, text, before, device, count_max);
  });
}

Result<void> Store::check() {
  const auto written = engine_->write([](soci::session& sql) {
    // Rewrites a row with its own value: takes the lock and writes the log, and changes nothing.
    sql << "UPDATE schema_version SET applied_at_ms = applied_at_ms";
  });
  if (!written) return written;
  const auto read = engine_->read([](soci::session& sql) {
    return select_first<IntegerRow>(sql, "SELECT count(*) FROM schema_version");
  });
  if (!read) return std::unexpected(read.error());
  return {};
}

}  // namespace meterlens::store
