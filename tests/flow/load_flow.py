"""`meterlens load` against the real server: every photo that it says is stored is there."""
import json
import subprocess
import unittest

from doors_flow import Tls
from flow import BUILD, FlowTest, free_port, wait_until


def run(*arguments):
    return subprocess.run([BUILD / "meterlens", "load", *map(str, arguments)], capture_output=True,
                          text=True, timeout=120)


def told(done):
    """The JSON line, which is the last."""
    return json.loads(done.stdout.splitlines()[-1])


class Load(FlowTest):
    def photos(self):
        return self.stack.get("/photos?count=1000")["photos"]

    def test_natives_and_smartdtus_send_for_as_long_as_was_said(self):
        self.stack.serve()
        done = run("--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}", "--devices", 20,
                   "--smartdtu-share", 0.25, "--photos-per-s", 20, "--seconds", 2)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        counts = told(done)
        self.assertEqual(counts["lost"], 0)
        self.assertGreaterEqual(counts["smartdtu_sent"], 5)
        self.assertEqual(counts["photos_started"],
                         counts["photos_stored"] + counts["smartdtu_sent"])
        self.assertRegex(done.stdout, rf"(?m)^photos begun +{counts['photos_started']}$")
        wait_until(lambda: len(self.photos()) == counts["photos_started"], 30,
                   "the photos that nobody answers")
        self.assertEqual({one["state"] for one in self.photos()}, {"stored"})
        devices = {one["id"]: one for one in self.stack.get("/devices")["devices"]}
        self.assertEqual(len(devices), 20)
        smart = {one["dialect"] for name, one in devices.items() if name.startswith("smart-")}
        self.assertEqual(smart, {"smartdtu"})

    def test_few_connections_speak_for_many_devices(self):
        self.stack.serve()
        done = run("--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}", "--devices", 300,
                   "--connections", 3, "--photos-per-s", 100, "--seconds", 3, "--photo-bytes", 2000,
                   "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 1)
        self.assertEqual(told(done)["connections"], 3)
        self.assertEqual(told(done)["photos_stored"], told(done)["photos_started"])

    def test_what_cannot_be_is_said(self):
        for words, arguments in (
                ("cannot connect to the broker", ["--broker", "mqtt://127.0.0.1:1"]),
                ("--broker must be like", ["--broker", "http://127.0.0.1"]),
                ("--ca is for mqtts", ["--broker", "mqtt://127.0.0.1", "--ca", "x.pem"]),
                ("cannot read passwords", ["--passwords", self.folder / "none"])):
            done = run(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)


class LoadThroughDoors(FlowTest):
    make_certificate = Tls.make_certificate

    def setUp(self):
        super().setUp()
        self.make_certificate("good")
        self.make_certificate("other")
        self.tls_port = free_port()
        self.stack.settings = (f'[doors]\ndevices = "credentials"\n[tls]\n'
                               f'mqtt_certificate_file = "{self.folder}/good.pem"\n'
                               f'mqtt_key_file = "{self.folder}/good.key"\n'
                               f'mqtt_port = {self.tls_port}\n')

    def send(self, passwords, certificate="good"):
        return run("--broker", f"mqtts://127.0.0.1:{self.tls_port}", "--ca",
                   self.folder / f"{certificate}.pem", "--devices", 3, "--photos-per-s", 0,
                   "--seconds", 1, "--passwords", passwords, "--photo-bytes", 3000)

    def test_each_device_has_its_own_password_over_tls(self):
        self.stack.serve()
        lines = []
        for number in (1, 2, 3):
            status, made = self.stack.request("POST", f"/devices/load{number:06}/credential")
            self.assertEqual(status, 201, made)
            lines.append(f"load{number:06}:{made['password']}\n")
        good, wrong, short = (self.folder / name for name in ("good.txt", "wrong.txt", "short.txt"))
        good.write_text("".join(lines))
        wrong.write_text("nonsense\n")
        short.write_text("".join(lines[:2]))
        # The broker knows new credentials within a second or two.
        done = wait_until(lambda: (one := self.send(good)).returncode == 0 and one, 30,
                          "the devices to be admitted")
        self.assertGreaterEqual(told(done)["photos_stored"], 3)
        devices = [one["id"] for one in self.stack.get("/devices")["devices"]]
        self.assertEqual(devices, ["load000001", "load000002", "load000003"])
        for words, done in (("the broker refuses", self.send(wrong)),
                            ("another certificate", self.send(good, "other")),
                            ("no line for load000003", self.send(short))):
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
            for line in lines:
                self.assertNotIn(line.strip().split(":")[1], done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
