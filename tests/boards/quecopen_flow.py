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
from stack import free_port  # noqa: E402

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


class Secure(Quecopen):
    """By TLS to a mosquitto that wants the device's certificate too."""

    def start_secure(self, authority="ca", broker="localhost", own=True):
        self.make_certificates(broker)
        self.tls_port = free_port()
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"allow_anonymous true\nuser root\nlistener {self.stack.mqtt_port} 127.0.0.1\n"
            f"listener {self.tls_port} 127.0.0.1\ncafile {self.folder}/ca.pem\n"
            f"certfile {self.folder}/broker.pem\nkeyfile {self.folder}/broker.key\n"
            "require_certificate true\nlog_dest stderr\n")
        with open(self.folder / "mosquitto.log", "wb") as log:
            process = subprocess.Popen(["mosquitto", "-c", config], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.stack.settings = 'embedded = false\naddress = "127.0.0.1"\n'
        self.stack.serve()
        files = self.folder / "m1.u"
        files.mkdir()
        for name, source in (("ca.pem", f"{authority}.pem"), ("m1.pem", "m1.pem"),
                             ("m1.key", "m1.key")):
            (files / name).write_bytes((self.folder / source).read_bytes())
        pair = "certificate = m1.pem\nkey = m1.key\n" if own else ""
        self.process = self.module(settings=f"broker = localhost:{self.tls_port}\ndevice = m1\n"
                                            f"ca = ca.pem\n{pair}end\n")
        self.camera_process = self.camera()

    def make_certificates(self, broker):
        for name in ("ca", "other_ca"):
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                         f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        for name, subject in (("broker", broker), ("m1", "m1")):
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={subject}",
                         "-keyout", f"{name}.key", "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem",
                         "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def assert_not_trusted(self):
        words = "mqtt: the broker cannot be reached, or tls does not trust it"
        wait_until(lambda: self.log_file("m1").read_text().count(words) >= 2, 60, "two tries")
        self.assertFalse(self.logged("mqtt: connected"))
        self.assertNotIn(" as meterlens-m1 ", (self.folder / "mosquitto.log").read_text())

    def test_a_photo_arrives_by_tls_with_certificates_on_both_sides(self):
        self.start_secure()
        self.stack.wait_online("m1", 60)
        self.assert_done(self.stack.capture("m1"))
        self.assertIn(" as meterlens-m1 ", (self.folder / "mosquitto.log").read_text())

    def test_a_broker_of_another_authority_gets_not_a_word(self):
        self.start_secure(authority="other_ca")
        self.assert_not_trusted()

    def test_a_broker_of_another_name_gets_not_a_word(self):
        self.start_secure(broker="elsewhere")
        self.assert_not_trusted()

    def test_a_broker_that_wants_a_certificate_is_not_reached_without_one(self):
        self.start_secure(own=False)
        self.assert_not_trusted()

    def test_a_missing_file_is_named_and_taken_when_it_is_there(self):
        self.start_secure()
        self.stack.wait_online("m1", 60)
        self.process.kill()
        self.process.wait()
        ca = self.folder / "m1.u" / "ca.pem"
        ca.rename(ca.with_name("away"))
        self.process = self.module(settings=self.settings_file("m1").read_text())
        wait_until(lambda: self.logged("tls: the file of `ca` is missing"), 60, "its name")
        ca.with_name("away").rename(ca)
        wait_until(lambda: self.log_file("m1").read_text().count("mqtt: connected") == 2, 90,
                   "the connection")


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
