// Images and updates.
#include <array>

#include "server/store/engine.h"
#include "server/store/store.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* image_columns =
    "id, part, board, version, bytes, sha256, path, created_ms";
constexpr const char* update_columns =
    "id, device, image, part, version, state, reason, packets_received, packets_total, "
    "created_ms, updated_ms";

protocol::Part part_named(const std::string& text) {
  return text == name(protocol::Part::dtu) ? protocol::Part::dtu : protocol::Part::camera;
}

update::State update_state_named(const std::string& text) {
  using enum update::State;
  for (const auto state : {queued, receiving, verified, trying, confirmed, refused, failed})
    if (text == update::name(state)) return state;
  throw soci::soci_error("unknown update state in the database: " + text);
}

struct ImageRow {
  explicit ImageRow(soci::statement& statement) {
    statement.exchange(into(image.id));
    statement.exchange(into(part));
    statement.exchange(into(image.board));
    statement.exchange(into(version));
    statement.exchange(into(bytes));
    statement.exchange(into(sha256));
    statement.exchange(into(image.path));
    statement.exchange(into(image.created_ms));
  }
  update::Image take() {
    image.part = part_named(part);
    image.version = static_cast<std::uint32_t>(version);
    image.image_bytes = static_cast<std::uint32_t>(bytes);
    image.sha256 = digest_of(sha256);
    return image;
  }
  update::Image image;
  std::string part, sha256;
  std::int64_t version = 0, bytes = 0;
};

struct UpdateRow {
  explicit UpdateRow(soci::statement& statement) {
    statement.exchange(into(update.id));
    statement.exchange(into(update.device));
    statement.exchange(into(update.image));
    statement.exchange(into(part));
    statement.exchange(into(version));
    statement.exchange(into(state));
    statement.exchange(into(update.reason));
    statement.exchange(into(update.packets_received));
    statement.exchange(into(update.packets_total));
    statement.exchange(into(update.created_ms));
    statement.exchange(into(update.updated_ms));
  }
  update::Update take() {
    update.part = part_named(part);
    update.version = static_cast<std::uint32_t>(version);
    update.state = update_state_named(state);
    return update;
  }
  update::Update update;
  std::string part, state;
  std::int64_t version = 0;
};

}  // namespace

Result<std::int64_t> Store::add_image(const update::Image& image) {
  return engine_->write([&](soci::session& sql) {
    const std::string part = name(image.part), sha256 = hex_text(image.sha256);
    const std::int64_t version = image.version, bytes = image.image_bytes;
    sql << "INSERT INTO image (part, board, version, bytes, sha256, path, created_ms)"
           " VALUES (:part, :board, :version, :bytes, :sha256, :path, :created)"
           " ON CONFLICT (part, board, version, sha256) DO UPDATE SET path = excluded.path",
        use(part), use(image.board), use(version), use(bytes), use(sha256), use(image.path),
        use(image.created_ms);
    std::int64_t id = 0;
    sql << "SELECT id FROM image WHERE part = :part AND board = :board AND version = :version"
           " AND sha256 = :sha256",
        use(part), use(image.board), use(version), use(sha256), into(id);
    return id;
  });
}

Result<update::Image> Store::image(std::int64_t id) {
  return found_or(engine_->read([&](soci::session& sql) {
    return select_first<ImageRow>(
        sql, std::string("SELECT ") + image_columns + " FROM image WHERE id = :id", id);
  }), "image " + std::to_string(id));
}

Result<std::vector<update::Image>> Store::images(std::int64_t before, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<ImageRow>(sql, std::string("SELECT ") + image_columns +
                                          " FROM image WHERE id < :before ORDER BY id DESC"
                                          " LIMIT :count",
                                 before == 0 ? INT64_MAX : before, count_max);
  });
}

Result<std::int64_t> Store::add_update(const update::Update& update) {
  return engine_->write([&](soci::session& sql) {
    const std::string part = name(update.part), state = update::name(update.state);
    const std::int64_t version = update.version;
    sql << R"(INSERT INTO "update" (device, image, part, version, state, reason, packets_received,)"
           " packets_total, created_ms, updated_ms) VALUES (:device, :image, :part, :version,"
           " :state, :reason, :received, :total, :created, :updated)",
        use(update.device), use(update.image), use(part), use(version), use(state),
        use(update.reason), use(update.packets_received), use(update.packets_total),
        use(update.created_ms), use(update.updated_ms);
    std::int64_t id = 0;
    sql << "SELECT last_insert_rowid()", into(id);
    return id;
  });
}

Result<void> Store::save_update(const update::Update& update) {
  return engine_->write([&](soci::session& sql) {
    const std::string state = update::name(update.state);
    sql << R"(UPDATE "update" SET state = :state, reason = :reason, packets_received = :received,)"
           " packets_total = :total, updated_ms = :updated WHERE id = :id",
        use(state), use(update.reason), use(update.packets_received), use(update.packets_total),
        use(update.updated_ms), use(update.id);
  });
}

Result<update::Update> Store::update(std::int64_t id) {
  return found_or(engine_->read([&](soci::session& sql) {
    return select_first<UpdateRow>(
        sql, std::string("SELECT ") + update_columns + R"( FROM "update" WHERE id = :id)", id);
  }), "update " + std::to_string(id));
}

Result<std::vector<update::Update>> Store::updates(const std::string& device,
                                                   std::int64_t before, int count_max) {
  return engine_->read([&](soci::session& sql) {
    return select_rows<UpdateRow>(sql, std::string("SELECT ") + update_columns +
        R"( FROM "update" WHERE device = :device AND id < :before ORDER BY id DESC LIMIT :count)",
        device, before == 0 ? INT64_MAX : before, count_max);
  });
}

Result<std::vector<update::Update>> Store::open_updates(const Owned& owned) {
  return engine_->read([&](soci::session& sql) {
    return select_owned<UpdateRow>(sql, std::string("SELECT ") + update_columns +
        R"( FROM "update" WHERE state NOT IN ('confirmed', 'refused', 'failed'))", " ORDER BY id",
        owned);
  });
}

}  // namespace meterlens::store
