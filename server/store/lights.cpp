// Photos that are taken once more with other light.
#include "server/store/engine.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using command::LightTry;
using soci::into;
using soci::use;

constexpr const char* light_select =
    "SELECT id, device, first_command, number, photo, fault, light, command, state, note, entries,"
    " undo, created_ms, updated_ms FROM light_try WHERE ";

struct LightRow {
  explicit LightRow(soci::statement& statement) {
    statement.exchange(into(one.id));
    statement.exchange(into(one.device));
    statement.exchange(into(one.first_command));
    statement.exchange(into(one.number));
    statement.exchange(into(one.photo));
    statement.exchange(into(one.fault));
    statement.exchange(into(one.light));
    statement.exchange(into(one.command));
    statement.exchange(into(state));
    statement.exchange(into(one.note));
    statement.exchange(into(entries));
    statement.exchange(into(undo));
    statement.exchange(into(one.created_ms));
    statement.exchange(into(one.updated_ms));
  }
  LightTry take() {
    // What cannot be understood is undone.
    one.state = command::light_state_named(state).value_or(LightTry::State::undoing);
    one.entries = bytes_of(entries);
    one.undo = bytes_of(undo);
    return one;
  }
  LightTry one;
  std::string state, entries, undo;
};

}  // namespace

Result<std::int64_t> Store::add_light_try(const LightTry& one) {
  return engine_->write([&](soci::session& sql) {
    const std::string state = command::name(one.state);
    const std::string entries = bytes_text(one.entries), undo = bytes_text(one.undo);
    sql << "INSERT INTO light_try (device, first_command, number, photo, fault, light, command,"
           " state, note, entries, undo, created_ms, updated_ms) VALUES (:device, :first, :number,"
           " :photo, :fault, :light, :command, :state, :note, :entries, :undo, :created, :updated)",
        use(one.device), use(one.first_command), use(one.number), use(one.photo), use(one.fault),
        use(one.light), use(one.command), use(state), use(one.note), use(entries), use(undo),
        use(one.created_ms), use(one.updated_ms);
    std::int64_t id = 0;
    sql << "SELECT last_insert_rowid()", into(id);
    return id;
  });
}

Result<void> Store::save_light_try(const LightTry& one) {
  return engine_->write([&](soci::session& sql) {
    const std::string state = command::name(one.state);
    sql << "UPDATE light_try SET command = :command, state = :state, note = :note,"
           " updated_ms = :updated WHERE id = :id",
        use(one.command), use(state), use(one.note), use(one.updated_ms), use(one.id);
  });
}

Result<std::vector<LightTry>> Store::open_light_tries(const Owned& owned) {
  return engine_->read([&](soci::session& sql) {
    return select_owned<LightRow>(sql, std::string(light_select) + "state <> 'done'",
                                  " ORDER BY id", owned);
  });
}

Result<std::vector<LightTry>> Store::light_tries(std::int64_t first_command) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<LightRow>(
        sql, std::string(light_select) + "first_command = :first ORDER BY id", first_command);
  });
}

Result<std::optional<LightTry>> Store::light_try_of(std::int64_t command) {
  return engine_->read([&](soci::session& sql) {
    return select_first<LightRow>(
        sql, std::string(light_select) + "command = :command AND command <> 0 ORDER BY id",
        command);
  });
}

}  // namespace meterlens::store
