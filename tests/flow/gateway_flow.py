"""A gateway of several cameras, and a DTU's own settings and timer, with the real programs."""
import os
import pty
import select
import signal
import struct
import subprocess
import threading
import time
import tty
import unittest
import zlib

from flow import FlowTest, wait_until


class Cable:
    """A serial line with two ends that are paths; unplugged, both are gone."""

    def __init__(self, *paths):
        self.paths = paths
        self.plug()

    def plug(self):
        self.masters, slaves = zip(*(pty.openpty() for _ in self.paths))
        for path, slave in zip(self.paths, slaves):
            tty.setraw(slave)
            path.symlink_to(os.ttyname(slave))
        self.slaves = slaves  # held: the other program's leaving is no error
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def carry(self):
        other = dict(zip(self.masters, reversed(self.masters)))
        while True:
            ready, _, _ = select.select([*self.masters, self.wake[0]], [], [])
            if self.wake[0] in ready:
                return
            for end in ready:
                os.write(other[end], os.read(end, 4096))

    def unplug(self):
        os.write(self.wake[1], b"x")
        self.thread.join()
        for path in self.paths:
            path.unlink()
        for end in (*self.masters, *self.slaves, *self.wake):
            os.close(end)


class Gateway(FlowTest):
    def setUp(self):
        super().setUp()
        self.stack.serve()
        self.cables = {}
        self.cameras = {}
        for number, device in enumerate(("m1", "m2", "m3")):
            near, far = self.folder / f"{device}.near", self.folder / f"{device}.far"
            self.cables[device] = Cable(near, far)
            self.addCleanup(self.cables[device].unplug)
            self.cameras[device] = self.stack.spawn(
                "meterlens-camera", "--serial", far, "--baud", 0, "--render", number + 5, "--truth",
                self.truth_file(device), "--flash", self.folder / f"{device}.flash")
        lines = [f"--camera={device}={self.folder / device}.near" for device in self.cables]
        self.gateway = self.stack.spawn("meterlens-dtu", "--verbose", *lines, "--baud", 0,
                                        "--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}",
                                        "--state", self.folder / "state")

    def online(self, device):
        return self.stack.get(f"/devices/{device}")["online"]

    def test_one_failing_line_does_not_disturb_the_others(self):
        for device in self.cables:
            self.stack.wait_online(device)
            _, photo = self.take_photo(device)
            self.assert_is_the_cameras(device, photo)
        self.cables["m2"].unplug()
        log = self.folder / "meterlens-dtu-0.log"
        wait_until(lambda: "m2: the serial line is not there" in log.read_text(), 20, "the loss")
        for device in ("m1", "m3"):
            self.take_photo(device)
        self.assertTrue(self.online("m2"))
        self.cables["m2"].plug()
        _, photo = self.take_photo("m2")
        self.assert_is_the_cameras("m2", photo)
        self.gateway.send_signal(signal.SIGTERM)
        self.assertEqual(self.gateway.wait(20), 0)
        for device in self.cables:
            wait_until(lambda device=device: not self.online(device), 20, f"{device} to leave")

    def test_wrong_command_lines_are_named(self):
        broker = ["--broker", "mqtt://127.0.0.1:1"]
        for arguments, words in ((["--camera", "m1"], "NAME=SERIAL"),
                                 (["--camera", "m1=a", "--camera", "m1=b"], "named twice"),
                                 (["--camera", ".x=a"], "--device, --camera"),
                                 (["--serial", "a"], "give --serial and --device"),
                                 (["--camera", "m1=a", "--camera", "m2=b", "--modem", "c"],
                                  "one modem")):
            run = subprocess.run([str(self.stack.build / "meterlens-dtu"), *arguments, *broker],
                                 capture_output=True, text=True, timeout=20)
            self.assertEqual(run.returncode, 1, arguments)
            self.assertIn(words, run.stdout + run.stderr)


def settings_frame(revision, **values):
    """A Settings frame for the DTU; keys as in protocol/settings.cpp."""
    keys = {"capture_period_s": 1, "window": 5}
    body = struct.pack("<BI", 2, revision)
    body += b"".join(struct.pack("<Bi", keys[name], value) for name, value in values.items())
    frame = struct.pack("<BBH", 1, 0x25, len(body)) + body
    return frame + struct.pack("<I", zlib.crc32(frame))


class OwnTimer(FlowTest):
    def test_captures_go_on_while_the_server_is_away(self):
        server = self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        frame = settings_frame(3, capture_period_s=5)
        subprocess.run(["mosquitto_pub", "-p", str(self.stack.mqtt_port), "-t",
                        "meterlens/m1/down", "-q", "1", "-s"], input=frame, check=True, timeout=20)

        def state():
            return self.stack.get("/devices/m1")["state"] or {}

        wait_until(lambda: state().get("settings_revision") == 3, 20, "the settings")
        self.assertEqual(state()["reset_cause"], "unknown")
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        away_ms = time.time() * 1000
        wait_until(lambda: len(self.truths("m1")) >= 3, 60, "photos by the timer alone")
        self.stack.serve()

        def stored():
            photos = self.stack.get("/photos?device=m1")["photos"]
            return [photo for photo in photos if (photo["captured_at_ms"] or 0) > away_ms]

        wait_until(lambda: len(stored()) >= 3, 90, "the photos taken meanwhile")
        for photo in stored():
            self.assert_is_the_cameras("m1", photo)
            self.assertIsNone(photo["command"])
            # Clocks are rounded, and told over lines that may be busy: it may seem to be early.
            self.assertLess((photo["captured_at_ms"] + 500) % 5000, 4000, "near a multiple of 5 s")


if __name__ == "__main__":
    unittest.main()
