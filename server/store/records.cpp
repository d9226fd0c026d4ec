// Messages, health and controls of devices.
#include <fmt/format.h>

#include <chrono>
#include <limits>

#include "server/store/fleet_rows.h"
#include "server/store/partitions.h"

namespace meterlens::store {
namespace {

using fleet::Control;
using fleet::Message;
using fleet::Sample;
using soci::into;
using soci::use;

struct MessageRow {
  explicit MessageRow(soci::statement& statement) {
    statement.exchange(into(message.id));
    statement.exchange(into(message.device));
    statement.exchange(into(direction));
    statement.exchange(into(message.at_ms));
    statement.exchange(into(message.topic));
    statement.exchange(into(message.payload_bytes));
    statement.exchange(into(is_text));
    statement.exchange(into(message.payload));
  }
  Message take() {
    message.direction = named(direction, fleet::Direction::down);
    message.is_text = is_text != 0;
    return message;
  }
  Message message;
  std::string direction;
  int is_text = 1;
};

struct SampleRow {
  explicit SampleRow(soci::statement& statement) {
    statement.exchange(into(sample.device));
    statement.exchange(into(sample.source));
    statement.exchange(into(sample.at_ms));
    statement.exchange(into(sample.values_json));
  }
  Sample take() { return sample; }
  Sample sample;
};

constexpr const char* control_select =
    "SELECT id, device, kind, payload, state, reason, created_ms, updated_ms FROM control ";

struct ControlRow {
  explicit ControlRow(soci::statement& statement) {
    statement.exchange(into(control.id));
    statement.exchange(into(control.device));
    statement.exchange(into(kind));
    statement.exchange(into(control.payload));
    statement.exchange(into(state));
    statement.exchange(into(control.reason));
    statement.exchange(into(control.created_ms));
    statement.exchange(into(control.updated_ms));
  }
  Control take() {
    control.kind = named(kind, fleet::ControlKind::send);
    control.state = named(state, fleet::ControlState::failed);
    return control;
  }
  Control control;
  std::string kind, state;
};

// A cursor's id; all that there is for 0.
std::int64_t before_id(std::int64_t before) {
  return before == 0 ? std::numeric_limits<std::int64_t>::max() : before;
}

// All in one statement.
void insert_messages(soci::session& sql, std::span<const Message> messages) {
  std::string text = "INSERT INTO message (device, direction, at_ms, topic, payload_bytes, is_text,"
                     " payload) VALUES ";
  std::vector<std::string> directions;
  std::vector<int> are_text;
  for (const Message& one : messages) {
    directions.emplace_back(fleet::name(one.direction));
    are_text.push_back(one.is_text ? 1 : 0);
  }
  soci::statement statement(sql);
  for (std::size_t row = 0; row < messages.size(); ++row) {
    const Message& one = messages[row];
    text += fmt::format("{0}(:device{1}, :direction{1}, :at{1}, :topic{1}, :bytes{1}, :is_text{1},"
                        " :payload{1})", row == 0 ? "" : ", ", row);
    statement.exchange(use(one.device));
    statement.exchange(use(directions[row]));
    statement.exchange(use(one.at_ms));
    statement.exchange(use(one.topic));
    statement.exchange(use(one.payload_bytes));
    statement.exchange(use(are_text[row]));
    statement.exchange(use(one.payload));
  }
  statement.alloc();
  statement.prepare(text_for(sql, text), soci::details::st_one_time_query);
  statement.define_and_bind();
  statement.execute(true);
}

}  // namespace

Result<void> Fleet::add_messages(std::span<const Message> messages) {
  return store_.engine_->write([&](soci::session& sql) {
    // Few sizes, so that each is one statement that the server knows.
    for (auto rest = messages; !rest.empty();) {
      const std::size_t count = rest.size() >= 64 ? 64 : rest.size() >= 8 ? 8 : 1;
      insert_messages(sql, rest.first(count));
      rest = rest.subspan(count);
    }
  });
}

Result<std::vector<Message>> Fleet::messages(const std::string& device, std::int64_t before,
                                             int count_max) {
  return store_.engine_->read_list([&](soci::session& sql) {
    return select_rows<MessageRow>(
        sql, "SELECT id, device, direction, at_ms, topic, payload_bytes, is_text, payload"
             " FROM message WHERE device = :device AND id < :before ORDER BY id DESC LIMIT :count",
        device, before_id(before), count_max);
  });
}

Result<void> Fleet::forget_messages(const std::string& device, std::int64_t count_kept) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM message WHERE device = :device AND id <= (SELECT id FROM message"
           " WHERE device = :same ORDER BY id DESC LIMIT 1 OFFSET :kept)",
        use(device), use(device), use(count_kept);
  });
}

Result<void> Fleet::add_samples(std::span<const Sample> samples, std::int64_t every_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    for (const Sample& sample : samples) {
      const std::int64_t slot = sample.at_ms / every_ms;
      sql << "INSERT INTO health (device, source, slot, at_ms, values_json)"
             " VALUES (:device, :source, :slot, :at, :values)"
             " ON CONFLICT (device, source, slot) DO UPDATE SET at_ms = excluded.at_ms,"
             " values_json = excluded.values_json",
          use(sample.device), use(sample.source), use(slot), use(sample.at_ms),
          use(sample.values_json);
    }
  });
}

Result<std::vector<Sample>> Fleet::samples(const std::string& device, std::int64_t since_ms,
                                           std::int64_t until_ms, const std::string& before_source,
                                           int count_max) {
  // At the same time "dtu" comes before "camera".
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<SampleRow>(
        sql, "SELECT device, source, at_ms, values_json FROM health WHERE device = :device"
             " AND at_ms >= :since AND (at_ms < :until OR (at_ms = :same AND source < :source))"
             " ORDER BY at_ms DESC, source DESC LIMIT :count",
        device, since_ms, until_ms, until_ms, before_source, count_max);
  });
}

Result<void> Fleet::thin_samples(std::int64_t at_ms, int slots, std::int64_t gone_before_ms) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM health WHERE at_ms < :gone OR (at_ms < :at AND slot % :slots <> 0)",
        use(gone_before_ms), use(at_ms), use(slots);
  });
}

Result<std::int64_t> Fleet::add_control(const Control& control) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string kind = fleet::name(control.kind);
    const std::string state = fleet::name(control.state);
    std::int64_t id = 0;
    sql << "INSERT INTO control (device, kind, payload, state, reason, is_open, created_ms,"
           " updated_ms) VALUES (:device, :kind, :payload, :state, :reason, 1, :created, :updated)"
           " RETURNING id",
        use(control.device), use(kind), use(control.payload), use(state), use(control.reason),
        use(control.created_ms), use(control.updated_ms), into(id);
    return id;
  });
}

Result<void> Fleet::save_control(const Control& control) {
  return store_.engine_->write([&](soci::session& sql) {
    const std::string state = fleet::name(control.state);
    const int is_open = fleet::is_final(control.kind, control.state) ? 0 : 1;
    sql << "UPDATE control SET state = :state, reason = :reason, is_open = :open,"
           " updated_ms = :updated WHERE id = :id",
        use(state), use(control.reason), use(is_open), use(control.updated_ms), use(control.id);
  });
}

Result<Control> Fleet::control(std::int64_t id) {
  return found_or(store_.engine_->read([&](soci::session& sql) {
    return select_first<ControlRow>(sql, std::string(control_select) + "WHERE id = :id", id);
  }), "control " + std::to_string(id));
}

Result<std::vector<Control>> Fleet::controls(const std::string& device, std::int64_t before,
                                             int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<ControlRow>(
        sql, std::string(control_select) +
                 "WHERE device = :device AND id < :before ORDER BY id DESC LIMIT :count",
        device, before_id(before), count_max);
  });
}

Result<std::vector<Control>> Fleet::open_controls(const Owned& owned) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_owned<ControlRow>(sql, std::string(control_select) + "WHERE is_open = 1",
                                    " ORDER BY id", owned);
  });
}

}  // namespace meterlens::store
