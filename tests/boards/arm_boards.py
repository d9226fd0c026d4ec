"""The device programs on an emulated ARM board, against the real broker and the real server.

The programs for ARM come from $METERLENS_ARM (default build/arm), those of the host from
build/release.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from flow import ROOT, FlowTest, frame, wait_until  # noqa: E402

ARM = pathlib.Path(os.environ.get("METERLENS_ARM", ROOT / "build" / "arm"))
PHOTOS = ROOT / "tests" / "golden" / "meters"


class Emulated(FlowTest):
    def emulate(self, program, *uarts):
        """QEMU with build/arm/<program> and a -chardev for each UART, in the test's folder."""
        chardevs = [word for number, uart in enumerate(uarts)
                    for word in ("-chardev", f"{uart},id=uart{number}", "-serial",
                                 f"chardev:uart{number}")]
        with open(self.folder / f"{program}.log", "ab") as log:
            process = subprocess.Popen(
                ["qemu-system-arm", "-M", "lm3s6965evb", "-nodefaults", "-nic", "none",
                 "-display", "none",
                 "-semihosting-config", "enable=on,target=native", "-kernel", ARM / program,
                 *chardevs],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.stack.processes.append((program, process))
        return process

    def status(self, device):
        """What the DTU itself said last."""
        text = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.stack.mqtt_port),
                               "-t", f"meterlens/{device}/status", "-C", "1", "-W", "10"],
                              capture_output=True, check=True).stdout
        return json.loads(text)

    def wait_camera(self, device, firmware):
        """Until the camera's Hello has come through the DTU."""
        self.stack.wait_online(device)
        wait_until(lambda: self.stack.get(f"/devices/{device}")["firmware"] == firmware, 60,
                   f"the camera of {device}")

    def modem(self, device, *more):
        """`meterlens-modem` for an emulated DTU; its socket as a -chardev."""
        path = self.folder / f"{device}.modem"
        self.stack.spawn("meterlens-modem", "--socket", path, "--device", device, "--verbose",
                         "--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}", *more)
        wait_until(path.exists, 10, f"the modem of {device}")
        return f"socket,path={path}"

    def host_camera(self, device, photo, *more):
        """The camera program of the host on a line of its own; the line as a -chardev."""
        pictures = self.folder / f"{device}.photos"
        pictures.mkdir()
        (pictures / "photo.jpg").write_bytes(photo)
        self.stack.spawn("meterlens-camera", "--serial", f"pty:{self.line(device)}", "--flash",
                         self.folder / f"{device}.flash", "--photos", pictures, "--verbose", *more)
        wait_until(self.line(device).exists, 10, f"the line of {device}")
        return f"serial,path={self.line(device)}"


class Arm(Emulated):
    def test_a_photo_passes_the_emulated_dtu_unchanged(self):
        self.stack.serve()
        photo = (PHOTOS / "9_11.jpg").read_bytes()
        line = self.host_camera("m1", photo)
        dtu = self.emulate("dtu.elf", line, self.modem("m1"))
        self.wait_camera("m1", "meterlens-linux-0.1.0")
        command, stored = self.take_photo("m1")
        self.assertEqual(self.stored_bytes(stored), photo)
        self.assertEqual(stored["command"], command["id"])
        self.assertEqual(self.status("m1")["firmware"], "meterlens-qemu-dtu-0.1.0")

        dtu.send_signal(signal.SIGTERM)  # no farewell: the broker speaks the last will
        dtu.wait(10)
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 20, "m1 to be offline")

    def test_a_smartdtu_photo_passes_too(self):
        self.stack.serve()
        photo = (PHOTOS / "9_4.jpg").read_bytes()
        line = self.host_camera("S1", photo, "--first-dialect", "smartdtu", "--piece-pause-ms", 20)
        self.emulate("dtu.elf", line, self.modem("S1", "--dialect", "smartdtu", "--product", "P1"))
        self.stack.wait_online("S1")
        _, stored = self.take_photo("S1")
        self.assertEqual(self.stored_bytes(stored), photo)

    def test_camera_and_dtu_emulated_through_a_power_cut(self):
        server = self.stack.serve()
        self.addCleanup(server.send_signal, signal.SIGCONT)
        photo = (PHOTOS / "9_11.jpg").read_bytes()
        (self.folder / "photo.jpg").write_bytes(photo)
        wire = f"socket,path={self.folder / 'wire'}"
        self.emulate("dtu.elf", f"{wire},server=on,wait=off", self.modem("m1"))
        wait_until((self.folder / "wire").exists, 10, "the wire between the two")
        camera = self.emulate("camera.elf", wire)
        self.wait_camera("m1", "meterlens-qemu-camera-0.1.0")
        _, stored = self.take_photo("m1")
        self.assertEqual(self.stored_bytes(stored), photo)

        # While the server does not answer, a shot is taken and the camera loses its power.
        (self.folder / "photo.jpg").write_bytes(photo + b"\0")  # another hash
        server.send_signal(signal.SIGSTOP)
        self.publish("meterlens/m1/down", frame(0x20, (4242).to_bytes(4, "little")), qos=1)
        wait_until(lambda: self.photos_in_flash() == 2, 20, "the shot to be in the flash")
        camera.send_signal(signal.SIGKILL)
        camera.wait(10)
        server.send_signal(signal.SIGCONT)
        (self.folder / "photo.jpg").unlink()  # what comes now comes from the flash
        self.emulate("camera.elf", wire)
        photos = wait_until(lambda: self.two_photos("m1"), 60, "the second photo")
        self.assertIn(photo + b"\0", [self.stored_bytes(stored) for stored in photos])

    def photos_in_flash(self):
        """Slots of the emulated flash with a whole head, kept or not."""
        return (self.folder / "photos.flash").read_bytes().count(b"MLP1")

    def two_photos(self, device):
        photos = self.stack.get(f"/photos?device={device}")["photos"]
        return photos if len(photos) == 2 else None


class Trap(Emulated):
    def test_a_broken_promise_ends_the_emulator(self):
        """A fault under emulation cannot pass unseen: text on standard error, status 1."""
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(self.folder / "modem"))
        listener.listen()
        dtu = self.emulate("dtu.elf", "null", f"socket,path={self.folder / 'modem'}")
        modem, _ = listener.accept()
        self.addCleanup(modem.close)
        modem.settimeout(30)
        with modem.makefile("rb") as records:
            self.assertEqual(records.read(3), b"A\0\0")  # who am I?
        # A product that no topic may have: Session requires one.
        body = b"\x01" + b"".join(bytes([len(text)]) + text for text in (b"a/b", b"m1", b"", b""))
        modem.sendall(b"I" + len(body).to_bytes(2, "little") + body)
        self.assertEqual(dtu.wait(30), 1)
        self.assertIn("fault", (self.folder / "dtu.elf.log").read_text())


if __name__ == "__main__":
    unittest.main()
