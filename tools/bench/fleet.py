#!/usr/bin/env python3
"""Latencies of the API over a store of many meters, while photos are being ingested.

Usage: tools/bench/fleet.py [--meters N] [--readings N] [--seconds N] [--folder F] [--postgresql]
Fills the store once (a folder that is kept can be filled on and used again), then asks for pages at
50 requests/s while 200 photos arrive in each second, and prints percentiles and memory.
"""
import argparse
import contextlib
import http.client
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from postgresql import PrivatePostgresql  # noqa: E402
from stack import ROOT, Stack  # noqa: E402

BUILD = ROOT / "build" / "release"
BATCH = 500  # meters in one transaction
START_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
# Plain SQL of both engines: meters {first} to {last}, {each} readings of each, an hour apart.
FILL = """
INSERT INTO device (id, dialect, product, online, firmware, remark, state_json, first_seen_ms,
    last_seen_ms) WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n
    WHERE i < {last}) SELECT 'f' || i, 'native', 'bench', 0, '1', '', '', {start}, {start} FROM n;
INSERT INTO meter_version (meter, medium, wheels, decimals, unit, factor, serial, place, rate_max,
    installed_ms, removed_ms, author, reason, at_ms) SELECT id, 'water', 8, 3, 'm3', '1', '', '', 0,
    0, 0, '', 'bench', {start} FROM device WHERE product = 'bench'
    AND NOT EXISTS (SELECT 1 FROM meter WHERE meter.id = device.id);
INSERT INTO meter SELECT meter, version FROM meter_version
    WHERE NOT EXISTS (SELECT 1 FROM meter WHERE id = meter_version.meter);
INSERT INTO watch (device, meter, version) SELECT id, id, 0 FROM device WHERE product = 'bench'
    AND NOT EXISTS (SELECT 1 FROM watch WHERE watch.device = device.id);
INSERT INTO watch_version (watch, from_ms, to_ms, region, author, reason, at_ms)
    SELECT id, 0, 0, '', '', 'bench', {start} FROM watch WHERE version = 0;
UPDATE watch SET version = (SELECT v.version FROM watch_version v WHERE v.watch = watch.id)
    WHERE version = 0;
INSERT INTO reading (meter, device, photo, at_ms, status, digits, certain, red, value_count,
    value_decimals, value, confidence, {window}, ms, verdict, reasons, flags, standing)
    WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}),
    t(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM t WHERE k < {each} - 1)
    SELECT 'f' || i, 'f' || i, 0, {start} + k * {hour} + i, 'read',
    substr('' || (100000000 + i + 13 * k), 2), 8, 3, i + 13 * k, 3, '' || (i + 13 * k) / 1000,
    0.99, '', 4.0, CASE WHEN (i + k) % 200 = 0 THEN 'doubtful' ELSE 'accepted' END, '', 0,
    CASE WHEN (i + k) % 200 = 0 THEN 'doubtful' ELSE 'accepted' END FROM t CROSS JOIN n;
"""


class SqliteStore:
    def __init__(self, folder):
        self.database = sqlite3.connect(folder / "var" / "meterlens.db", timeout=60,
                                        isolation_level=None)
        self.database.execute("PRAGMA synchronous = OFF")

    def run(self, text):
        self.database.executescript(f"BEGIN; {text} COMMIT;")

    def count(self):
        return self.database.execute("SELECT count(*) FROM device").fetchone()[0]

    def finish(self):
        self.database.execute("ANALYZE")
        self.database.close()


class PostgresqlStore:
    def __init__(self, server):
        self.server = server

    def run(self, text):
        self.server.sql(f"BEGIN; {text.replace('window', chr(34) + 'window' + chr(34))} COMMIT;")

    def count(self):
        return int(self.server.sql("SELECT count(*) FROM device")[0])

    def finish(self):
        self.server.sql("ANALYZE")


def fill(store, meters, each):
    begun, first = time.monotonic(), store.count()
    for at in range(first, meters, BATCH):
        last = min(at + BATCH, meters) - 1
        store.run(FILL.format(first=at, last=last, each=each, start=START_MS, hour=HOUR_MS,
                              window="window"))
    store.finish()
    took = time.monotonic() - begun
    print(f"fill: {meters - first:,} meters with {each} readings each in {took:.0f} s")


def make_photo(folder):
    subprocess.run([BUILD / "meterlens-face", "--seed", "5", "--count", "1", "--out", folder,
                    "--width", "400", "--height", "300", "--hardness", "0"], check=True,
                   stdout=subprocess.DEVNULL)
    return next(pathlib.Path(folder).rglob("*.jpg"))


class Ingest(threading.Thread):
    """200 photos in each second, of devices of its own."""

    def __init__(self, stack, photo, seconds):
        super().__init__()
        self.stack, self.photo, self.seconds, self.stored = stack, photo, seconds, 0

    def run(self):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            done = subprocess.run([BUILD / "meterlens-bench-ingest", "--port",
                                   str(self.stack.mqtt_port), "--photo", self.photo, "--photos",
                                   "200", "--devices", "50"], capture_output=True)
            self.stored += 200 if done.returncode == 0 else 0
            time.sleep(max(0, 1 - (time.monotonic() - begun)))


def ask(stack, path, seconds, per_second=50):
    """Sorted latencies in ms of so many requests a second, each due at its own time."""
    connection = http.client.HTTPConnection("127.0.0.1", stack.http_port, timeout=60)
    begun, times = time.monotonic(), []
    for number in range(int(seconds * per_second)):
        due = begun + number / per_second
        time.sleep(max(0, due - time.monotonic()))
        connection.request("GET", "/api/v1" + path(number))
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"fleet: {path(number)}: {answer.status}")
        times.append((time.monotonic() - due) * 1000)
    return sorted(times)


def measure(stack, folder, meters, seconds):
    pages = {"reading history": lambda n: f"/readings?meter=f{n * 7919 % meters}",
             "review queue": lambda n: "/readings?verdict=doubtful",
             "newest readings": lambda n: "/readings",
             "meter list": lambda n: f"/meters?cursor=f{n * 104729 % meters}",
             "one device": lambda n: f"/devices/f{n * 7919 % meters}"}
    photo = make_photo(folder / "photo")
    for name, path in pages.items():
        ingest = Ingest(stack, photo, seconds)
        ingest.start()
        times = ask(stack, path, seconds)
        ingest.join()
        print(f"{name}: median {times[len(times) // 2]:.1f} ms, 99 % under "
              f"{times[int(len(times) * 0.99)]:.1f} ms, {len(times)} requests; {ingest.stored} "
              "photos stored meanwhile")


def rss_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def run(folder, options, server):
    settings = f"[store]\nurl = \"{server.url}\"\n" if server else ""
    with Stack(folder, build=BUILD, settings=settings) as stack:
        stack.serve()  # makes the tables
    store = PostgresqlStore(server) if server else SqliteStore(folder)
    fill(store, options.meters, options.readings // options.meters)
    with Stack(folder, build=BUILD, settings=settings) as stack:
        begun = time.monotonic()
        process = stack.serve(300)
        print(f"start: ready after {time.monotonic() - begun:.1f} s")
        measure(stack, folder, options.meters, options.seconds)
        print(f"memory of serve: {rss_mib(process):.0f} MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=100_000)
    parser.add_argument("--readings", type=int, default=20_000_000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--folder", type=pathlib.Path, help="kept, and used again; SQLite only")
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    folder = options.folder or pathlib.Path(tempfile.mkdtemp(prefix="fleet_"))
    try:
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(PrivatePostgresql(True)) if options.postgresql else None
            run(folder, options, server)
    finally:
        if options.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
