"""The line between the real camera and DTU: credit while the broker stands still, and its speed."""
import os
import random
import signal
import unittest

from flow import ROOT, FlowTest, children_of, wait_until


class Link(FlowTest):
    def setUp(self):
        super().setUp()
        self.server = self.stack.serve()
        # A sound JPEG with so long a comment that it fills every queue on its way.
        jpeg = (ROOT / "tests" / "fuzz" / "corpus" / "reader" / "420").read_bytes()
        comment = random.Random(4).randbytes(60_000)
        self.original = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        self.original += jpeg[2:]
        (self.folder / "pictures").mkdir()
        (self.folder / "pictures" / "a.jpg").write_bytes(self.original)

    def dtu(self, *more):
        self.line("m1").unlink(missing_ok=True)
        dtu = self.stack.spawn("meterlens-dtu", "--verbose", "--serial", f"pty:{self.line('m1')}",
                               "--device", "m1", "--broker",
                               f"mqtt://127.0.0.1:{self.stack.mqtt_port}", *more)
        wait_until(self.line("m1").exists, 10, "the serial line")
        return dtu

    def camera(self, *more):
        return self.stack.spawn("meterlens-camera", "--verbose", "--serial", self.line("m1"),
                                "--photos", self.folder / "pictures", "--flash",
                                self.folder / "m1.flash", *more)

    def wait_log(self, name, words, timeout_s=20):
        log = self.folder / f"{name}.log"
        wait_until(lambda: words in log.read_text(), timeout_s, f"{words!r} of {name}")

    def assert_stored(self, command):
        done = self.stack.wait_command(command, 60)
        self.assertIsNotNone(done["photo"], done)
        self.assertEqual(self.stored_bytes(self.photo("m1", done["photo"])), self.original)
        return done

    def test_a_broker_that_stands_still_stalls_the_camera(self):
        self.dtu()
        self.camera()
        self.stack.wait_online("m1")
        command = self.stack.capture("m1")
        path = f"/commands/{command['id']}"
        wait_until(lambda: self.stack.get(path)["packets_received"] > 2, 60, "some packets")
        broker = children_of(self.server.pid)[0]
        os.kill(broker, signal.SIGSTOP)
        self.addCleanup(os.kill, broker, signal.SIGCONT)
        self.wait_log("meterlens-camera-0", "waiting for credit")
        os.kill(broker, signal.SIGCONT)
        self.assert_stored(command)
        self.wait_log("meterlens-camera-0", "0 of them again")
        self.assertNotIn("queue to the broker is full",
                         (self.folder / "meterlens-dtu-0.log").read_text())

    def test_the_line_climbs_for_a_photo_and_survives_resets(self):
        dtu = self.dtu("--baud-max", 921600)
        self.camera("--baud-max", 460800)
        self.stack.wait_online("m1")
        self.assert_stored(self.stack.capture("m1"))
        for program in ("meterlens-camera-0", "meterlens-dtu-0"):
            self.wait_log(program, "line at 460800 baud")
        self.wait_log("meterlens-camera-0", "0 of them again")
        dtu.send_signal(signal.SIGKILL)
        dtu.wait()
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 60, "m1 to be offline")
        self.dtu("--baud-max", 921600)
        self.stack.wait_online("m1")
        self.wait_log("meterlens-camera-0", "line at 115200 baud")
        (self.folder / "pictures" / "a.jpg").write_bytes(self.original + b"\0")
        self.original += b"\0"
        self.assert_stored(self.stack.capture("m1"))
        self.wait_log("meterlens-dtu-1", "line at 460800 baud")

    def test_a_speed_that_was_stated_stays(self):
        for program, more in (("meterlens-camera", ["--photos", self.folder]),
                              ("meterlens-dtu", ["--device", "m1", "--broker", "mqtt://x"])):
            process = self.stack.spawn(program, "--serial", self.line("m1"), "--baud", 9600,
                                       "--baud-max", 230400, *more)
            self.assertEqual(process.wait(20), 1)
            self.wait_log(f"{program}-0", "--baud-max: speeds are agreed upon from 115200 on")


if __name__ == "__main__":
    unittest.main()
