"""The port for the EC600S (boards/ec600s/quecopen) on its stand-in SDK, with the real camera
program, broker and server. `meterlens-quecopen` comes from the same build as the other programs, or
from $METERLENS_QUECOPEN (a build with another sanitizer)."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from flow import BUILD, FlowTest, wait_until  # noqa: E402

PROGRAM = os.environ.get("METERLENS_QUECOPEN", str(BUILD / "meterlens-quecopen"))


class Quecopen(FlowTest):
    def module(self, device="m1", settings=None):
        """The module with its files in <folder>/<device>.u; its serial line is there when it is
        back."""
        files = self.folder / f"{device}.u"
        files.mkdir(exist_ok=True)
        if settings is None:
            settings = f"broker = 127.0.0.1:{self.stack.mqtt_port}\ndevice = {device}\nend\n"
        self.settings_file(device).write_text(settings)
        self.line(device).unlink(missing_ok=True)
        with open(self.log_file(device), "ab") as log:
            process = subprocess.Popen([PROGRAM, files, self.line(device)], cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.stack.processes.append((f"module of {device}", process))
        wait_until(self.line(device).exists, 10, f"the serial line of {device}")
        return process

    def settings_file(self, device):
        return self.folder / f"{device}.u" / "meterlens.txt"

    def log_file(self, device):
        return self.folder / f"module-{device}.log"

    def logged(self, words, device="m1"):
        return words in self.log_file(device).read_text()

    def camera(self, device="m1", seed=11):
        return self.stack.spawn("meterlens-camera", "--serial", self.line(device), "--flash",
                                self.folder / f"{device}.flash", "--render", seed, "--truth",
                                self.truth_file(device))

    def start(self):
        self.stack.serve()
        self.process = self.module()
        self.camera_process = self.camera()
        self.stack.wait_online("m1", 30)

    def wait_packets(self, command, count=4):
        wait_until(lambda: self.received(command) >= count, 60, f"{count} packets")

    def assert_done(self, command, timeout_s=150):
        done = self.stack.wait_command(command, timeout_s)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))
        self.assertIsNone(self.process.poll(), "the module ended")

    def status(self):
        text = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.stack.mqtt_port),
                               "-t", "meterlens/m1/status", "-C", "1", "-W", "10"],
                              capture_output=True, check=True, timeout=30).stdout
        return json.loads(text)


class Calm(Quecopen):
    def test_a_photo_arrives_byte_for_byte(self):
        self.start()
        self.assert_done(self.stack.capture("m1"))
        status = self.status()
        self.assertEqual((status["imei"], status["iccid"], status["signal_dbm"]),
                         ("860000000000002", "89860012345678901235", -73))
        self.assertEqual(status["mqtt_dropped"], 0)

    def test_a_power_cut_is_told_by_the_last_will(self):
        self.start()
        self.process.kill()
        self.process.wait()
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 60, "m1 to be offline")
        self.process = self.module()
        self.stack.wait_online("m1", 60)

    def test_smartdtu_dialect(self):
        self.stack.serve()
        self.process = self.module(settings=f"broker = 127.0.0.1:{self.stack.mqtt_port}\n"
                                            "device = m1\ndialect = smartdtu\nproduct = P1\nend\n")
        self.camera_process = self.camera()
        self.stack.wait_online("m1", 60)
        self.assert_done(self.stack.capture("m1"), 240)


class Rude(Quecopen):
    def test_broker_stopped_and_restarted(self):
        server = self.stack.serve()
        self.process = self.module()
        self.camera_process = self.camera()
        self.stack.wait_online("m1", 30)
        command = self.stack.capture("m1")
        self.wait_packets(command)
        # The broker is the server's own, and ends with it.
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        wait_until(lambda: self.logged("mqtt: the broker cannot be reached"), 60,
                   "the module to miss the broker")
        self.stack.serve()
        self.assert_done(command)

    def received(self, command):
        return self.stack.get(f"/commands/{command['id']}")["packets_received"]

    def cut_the_line(self):
        """In the middle of a photo; until nothing of it comes any more."""
        command = self.stack.capture("m1")
        self.wait_packets(command)
        self.process.send_signal(signal.SIGUSR1)
        last = (self.received(command), time.monotonic())

        def is_quiet():
            nonlocal last
            if self.received(command) != last[0]:
                last = (self.received(command), time.monotonic())
            return time.monotonic() > last[1] + 3
        wait_until(is_quiet, 60, "the photo to stop")
        self.assertLess(last[0], self.stack.get(f"/commands/{command['id']}")["packets_total"])
        return command

    def test_line_cut_in_the_middle_of_a_photo(self):
        self.start()
        command = self.cut_the_line()
        self.process.send_signal(signal.SIGUSR2)
        self.assert_done(command)

    def test_line_cut_and_the_cameras_power_too(self):
        self.start()
        command = self.cut_the_line()
        self.camera_process.send_signal(signal.SIGKILL)
        self.camera_process.wait()
        self.process.send_signal(signal.SIGUSR2)
        self.camera_process = self.camera(seed=12)
        self.assert_done(command)

    def test_torn_settings_are_refused_and_mended_ones_taken(self):
        self.stack.serve()
        good = f"broker = 127.0.0.1:{self.stack.mqtt_port}\ndevice = m1\npassword = s3cret\nend\n"
        # Torn inside the name, the rest would be a device `m`.
        self.process = self.module(settings=good[:good.index("m1") + 1])
        wait_until(lambda: self.logged("line 3: the last line, `end`, is missing"), 10, "refusal")
        self.settings_file("m1").write_text(good.replace("m1", "m 1"))
        wait_until(lambda: self.logged("line 2: a name has"), 30, "the wrong name to be refused")
        self.settings_file("m1").write_text(good.replace("password = s3cret\n", ""))
        self.camera_process = self.camera()
        self.stack.wait_online("m1", 40)
        self.assert_done(self.stack.capture("m1"))
        self.assertFalse(self.logged("s3cret"))


if __name__ == "__main__":
    unittest.main()
