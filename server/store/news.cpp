#include "server/store/news.h"

#include <algorithm>
#include <array>

#include "server/store/alarm_rows.h"
#include "server/store/text_columns.h"

namespace meterlens::store {
namespace {

using soci::into;
using soci::use;
using validate::Verdict;

constexpr std::array streams{Stream::reading, Stream::review, Stream::alarm};

bool counts(Verdict verdict) { return verdict == Verdict::accepted || verdict == Verdict::manual; }

// A row of the streams of readings and reviews.
struct ReadingNewsRow {
  explicit ReadingNewsRow(soci::statement& statement) {
    validate::Reading& reading = news.reading;
    statement.exchange(into(news.row));
    statement.exchange(into(news.at_ms));
    statement.exchange(into(reading.id));
    statement.exchange(into(reading.meter));
    statement.exchange(into(reading.device));
    statement.exchange(into(reading.photo));
    statement.exchange(into(reading.at_ms));
    statement.exchange(into(reading.value));
    statement.exchange(into(reading.value_count));
    statement.exchange(into(reading.value_decimals));
    statement.exchange(into(verdict));
    statement.exchange(into(flags));
    statement.exchange(into(news.reason));
    statement.exchange(into(verdict_before));
    statement.exchange(into(news.value_before));
  }
  News take() {
    News out = news;
    out.reading.verdict = verdict_named(verdict);
    out.reading.flags = static_cast<std::uint32_t>(flags);
    return out;
  }
  // What it was before; nothing for a first judgement.
  std::optional<Verdict> before() const {
    if (verdict_before.empty()) return {};
    return verdict_named(verdict_before);
  }
  News news;
  std::string verdict, verdict_before;
  long long flags = 0;
};

// As a row that says at once whether it is news.
struct JudgedRow : ReadingNewsRow {
  using ReadingNewsRow::ReadingNewsRow;
  News take() {
    News out = ReadingNewsRow::take();
    out.stream = Stream::reading;
    out.kind = NewsKind::reading_accepted;
    return out;
  }
};

struct ReviewedRow : ReadingNewsRow {
  using ReadingNewsRow::ReadingNewsRow;
  std::optional<News> take() {
    News out = ReadingNewsRow::take();
    out.stream = Stream::review;
    const bool now = counts(out.reading.verdict);
    const bool then = counts(before().value_or(Verdict::doubtful));
    if (!now && !then) return {};
    if (now && then) {
      if (out.reading.value == out.value_before && out.reading.verdict == *before()) return {};
      out.kind = NewsKind::reading_corrected;
    } else if (now) {
      out.kind = NewsKind::reading_accepted;
      out.value_before.clear();
    } else {
      out.kind = NewsKind::reading_withdrawn;
    }
    return out;
  }
};

struct AlarmNewsRow {
  explicit AlarmNewsRow(soci::statement& statement) : alarm(statement) {
    statement.exchange(into(news.row));
    statement.exchange(into(state));
    statement.exchange(into(news.reason));
    statement.exchange(into(news.at_ms));
  }
  News take() {
    News out = news;
    out.stream = Stream::alarm;
    out.alarm = alarm.take();
    out.kind = state == "raised"         ? NewsKind::alarm_raised
               : state == "acknowledged" ? NewsKind::alarm_acknowledged
                                         : NewsKind::alarm_cleared;
    return out;
  }
  AlarmRow alarm;
  News news;
  std::string state;
};

constexpr const char* reading_stream =
    "SELECT r.id, r.at_ms, r.id, r.meter, r.device, r.photo, r.at_ms, r.value, r.value_count,"
    " r.value_decimals, r.verdict, r.flags, '', '', '' FROM reading r"
    " WHERE r.id > :after AND r.id <= :end AND r.verdict IN ('accepted', 'manual')"
    " ORDER BY r.id LIMIT :count";
constexpr const char* review_stream =
    "SELECT v.id, v.at_ms, r.id, r.meter, r.device, r.photo, r.at_ms, v.value, v.value_count,"
    " v.value_decimals, v.verdict, r.flags, v.reason, coalesce(p.verdict, r.verdict),"
    " coalesce(p.value, r.value) FROM review v JOIN reading r ON r.id = v.reading"
    " LEFT JOIN review p ON p.id = (SELECT max(q.id) FROM review q WHERE q.reading = v.reading"
    " AND q.id < v.id) WHERE v.id > :after AND v.id <= :end ORDER BY v.id LIMIT :count";
constexpr const char* alarm_stream =
    "SELECT a.id, a.kind, a.subject, a.reason, a.raised_ms, a.acknowledged_ms, a.acknowledged_by,"
    " a.cleared_ms, c.id, c.state, c.reason, c.at_ms FROM alarm_change c JOIN alarm a"
    " ON a.id = c.alarm WHERE c.id > :after AND c.id <= :end ORDER BY c.id LIMIT :count";

struct MarkRow {
  explicit MarkRow(soci::statement& statement) {
    statement.exchange(into(stream));
    statement.exchange(into(done));
  }
  std::pair<std::string, std::int64_t> take() const { return {stream, done}; }
  std::string stream;
  std::int64_t done = 0;
};

struct ItemRow {
  explicit ItemRow(soci::statement& statement) {
    statement.exchange(into(item.item));
    statement.exchange(into(item.reading));
    statement.exchange(into(item.at_ms));
    statement.exchange(into(item.value));
  }
  SinkItem take() const { return item; }
  SinkItem item;
};

struct TextRow {
  explicit TextRow(soci::statement& statement) { statement.exchange(into(text)); }
  std::string take() const { return text; }
  std::string text;
};

std::int64_t newest(soci::session& sql, const char* table) {
  return select_first<IntegerRow>(sql, std::string("SELECT coalesce(max(id), 0) FROM ") + table)
      .value_or(0);
}

// Reviews first: a reading is there before its review.
Marks ends_of(soci::session& sql) {
  Marks out;
  out.alarm = newest(sql, "alarm_change");
  out.review = newest(sql, "review");
  out.reading = newest(sql, "reading");
  return out;
}

std::int64_t& mark_of(Marks& marks, Stream stream) {
  if (stream == Stream::reading) return marks.reading;
  return stream == Stream::review ? marks.review : marks.alarm;
}

void put_mark(soci::session& sql, const std::string& sink, Stream stream, std::int64_t done) {
  const std::string name_of_stream = name(stream);
  sql << "INSERT INTO sink_done (sink, stream, done) VALUES (:sink, :stream, :done)"
         " ON CONFLICT (sink, stream) DO UPDATE SET done = excluded.done",
      use(sink), use(name_of_stream), use(done);
}

// A full page ends with its last row; else nothing follows up to the end.
template <class Rows>
std::int64_t up_to(const Rows& rows, std::int64_t last, std::int64_t end, int count_max) {
  return static_cast<int>(rows.size()) < count_max ? end : last;
}

}  // namespace

const char* name(Stream stream) {
  if (stream == Stream::reading) return "reading";
  return stream == Stream::review ? "review" : "alarm";
}

const char* name(NewsKind kind) {
  constexpr std::array names{"reading.accepted", "reading.corrected",  "reading.withdrawn",
                             "alarm.raised",     "alarm.acknowledged", "alarm.cleared"};
  return names.at(static_cast<std::size_t>(kind));
}

Result<Marks> NewsBook::ends() {
  return store_.engine_->read([](soci::session& sql) { return ends_of(sql); });
}

Result<Marks> NewsBook::marks(const std::string& sink) {
  return store_.engine_->write([&](soci::session& sql) {
    Marks out = ends_of(sql);
    auto rows = select_rows<MarkRow>(
        sql, "SELECT stream, done FROM sink_done WHERE sink = :sink", sink);
    for (const Stream stream : streams) {
      const auto known = std::ranges::find(rows, std::string(name(stream)),
                                           [](const auto& row) { return row.first; });
      if (known != rows.end()) {
        mark_of(out, stream) = known->second;
      } else {
        put_mark(sql, sink, stream, mark_of(out, stream));
      }
    }
    return out;
  });
}

Result<void> NewsBook::advance(const std::string& sink, Stream stream, std::int64_t done) {
  return store_.engine_->write([&](soci::session& sql) { put_mark(sql, sink, stream, done); });
}

Result<Page> NewsBook::page(Stream stream, std::int64_t after, std::int64_t end, int count_max) {
  return store_.engine_->read([&](soci::session& sql) {
    Page out;
    std::int64_t last = after;
    if (stream == Stream::reading) {
      out.news = select_rows<JudgedRow>(sql, reading_stream, after, end, count_max);
      if (!out.news.empty()) last = out.news.back().row;
      out.up_to = up_to(out.news, last, end, count_max);
    } else if (stream == Stream::alarm) {
      out.news = select_rows<AlarmNewsRow>(sql, alarm_stream, after, end, count_max);
      if (!out.news.empty()) last = out.news.back().row;
      out.up_to = up_to(out.news, last, end, count_max);
    } else {
      // Most reviews are news; those that are not may be a whole page.
      const auto ids = select_rows<IntegerRow>(
          sql, "SELECT v.id FROM review v JOIN reading r ON r.id = v.reading WHERE v.id > :after"
               " AND v.id <= :end ORDER BY v.id LIMIT :count", after, end, count_max);
      out.up_to = up_to(ids, ids.empty() ? after : ids.back(), end, count_max);
      for (auto& row : select_rows<ReviewedRow>(sql, review_stream, after, out.up_to, count_max)) {
        if (row) out.news.push_back(*std::move(row));
      }
    }
    return out;
  });
}

Result<std::vector<SinkItem>> NewsBook::items(const std::string& sink) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<ItemRow>(
        sql, "SELECT item, reading, at_ms, value FROM sink_item WHERE sink = :sink ORDER BY item",
        sink);
  });
}

Result<void> NewsBook::put_item(const std::string& sink, const SinkItem& item) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "INSERT INTO sink_item (sink, item, reading, at_ms, value)"
           " VALUES (:sink, :item, :reading, :at, :value) ON CONFLICT (sink, item) DO UPDATE SET"
           " reading = excluded.reading, at_ms = excluded.at_ms, value = excluded.value",
        use(sink), use(item.item), use(item.reading), use(item.at_ms), use(item.value);
  });
}

Result<void> NewsBook::remove_item(const std::string& sink, const std::string& item) {
  return store_.engine_->write([&](soci::session& sql) {
    sql << "DELETE FROM sink_item WHERE sink = :sink AND item = :item", use(sink), use(item);
  });
}

Result<bool> NewsBook::began_anew(const std::string& meter, std::int64_t from_ms,
                                  std::int64_t to_ms) {
  const auto exchanges = store_.exchanges(meter);
  if (!exchanges) return std::unexpected(exchanges.error());
  for (const validate::Exchange& exchange : *exchanges) {
    if (exchange.at_ms > from_ms && exchange.at_ms <= to_ms) return true;
  }
  return store_.engine_->read([&](soci::session& sql) {
    const std::string round = std::to_string(bit(validate::Flag::roll_over));
    return select_first<IntegerRow>(
               sql, "SELECT id FROM reading WHERE meter = :meter AND at_ms > :from AND at_ms <= :to"
                    " AND standing || '' = 'accepted' AND (flags & " + round + ") <> 0 LIMIT 1",
               meter, from_ms, to_ms)
        .has_value();
  });
}

Result<std::vector<std::string>> NewsBook::touched(const Marks& after, const Marks& end) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<TextRow>(
        sql, "SELECT meter FROM reading WHERE id > :after AND id <= :end UNION SELECT r.meter FROM"
             " review v JOIN reading r ON r.id = v.reading WHERE v.id > :after2 AND v.id <= :end2",
        after.reading, end.reading, after.review, end.review);
  });
}

Result<std::vector<std::string>> NewsBook::silent_devices(std::int64_t limit_ms) {
  return store_.engine_->read([&](soci::session& sql) {
    return select_rows<TextRow>(
        sql, "SELECT id FROM device WHERE last_seen_ms < :limit AND online = 0 ORDER BY id",
        limit_ms);
  });
}

Result<NewsBook::Doubts> NewsBook::doubts(const std::string& meter, int count) {
  return store_.engine_->read([&](soci::session& sql) {
    Doubts out;
    for (const std::string& verdict : select_rows<TextRow>(
             sql, "SELECT verdict FROM reading WHERE meter = :meter AND photo <> 0"
                  " ORDER BY at_ms DESC, id DESC LIMIT :count", meter, count)) {
      ++out.photos;
      if (!counts(verdict_named(verdict))) ++out.doubtful;
    }
    return out;
  });
}

}  // namespace meterlens::store
