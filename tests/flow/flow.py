"""What the flow tests share: the real programs in a folder of their own, and a look inside.

The programs come from $METERLENS_BUILD (default build/release). Nothing sleeps in hope: every wait
is for a condition and has a deadline.
"""
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from stack import ROOT, Stack, StackError, free_port, wait_until  # noqa: E402,F401

BUILD = pathlib.Path(os.environ.get("METERLENS_BUILD", ROOT / "build" / "release"))


class FlowTest(unittest.TestCase):
    """A folder and a Stack for each test; the logs are printed when it fails."""

    settings = ""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="flow_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.stack = Stack(self.folder, build=BUILD, settings=self.settings)
        self.addCleanup(self.end)

    def end(self):
        self.stack.stop()
        outcome = self._outcome.result if hasattr(self._outcome, "result") else None
        known = [test for test, _ in (outcome.errors + outcome.failures)] if outcome else []
        if self in known:
            for log in sorted(self.folder.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}", file=sys.stderr)

    def meter(self, device, *camera, dialect="native", product=None, baud=115200):
        """A DTU and a camera with a serial line between them; returns both processes."""
        dtu = self.dtu(device, dialect, product)
        camera = self.stack.spawn("meterlens-camera", "--serial", self.line(device), "--baud", baud,
                                  "--flash", self.folder / f"{device}.flash", *camera)
        return dtu, camera

    def line(self, device):
        return self.folder / f"{device}.tty"

    def dtu(self, device, dialect="native", product=None):
        self.line(device).unlink(missing_ok=True)
        more = ["--product", product] if product else []
        dtu = self.stack.spawn("meterlens-dtu", "--serial", f"pty:{self.line(device)}", "--device",
                               device, "--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}",
                               "--dialect", dialect, *more)
        wait_until(self.line(device).exists, 10, f"the serial line of {device}")
        return dtu

    def rendered_meter(self, device, seed=11, **more):
        return self.meter(device, "--render", seed, "--truth", self.truth_file(device), **more)

    def truth_file(self, device):
        return self.folder / f"{device}.truth"

    def truths(self, device):
        """What the camera drew: one object a photo, with its SHA-256."""
        return [json.loads(line) for line in self.truth_file(device).read_text().splitlines()]

    def take_photo(self, device, timeout_s=90):
        """Orders a photo; the final command and the photo."""
        command = self.stack.wait_command(self.stack.capture(device), timeout_s)
        self.assertIsNotNone(command["photo"], command)
        return command, self.photo(device, command["photo"])

    def photo(self, device, number):
        photos = self.stack.get(f"/photos?device={device}")["photos"]
        return next(photo for photo in photos if photo["id"] == number)

    def stored_bytes(self, photo):
        return (self.folder / photo["path"]).read_bytes()

    def assert_is_the_cameras(self, device, photo):
        """The file on disk and the API's answer are byte for byte what the camera drew."""
        on_disk = self.stored_bytes(photo)
        drawn = [truth["sha256"] for truth in self.truths(device)]
        self.assertIn(hashlib.sha256(on_disk).hexdigest(), drawn)
        self.assertEqual(hashlib.sha256(on_disk).hexdigest(), photo["sha256"])
        self.assertEqual(len(on_disk), photo["bytes"])
        status, served = self.stack.request("GET", f"/photos/{photo['id']}.jpg")
        self.assertEqual((status, served), (200, on_disk))

    def database(self):
        connection = sqlite3.connect(self.folder / "var" / "meterlens.db", timeout=1,
                                     isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def metric(self, name):
        text = self.stack.get("/metrics").decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")

    def wait_metric(self, name, at_least, timeout_s=20):
        wait_until(lambda: self.metric(name) >= at_least, timeout_s, f"{name} >= {at_least}")

    def publish(self, topic, payload, qos=0, count=1):
        """mosquitto_pub with the payload on its standard input."""
        repeat = ["--repeat", str(count)] if count > 1 else []
        source = "-s" if payload else "-n"
        subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.stack.mqtt_port), "-q",
                        str(qos), "-t", topic, source, *repeat], input=payload, check=True,
                       timeout=60)

    def run_serve(self, settings_text, timeout_s=30):
        """Runs `meterlens serve` with these settings until it ends; (status, output)."""
        config = self.folder / "wrong.toml"
        config.write_text(settings_text)
        done = subprocess.run([BUILD / "meterlens", "serve", "--config", config], cwd=self.folder,
                              capture_output=True, text=True, timeout=timeout_s)
        return done.returncode, done.stdout + done.stderr


def frame(kind, body):
    """A native frame as in SPEC.md section 2."""
    head = struct.pack("<BBH", 1, kind, len(body)) + body
    return head + struct.pack("<I", zlib.crc32(head))


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found += [int(child) for child in task.read_text().split()]
    return found


class LiveEvents:
    """The events of /events, one (name, data) at a time."""

    def __init__(self, stack, timeout_s=60):
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.http_port,
                                                     timeout=timeout_s)
        self.connection.request("GET", "/api/v1/events")
        self.answer = self.connection.getresponse()
        self.read_line_with(": hello")

    def read_line_with(self, words):
        for line in self.answer:
            if words in line.decode():
                return
        raise AssertionError(f"the events ended without {words!r}")

    def until(self, wanted):
        """The first event that `wanted(name, data)` likes, and all before it."""
        seen, name = [], ""
        for line in self.answer:
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            if line.startswith("data: "):
                seen.append((name, json.loads(line[6:])))
                if wanted(*seen[-1]):
                    return seen
        raise AssertionError(f"the events ended: {seen}")

    def close(self):
        self.connection.close()
