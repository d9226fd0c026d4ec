// Photos; readings are in readings.cpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <limits>

#include "server/store/engine.h"
#include "server/store/text_columns.h"
#include "server/store/view_rows.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;

constexpr const char* photo_columns =
    "id, device, photo_id, image_file, bytes, sha256, state, reason, captured_at_ms, "
    "received_at_ms, command, path, light, mean, dark_percent, bright_percent, meter";

struct PhotoRow {
  explicit PhotoRow(soci::statement& statement) {
    statement.exchange(into(photo.id));
    statement.exchange(into(photo.device));
    statement.exchange(into(photo_id));
    statement.exchange(into(photo.image_file));
    statement.exchange(into(photo.photo_bytes));
    statement.exchange(into(sha256));
    statement.exchange(into(state));
    statement.exchange(into(photo.reason));
    statement.exchange(into(photo.captured_at_ms));
    statement.exchange(into(photo.received_at_ms));
    statement.exchange(into(photo.command));
    statement.exchange(into(photo.path));
    statement.exchange(into(light));
    statement.exchange(into(brightness.mean));
    statement.exchange(into(brightness.dark_percent));
    statement.exchange(into(brightness.bright_percent));
    statement.exchange(into(photo.meter));
  }
  photo::Photo take() {
    photo.photo_id = static_cast<std::uint32_t>(photo_id);
    photo.sha256 = digest_of(sha256);
    photo.state = photo_state_named(state);
    photo.brightness = brightness_named(light, brightness);
    return photo;
  }
  photo::Photo photo;
  long long photo_id = 0;
  std::string sha256;
  std::string state;
  std::string light;
  photo::Brightness brightness;
};

std::string select(const char* columns, const std::string& rest) {
  return fmt::format("SELECT {} FROM {}", columns, rest);
}

// One prepared statement for a whole batch.
class PhotoInsert {
 public:
  explicit PhotoInsert(soci::session& sql)
      : sql_(sql),
        statement_((sql.prepare << "INSERT INTO photo (device, photo_id, image_file, bytes, sha256,"
                                   " state, reason, captured_at_ms, received_at_ms, command, path,"
                                   " meter)"
                                   " VALUES (:device, :number, :file, :bytes, :sha, :state,"
                                   " :reason, :captured, :received, :command, :path, :meter)"
                                   " ON CONFLICT DO NOTHING RETURNING id",
                    use(photo_.device), use(number_), use(photo_.image_file),
                    use(photo_.photo_bytes), use(sha256_), use(state_), use(photo_.reason),
                    use(photo_.captured_at_ms), use(photo_.received_at_ms), use(photo_.command),
                    use(photo_.path), use(photo_.meter), into(id_))) {}

  // The id of the photo's row, new or there already.
  std::int64_t operator()(const photo::Photo& photo) {
    photo_ = describe(photo);
    number_ = photo.photo_id;
    sha256_ = hex_text(photo.sha256);
    state_ = photo_state_name(photo.state);
    if (!statement_.execute(true)) {
      sql_ << "SELECT id FROM photo WHERE device = :device AND photo_id = :number"
              " AND sha256 = :sha",
          use(photo_.device), use(number_), use(sha256_), into(id_);
    }
    return id_;
  }

 private:
  // Everything but the bytes.
  static photo::Photo describe(const photo::Photo& photo) {
    photo::Photo out;
    out.device = photo.device;
    out.image_file = photo.image_file;
    out.photo_bytes = photo.bytes.empty() ? photo.photo_bytes
                                          : static_cast<std::int64_t>(photo.bytes.size());
    out.reason = photo.reason;
    out.captured_at_ms = photo.captured_at_ms;
    out.received_at_ms = photo.received_at_ms;
    out.command = photo.command;
    out.path = photo.path;
    out.meter = photo.meter;
    return out;
  }

  soci::session& sql_;
  photo::Photo photo_;
  long long number_ = 0;
  std::string sha256_;
  std::string state_;
  std::int64_t id_ = 0;
  soci::statement statement_;
};

// The photo of a command that was thought to have failed: with the photo it is known to be stored.
void mend_command(soci::session& sql, const photo::Photo& photo, std::int64_t id) {
  if (photo.command == 0 || photo.state != photo::PhotoState::stored) return;
  const std::int64_t mended = change_rows(
      sql, "UPDATE command SET state = 'stored', reason = '', photo = :photo, updated_ms = :at"
           " WHERE id = :command AND device = :device AND state IN ('failed', 'expired')",
      id, photo.received_at_ms, photo.command, photo.device);
  if (mended == 0) return;
  sql << "INSERT INTO command_moment (command, state, reason, at_ms)"
         " VALUES (:command, 'stored', '', :at)",
      use(photo.command), use(photo.received_at_ms);
}

// Those that were read for it or uploaded for it: :meter, the same, :since, :before, :count.
std::string photos_of_meter(soci::session& sql) {
  const std::string known = "SELECT id AS its FROM photo WHERE meter <> '' AND meter = :meter"
                            " UNION SELECT photo FROM reading WHERE meter = :same AND photo > 0";
  const std::string page = " ORDER BY id DESC LIMIT :count";
  // A kept plan of PostgreSQL does not know how few they are: it would walk over all photos.
  if (sql.get_backend_name() == "postgresql")
    return std::string("SELECT ") + photo_columns + " FROM (" + known +
           ") known CROSS JOIN LATERAL (SELECT * FROM photo n WHERE n.id = known.its AND"
           " n.received_at_ms >= :since AND n.id < :before LIMIT 1) photo" + page;
  return select(photo_columns, "photo WHERE id IN (" + known +
                                   ") AND received_at_ms >= :since AND id < :before" + page);
}

// A condition on a photo's device.
std::string in_queues(const std::vector<int>& queues) {
  std::string numbers = "-2";
  bool has_first = false;
  for (const int queue : queues) {
    numbers += ", " + std::to_string(queue);
    has_first = has_first || queue == 0;
  }
  std::string text =
      "EXISTS (SELECT 1 FROM device d WHERE d.id = photo.device AND d.queue IN (" + numbers + "))";
  if (has_first)
    text += " OR NOT EXISTS (SELECT 1 FROM device d WHERE d.id = photo.device AND d.queue >= 0)";
  return text;
}

}  // namespace

std::vector<photo::Photo> newest_photos(soci::session& sql, const Names& devices) {
  const std::string wanted = std::string("WITH wanted (its) AS (VALUES (?)) SELECT ") +
                             photo_columns + " FROM ";
  // PostgreSQL would read all photos to find these.
  if (sql.get_backend_name() == "postgresql")
    return select_of<PhotoRow>(sql,
                               wanted + "wanted w CROSS JOIN LATERAL (SELECT * FROM photo n WHERE"
                                        " n.device = w.its ORDER BY n.id DESC LIMIT 1) photo",
                               devices, "), (");
  return select_of<PhotoRow>(sql,
                             wanted + "photo WHERE id IN (SELECT (SELECT max(n.id) FROM photo n"
                                      " WHERE n.device = w.its) FROM wanted w)",
                             devices, "), (");
}

Result<void> Store::add_photos(std::span<photo::Photo> photos) {
  auto ids = engine_->write([&](soci::session& sql) {
    PhotoInsert insert(sql);
    std::vector<std::int64_t> out;
    for (const auto& photo : photos) {
      out.push_back(insert(photo));
      mend_command(sql, photo, out.back());
    }
    return out;
  });
  if (!ids) return std::unexpected(ids.error());
  for (std::size_t i = 0; i < photos.size(); ++i) photos[i].id = (*ids)[i];
  return {};
}

Result<photo::Photo> Store::photo(std::int64_t id) {
  const auto found = engine_->read([&](soci::session& sql) {
    return select_first<PhotoRow>(sql, select(photo_columns, "photo WHERE id = :id"), id);
  });
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    return std::unexpected(Error{ErrorCode::not_found, fmt::format("there is no photo {}", id)});
  }
  return **found;
}

Result<std::optional<photo::Photo>> Store::find_photo(const std::string& device,
                                                      std::uint32_t photo_id,
                                                      const protocol::Digest& sha256) {
  return engine_->read([&](soci::session& sql) {
    const std::string hash = hex_text(sha256);
    const long long number = photo_id;
    return select_first<PhotoRow>(sql,
                                  select(photo_columns,
                                         "photo WHERE device = :device AND sha256 = :sha"
                                         " AND photo_id = :number ORDER BY id DESC LIMIT 1"),
                                  device, hash, number);
  });
}

Result<std::optional<photo::Photo>> Store::newest_photo(const std::string& device) {
  return engine_->read([&](soci::session& sql) {
    return select_first<PhotoRow>(
        sql, select(photo_columns, "photo WHERE device = :device ORDER BY id DESC LIMIT 1"),
        device);
  });
}

Result<std::vector<photo::Photo>> Store::photos(const Filter& filter) {
  const std::int64_t before =
      filter.before_id == 0 ? std::numeric_limits<std::int64_t>::max() : filter.before_id;
  return engine_->read_list([&](soci::session& sql) {
    if (!filter.meter.empty()) {
      return select_rows<PhotoRow>(sql, photos_of_meter(sql), filter.meter, filter.meter,
                                   filter.since_ms, before, filter.count_max);
    }
    if (filter.device.empty()) {
      return select_rows<PhotoRow>(
          sql,
          select(photo_columns,
                 "photo WHERE received_at_ms >= :since AND id < :before ORDER BY id DESC"
                 " LIMIT :count"),
          filter.since_ms, before, filter.count_max);
    }
    return select_rows<PhotoRow>(sql,
                                 select(photo_columns,
                                        "photo WHERE device = :device AND received_at_ms >= :since"
                                        " AND id < :before ORDER BY id DESC LIMIT :count"),
                                 filter.device, filter.since_ms, before, filter.count_max);
  }, filter.may_lag);
}

Result<std::optional<photo::Photo>> Store::find_upload(const std::string& meter,
                                                       const protocol::Digest& sha256) {
  return engine_->read([&](soci::session& sql) {
    const std::string hash = hex_text(sha256);
    return select_first<PhotoRow>(
        sql, select(photo_columns, "photo WHERE meter = :meter AND sha256 = :sha"), meter, hash);
  });
}

Result<std::vector<photo::Photo>> Store::unread_photos(
    int count_max, const std::optional<std::vector<int>>& queues) {
  std::string text = "photo WHERE state = 'stored' AND reading = 0";
  if (queues) text += " AND (" + in_queues(*queues) + ")";
  return engine_->read([&](soci::session& sql) {
    return select_rows<PhotoRow>(sql, select(photo_columns, text + " ORDER BY id LIMIT :count"),
                                 count_max);
  });
}

}  // namespace meterlens::store
