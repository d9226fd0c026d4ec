"""A fleet that loses something again and again under load: a worker, the server, a node of
RabbitMQ (kill -9), PostgreSQL (stopped as in a crash). Nothing is lost, doubled or out of order.

Real broker (a cluster of three), database, native cameras, serial lines and DTUs; SmartDTUs are
played. mqtt_tap.py keeps the books of what devices were told. $METERLENS_KILLS: how often each (1)
    METERLENS_KILLS=20 tests/flow/fleet_kill_flow.py
"""
import collections
import contextlib
import hashlib
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from flow import FlowTest, StackError, wait_until  # noqa: E402
from mqtt_tap import Tap  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402
from rabbitmq import PrivateRabbitmq  # noqa: E402
from smart_device import SmartDevice  # noqa: E402

KILLS = int(os.environ.get("METERLENS_KILLS", "1"))
SEED = int(os.environ.get("METERLENS_SEED", "1"))
NATIVE, SMART = ["m1", "m2", "m3", "m4"], ["d1", "d2"]
DEVICES = NATIVE + SMART
QUEUES, NODES, WORKERS = 8, 3, 2
HAND_OVER_S = 10
ORDER_EVERY_S, SMART_EVERY_S = 1.5, 5
PHOTOS = "SELECT id, device, photo_id, sha256, reading, path, state FROM photo ORDER BY id"

Photo = collections.namedtuple("Photo", "id device photo_id sha256 reading path state")


class Load(threading.Thread):
    """Orders photos of one device all the time, and keeps what the API said of its readings."""

    def __init__(self, stack, device):
        super().__init__(daemon=True)
        self.stack, self.device = stack, device
        self.pause_s = SMART_EVERY_S if device in SMART else ORDER_EVERY_S
        self.ending = threading.Event()
        self.seen = {}  # photo: reading

    def run(self):
        while not self.ending.wait(self.pause_s):
            # The server is away now and then; that is the test.
            with contextlib.suppress(OSError, StackError, json.JSONDecodeError):
                for reading in self.stack.get(f"/readings?meter={self.device}")["readings"]:
                    self.seen[reading["photo"]] = reading["id"]
                self.stack.request("POST", f"/devices/{self.device}/commands", {"capture": 1})


class FleetKill(FlowTest):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(SEED)
        self.times = collections.defaultdict(list)
        self.database = PrivatePostgresql()
        self.addCleanup(self.database.close)
        self.nodes = PrivateRabbitmq.cluster(NODES)
        for node in self.nodes:
            self.addCleanup(node.close)
        self.tap = Tap([node.mqtt_port for node in self.nodes])
        self.addCleanup(self.tap.close)
        self.addCleanup(self.stack.stop)  # before what it needs
        self.stack.mqtt_port = self.tap.port
        self.config = self.folder / "meterlens.toml"
        amqp = " ".join(node.url for node in self.nodes)
        self.config.write_text(
            f"[http]\nport = {self.stack.http_port}\n[broker]\nembedded = false\n"
            f"[store]\nurl = \"{self.database.url}\"\n"
            f"[fleet]\nrabbitmq = \"{amqp}\"\nqueues = {QUEUES}\n")
        self.workers = [self.worker() for _ in range(WORKERS)]
        wait_until(lambda: sorted(self.shares().values()) == [QUEUES // WORKERS] * WORKERS, 60,
                   "the workers to share the queues")
        self.server = self.serve()
        wait_until(self.is_healthy, 60, "the server")

    def worker(self):
        return self.stack.spawn("meterlens", "worker", "--config", self.config)

    def serve(self):
        return self.stack.spawn("meterlens", "serve", "--no-worker", "--config", self.config)

    def is_healthy(self):
        with contextlib.suppress(OSError):
            return self.stack.get("/health").get("status") == "ok"
        return False

    def shares(self):
        """How many queues each worker has, as the database sees it."""
        if self.database.sql("SELECT to_regclass('lease')") == [""]:
            return {}
        rows = self.database.sql("SELECT worker, count(*) FROM lease WHERE queue >= 0 AND until_ms"
                                 " > extract(epoch FROM clock_timestamp()) * 1000 GROUP BY worker")
        return {row.split("|")[0]: int(row.split("|")[1]) for row in rows}

    # ---- what goes wrong ----

    def test_nothing_is_lost_doubled_or_out_of_order_on_postgresql(self):
        self.start_devices()
        loads = [Load(self.stack, device) for device in DEVICES]
        for load in loads:
            load.start()
            self.addCleanup(load.ending.set)
        faults = [self.kill_worker, self.kill_server, self.kill_node, self.crash_database]
        for number in range(KILLS):
            self.chance.shuffle(faults)
            for fault in faults:
                time.sleep(self.chance.uniform(0, 1))  # so that it meets any state
                fault()
            if number + 1 < KILLS:
                self.whole(number)
        for load in loads:
            load.ending.set()
        for load in loads:
            load.join()
        rows = self.everything_arrives()
        self.judge(rows, {photo: reading for load in loads for photo, reading in load.seen.items()})
        self.tell()

    def start_devices(self):
        for number, device in enumerate(NATIVE):
            self.rendered_meter(device, seed=11 + number, baud=0)
        self.smart = {device: SmartDevice(self.tap.port, "P1", device) for device in SMART}
        for device in self.smart.values():
            device.start()
            self.addCleanup(device.ending.set)
        for device in DEVICES:
            self.stack.wait_online(device, 60)
        for device in DEVICES:
            self.stack.capture(device)
        wait_until(lambda: {row.device for row in self.photos()} == set(DEVICES), 60,
                   "a photo of every device")

    def killed(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()
        return time.monotonic()

    def kill_worker(self):
        number = self.chance.randrange(WORKERS)
        at = self.killed(self.workers[number])
        wait_until(lambda: list(self.shares().values()) == [QUEUES], HAND_OVER_S,
                   "the other worker to have all queues")
        self.times["queues at another worker"].append(time.monotonic() - at)
        self.goes_on("photos after a killed worker", at)
        self.workers[number] = self.worker()

    def kill_server(self):
        at = self.killed(self.server)
        self.server = self.serve()
        wait_until(self.is_healthy, 30, "the server")
        self.times["a new server"].append(time.monotonic() - at)

    def kill_node(self):
        node = self.chance.choice(self.nodes)
        for device in self.smart.values():
            device.node_dies()
        at = time.monotonic()
        node.stop(signal.SIGKILL)
        # Those that were connected to it find another node.
        self.goes_on("photos of every device after a killed node", at, len(NATIVE))
        node.spawn()

    def crash_database(self):
        at = time.monotonic()
        self.database.stop(signal.SIGQUIT)
        self.database.start()
        self.times["PostgreSQL away"].append(time.monotonic() - at)
        self.goes_on("photos after a crash of PostgreSQL", at)

    def goes_on(self, what, since, count=1):
        """So many native devices are told that a photo is stored which was not at `since`."""
        def are_told():
            return sum(any(at > since for at in list(told.values()))
                       for told in list(self.tap.books.told.values())) >= count
        wait_until(are_told, 120, what)  # a device waits longer with each try in vain
        self.times[what].append(time.monotonic() - since)

    def whole(self, number):
        """Everything is there again, for the next round."""
        for node in self.nodes:
            node.wait_ready()
        wait_until(lambda: sorted(self.shares().values()) == [QUEUES // WORKERS] * WORKERS, 60,
                   f"the workers to share the queues after round {number}")
        wait_until(self.is_healthy, 60, f"health after round {number}")

    # ---- the judge ----

    def photos(self):
        rows = [line.split("|") for line in self.database.sql(PHOTOS)]
        return [Photo(int(row[0]), row[1], int(row[2]), row[3], int(row[4]), row[5], row[6])
                for row in rows]

    def drawn(self, device):
        if device in SMART:
            return list(self.smart[device].shots)
        return [truth["sha256"] for truth in self.truths(device)]

    def everything_arrives(self):
        """The rows then; a photo that may be lost may still come."""
        rows = []

        def is_all_here():
            rows[:] = self.photos()
            if any(row.reading == 0 for row in rows if row.state == "stored"):
                return False
            for device in NATIVE:
                here = {row.sha256 for row in rows if row.device == device}
                told = {sha for _, sha in list(self.tap.books.told[device])}
                if not set(self.drawn(device)) <= here & told:
                    return False
            if any(self.lost(device, rows) for device in SMART):
                return False
            return self.database.sql("SELECT count(*) FROM command WHERE state IN"
                                     " ('queued', 'sent', 'shooting', 'transferring')") == ["0"]
        wait_until(is_all_here, 240, "every photo to be stored, told and read", 0.3)
        return rows

    def judge(self, rows, seen):
        good = [row for row in rows if row.state == "stored"]
        self.no_photo_is_lost(good)
        self.none_is_stored_twice(good)
        self.no_reading_is_doubled(good, seen)
        self.order_is_kept(good)
        self.files_are_theirs(rows)

    def no_photo_is_lost(self, good):
        here = {(row.device, row.photo_id, row.sha256) for row in good}
        for device in NATIVE:
            told = {(device, *one) for one in self.tap.books.told[device]}
            self.assertEqual(told - here, set(), "told that they are stored, and lost")
            self.assertEqual(set(self.drawn(device)), {row.sha256 for row in good
                                                       if row.device == device})
        for device in SMART:
            self.assertEqual(self.lost(device, good), set(), f"photos of {device}")

    def lost(self, device, rows):
        """Of a SmartDTU, which keeps nothing and is told nothing: what was under way may be."""
        here = {row.sha256 for row in rows if row.state == "stored"}
        return set(self.drawn(device)) - here - self.smart[device].may_be_lost(here)

    def none_is_stored_twice(self, good):
        times = collections.Counter((row.device, row.sha256) for row in good)
        drawn = collections.Counter((device, sha) for device in DEVICES
                                    for sha in self.drawn(device))
        self.assertEqual(times - drawn, collections.Counter(), "stored more often than shot")

    def no_reading_is_doubled(self, good, seen):
        lines = [line.split("|") for line in
                 self.database.sql("SELECT id, photo FROM reading ORDER BY id")]
        readings = [(int(number), int(photo)) for number, photo in lines]
        times = collections.Counter(photo for _, photo in readings)
        self.assertEqual({photo: count for photo, count in times.items() if count > 1}, {})
        self.assertEqual({row.id for row in good} - set(times), set(), "not read")
        stored = {row.id for row in self.photos() if row.state == "stored"}
        self.assertEqual(set(times) - stored, set(), "read and not stored")
        gone = {photo: number for photo, number in seen.items() if (number, photo) not in readings}
        self.assertEqual(gone, {}, "readings that the API had shown and that are gone")

    def order_is_kept(self, good):
        """The rows of each device are in the order of its shots."""
        for device in DEVICES:
            came = [row.sha256 for row in good if row.device == device]
            shots = iter(self.drawn(device))  # two may look alike
            self.assertEqual([sha for sha in came if sha not in shots], [],
                             f"order of the photos of {device}")
            offered = [sha for _, sha in self.tap.books.offers[device]]
            if device in NATIVE:
                self.assertEqual(offered, [row.sha256 for row in good if row.device == device])

    def files_are_theirs(self, rows):
        """Each row has its bytes, and no bytes lie there twice."""
        for row in rows:
            found = hashlib.sha256((self.folder / row.path).read_bytes()).hexdigest()
            self.assertEqual(found, row.sha256, row)
        there = {str(path.relative_to(self.folder))
                 for path in (self.folder / "public" / "images").rglob("*.jpg")}
        extra = there - {row.path for row in rows}
        # A worker that died between file and row: the photo of a SmartDTU gets another name then.
        self.assertLessEqual(len(extra), KILLS)
        self.assertEqual([path for path in extra if path.split("/")[2] not in SMART], [])

    def tell(self):
        print(f"{KILLS} times each: {len(self.photos())} photos, {len(DEVICES)} devices",
              file=sys.stderr)
        for what, times in sorted(self.times.items()):
            print(f"  {what}: median {statistics.median(times):.1f} s, most {max(times):.1f} s",
                  file=sys.stderr)


if __name__ == "__main__":
    unittest.main()
