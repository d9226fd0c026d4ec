"""`meterlens serve` killed with -9 at any moment under load: no reading is lost or doubled.

Real broker, cameras, serial lines and DTUs. $METERLENS_KILLS says how often (default 3):
    METERLENS_KILLS=200 METERLENS_BUILD=build/release tests/flow/kill_flow.py
"""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from flow import FlowTest, StackError, wait_until  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402

KILLS = int(os.environ.get("METERLENS_KILLS", "3"))
SEED = int(os.environ.get("METERLENS_SEED", "1"))
DEVICES = ["m1", "m2", "m3", "m4"]
READINGS = "SELECT id, meter, photo, digits, at_ms FROM reading ORDER BY id"
PHOTOS = "SELECT id, device, sha256, reading FROM photo ORDER BY id"


class Load(threading.Thread):
    """Orders photos of all devices all the time, and keeps what the API said of readings."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack = stack
        self.ending = threading.Event()
        self.seen = {}  # reading id: (meter, photo) as the API gave them

    def run(self):
        while not self.ending.wait(0.05):
            # The server is away now and then; that is the test.
            with contextlib.suppress(OSError, StackError, json.JSONDecodeError):
                for reading in self.stack.get("/readings")["readings"]:
                    self.seen[reading["id"]] = (reading["meter"], reading["photo"])
                for device in DEVICES:
                    self.stack.request("POST", f"/devices/{device}/commands", {"capture": 1})

    def end(self):
        self.ending.set()
        self.join()


class Kill(FlowTest):
    store = ""

    def setUp(self):
        super().setUp()
        # A broker that survives, so that the devices go on sending while nobody listens.
        config = self.folder / "broker.conf"
        config.write_text(f"listener {self.stack.mqtt_port} 127.0.0.1\nallow_anonymous true\n"
                          "persistence false\n")
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
        broker = subprocess.Popen([program, "-c", config],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.terminate)
        self.stack.settings = "embedded = false\n" + self.store

    def end(self):
        # Of many servers the logs of the last ones tell enough.
        logs = sorted(self.folder.glob("meterlens-[0-9]*.log"), key=lambda log: log.stat().st_mtime)
        for log in logs[:-3]:
            log.unlink()
        super().end()

    def rows(self, text):
        database = sqlite3.connect(self.folder / "var" / "meterlens.db", timeout=30)
        with contextlib.closing(database):
            return [tuple(row) for row in database.execute(text)]

    def test_killed_under_load(self):
        chance = random.Random(SEED)
        server = self.stack.serve()
        for number, device in enumerate(DEVICES):
            self.rendered_meter(device, seed=11 + number, baud=0)
            self.stack.wait_online(device, 60)
        load = Load(self.stack)
        load.start()
        self.addCleanup(load.end)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0, 2))
            server.send_signal(signal.SIGKILL)
            server.wait()
            server = self.stack.serve(120)
        wait_until(lambda: len(load.seen) >= len(DEVICES), 120, "readings after the last kill")
        load.end()
        self.everything_arrives()
        self.nothing_is_doubled_or_lost(load.seen)

    def drawn(self):
        """How often each camera has drawn the same bytes: (device, SHA-256) and how often."""
        return Counter((device, truth["sha256"]) for device in DEVICES
                       for truth in self.truths(device))

    def everything_arrives(self):
        def all_read():
            photos = self.rows(PHOTOS)
            stored = Counter((device, sha) for _, device, sha, _ in photos)
            return self.drawn() <= stored and all(reading != 0 for *_, reading in photos)
        wait_until(all_read, 300, "every photo that was shot to be stored and read", 0.5)

    def nothing_is_doubled_or_lost(self, seen):
        photos, readings = self.rows(PHOTOS), self.rows(READINGS)
        stored = Counter((device, sha) for _, device, sha, _ in photos)
        self.assertEqual(stored - self.drawn(), Counter(), "photos stored more often than shot")
        doubled = [photo for photo, count in Counter(photo for _, _, photo, *_ in readings).items()
                   if count > 1]
        self.assertEqual(doubled, [], "photos read twice")
        self.assertEqual({photo for photo, *_ in photos}, {photo for _, _, photo, *_ in readings})
        there = {number: (meter, photo) for number, meter, photo, *_ in readings}
        lost = {number: seen[number] for number in seen if there.get(number) != seen[number]}
        self.assertEqual(lost, {}, "readings that the API had shown and that are gone")
        for number, device, sha, _ in photos:
            self.assert_file(number, device, sha)
        print(f"{KILLS} kills, {len(photos)} photos, {len(readings)} readings, {len(seen)} of them "
              "seen before they could be lost", file=sys.stderr)

    def assert_file(self, number, device, sha):
        status, served = self.stack.request("GET", f"/photos/{number}.jpg")
        self.assertEqual(status, 200, (number, device))
        self.assertEqual(hashlib.sha256(served).hexdigest(), sha)


class KillOnPostgresql(Kill):
    def setUp(self):
        self.server = PrivatePostgresql()
        self.addCleanup(self.server.close)
        self.store = f"[store]\nurl = \"{self.server.url}\"\n"
        super().setUp()

    def rows(self, text):
        return [tuple(int(part) if part.isdigit() and len(part) < 19 else part
                      for part in line.split("|")) for line in self.server.sql(text)]

    # Listed again, so that each class has a ctest test of its own.
    def test_killed_under_load(self):
        super().test_killed_under_load()


if __name__ == "__main__":
    unittest.main()
