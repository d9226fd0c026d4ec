"""Fills a store with a fleet at once, faster than its readings could be ingested.

Rows go in as they would have come: all meters at one time, then all at the next, so that a meter's
history lies scattered over the whole table. Indexes are made at the end.
"""
import pathlib
import sqlite3
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from postgresql import PrivatePostgresql  # noqa: E402

PERIOD_MS = 6 * 3_600_000  # between two readings of a meter
STATE = ('{"online":true,"firmware":"1.4.2","csq":21,"rsrp":-97,"iccid":"89860318740021234567",'
         '"imei":"864269060012345","uptime_s":864000,"free_bytes":181248,"queue":0}')
HEALTH = ('{"at_ms":1700000000000,"uptime_s":864000,"reset_cause":"power","crash_address":0,'
          '"settings_revision":3,"shots":412,"no_answers":0,"frame_timeouts":1,"frame_failures":0,'
          '"empty_frames":0,"failed_saves":0,"photos_lost":0,"flash_flaws":0,"broken_areas":0,'
          '"settings_unsaved":0,"tune_failed":0,"photo_id":412,"light":"good","mean":118,'
          '"dark_percent":4,"bright_percent":2,"settings_refused":0}')
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
NAME = "'bench' || substr(CAST(100000 + i AS TEXT), 2)"
VERDICT = "CASE WHEN (i + {k}) % 200 = 0 THEN 'doubtful' ELSE 'accepted' END"
# Plain SQL of both engines, for the meters 0 to {last}.
FLEET = [
    f"""INSERT INTO device (id, dialect, product, online, firmware, remark, state_json,
        first_seen_ms, last_seen_ms, health_json) {NUMBERS} SELECT {NAME}, 'native', '', 0,
        '1.4.2', '', '{{state}}', {{start}}, {{end}}, '{{health}}' FROM n""",
    f"""INSERT INTO tag (kind, id, group_path, version) {NUMBERS} SELECT 'device', {NAME},
        'city/' || CAST(i % 100 AS TEXT), 1 FROM n""",
    f"""INSERT INTO label (kind, id, name, value) {NUMBERS} SELECT 'device', {NAME}, 'floor',
        CAST(i % 9 AS TEXT) FROM n""",
    """INSERT INTO meter_version (meter, medium, wheels, decimals, unit, factor, serial, place,
        rate_max, installed_ms, removed_ms, author, reason, at_ms) SELECT id, 'water', 8, 3, 'm3',
        '1', '', '', 0, 0, 0, '', 'bench', {start} FROM device ORDER BY id""",
    "INSERT INTO meter (id, version) SELECT meter, version FROM meter_version",
    "INSERT INTO watch (device, meter, version) SELECT id, id, 0 FROM device ORDER BY id",
    """INSERT INTO watch_version (watch, from_ms, to_ms, region, author, reason, at_ms)
        SELECT id, 0, 0, '', '', 'bench', {start} FROM watch ORDER BY id""",
    "UPDATE watch SET version = id",
    f"""INSERT INTO photo (device, photo_id, image_file, bytes, sha256, state, reason,
        captured_at_ms, received_at_ms, command, path, reading) {NUMBERS} SELECT {NAME}, 1, '',
        30720, substr('00000000000000000000000000000000000000000000000000000000' ||
        CAST(10000000 + i AS TEXT), 1, 64), 'stored', '', {{end}}, {{end}}, 0, '', 1 FROM n""",
    f"""INSERT INTO command (device, kind, state, reason, packets_received, packets_total, photo,
        reading, created_ms, updated_ms) {NUMBERS} SELECT {NAME}, 'capture', 'read', '', 31, 31,
        i + 1, 1, {{end}}, {{end}} FROM n""",
]
# The readings of all meters at one time; the photo of the newest ones is there still.
READINGS = f"""INSERT INTO reading (meter, device, photo, at_ms, status, digits, certain, red,
    value_count, value_decimals, value, confidence, {{window}}, ms, verdict, reasons, flags,
    standing) {NUMBERS} SELECT {NAME}, {NAME}, {{photo}}, {{at}} + i, 'read',
    substr(CAST(100000000 + i * 97 + 130 * {{k}} AS TEXT), 2), 8, 3, i * 97 + 130 * {{k}}, 3,
    CAST((i * 97 + 130 * {{k}}) / 1000 AS TEXT) || '.' ||
    substr(CAST(1000 + (i * 97 + 130 * {{k}}) % 1000 AS TEXT), 2), 0.99,
    '80 60 320 60 320 120 80 120', 9.0, {VERDICT}, '', 0, {VERDICT} FROM n"""
# All of them were looked at for alarms when they came.
MARK = """INSERT INTO sink_done (sink, stream, done) VALUES ('alarms', 'reading', {all})
    ON CONFLICT (sink, stream) DO UPDATE SET done = {all}"""
LINK = "UPDATE photo SET reading = {all} - {meters} + id WHERE id <= {meters}"


class SqliteStore:
    """Of the folder in which `meterlens serve` has made it."""

    def __init__(self, folder):
        self.database = sqlite3.connect(folder / "var" / "meterlens.db", timeout=60,
                                        isolation_level=None)
        self.settings = ""

    def count(self):
        return self.run("SELECT count(*) FROM device")[0][0]

    def run(self, text):
        return self.database.execute(text).fetchall()

    def begin(self):
        for pragma in ("journal_mode = DELETE", "journal_mode = OFF", "synchronous = OFF",
                       "cache_size = -400000", "temp_store = FILE"):
            self.run("PRAGMA " + pragma)
        made = self.run("SELECT name, sql FROM sqlite_master WHERE type = 'index'"
                        " AND tbl_name IN ('reading', 'photo', 'command') AND sql IS NOT NULL")
        for name, _ in made:
            self.run(f"DROP INDEX {name}")
        return [sql for _, sql in made]

    def finish(self):
        self.run("PRAGMA journal_mode = WAL")

    def close(self):
        self.database.close()


class PostgresqlStore:
    """A private server whose data stay in the folder."""

    # What a packaged server comes with; the private one's own are for tests.
    measured = "shared_buffers = 128MB\nmax_wal_size = 1GB\n"
    filling = ("wal_level = minimal\nmax_wal_senders = 0\nmax_wal_size = 8GB\n"
               "maintenance_work_mem = 512MB\nautovacuum = off\n")

    def __init__(self, folder, is_filling):
        settings = self.filling if is_filling else self.measured
        self.server = PrivatePostgresql(not is_filling, folder=folder / "postgresql",
                                        settings=settings)
        self.settings = f"[store]\nurl = \"{self.server.url}\"\n"

    def count(self):
        return int(self.run("SELECT count(*) FROM device")[0])

    def run(self, text):
        return self.server.sql(text, timeout_s=3000)

    def begin(self):
        made = self.run("SELECT indexname || '|' || indexdef FROM pg_indexes WHERE tablename IN"
                        " ('reading', 'photo', 'command') AND indexname NOT LIKE '%pkey'")
        for line in made:
            self.run(f"DROP INDEX {line.split('|')[0]}")
        # Of a partitioned table they are named without its parts, which then would have none.
        return [line.split("|", 1)[1].replace(" ON ONLY ", " ON ") for line in made]

    def finish(self):
        # As autovacuum would have done long ago.
        self.run("VACUUM (ANALYZE)")
        self.run("CHECKPOINT")

    def close(self):
        self.server.close()


def fill(store, meters, each):
    """`each` readings of all meters, the last one just now."""
    begun = time.monotonic()
    end = int(time.time() * 1000) - 200_000
    start = end - each * PERIOD_MS
    window = '"window"' if isinstance(store, PostgresqlStore) else "window"
    indexes = store.begin()
    for text in FLEET:
        store.run(text.format(last=meters - 1, start=start, end=end, state=STATE,
                              health=HEALTH))
    for k in range(each):
        photo = "i + 1" if k == each - 1 else "0"
        store.run(READINGS.format(last=meters - 1, k=k, at=start + (k + 1) * PERIOD_MS,
                                  photo=photo, window=window))
    store.run(LINK.format(all=meters * each, meters=meters))
    store.run(MARK.format(all=meters * each))
    print(f"fill: {meters:,} meters, {meters * each:,} readings in "
          f"{time.monotonic() - begun:.0f} s", flush=True)
    for text in indexes:
        store.run(text)
    store.finish()
    print(f"fill: with indexes {time.monotonic() - begun:.0f} s", flush=True)
