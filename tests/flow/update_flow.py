"""Remote update through real broker, server, DTU and camera: taken, refused, and fallen back."""
import hashlib
import http.client
import json
import signal
import subprocess
import unittest

from flow import BUILD, FlowTest, wait_until


class Update(FlowTest):
    def setUp(self):
        super().setUp()
        self.tool("key", "--out", self.folder / "key")
        self.tool("key", "--out", self.folder / "foreign")
        self.public_key = self.folder / "key.pub"
        # The server trusts both keys, the devices only the first.
        both = self.public_key.read_text() + (self.folder / "foreign.pub").read_text()
        (self.folder / "keys").write_text(both)
        self.stack.settings += f'\n[update]\npublic_keys_file = "{self.folder}/keys"\n'
        self.stack.serve()

    def tool(self, *arguments):
        return subprocess.run([BUILD / "meterlens", "image", *map(str, arguments)], check=True,
                              capture_output=True, text=True).stdout

    def image(self, version, part="camera", key="key", program=None, extra_bytes=60_000):
        """An image file as the tool makes it."""
        firmware = self.folder / f"{part}-{version}.bin"
        first = program if program is not None else f"meterlens-linux {version}\n".encode()
        firmware.write_bytes(first + hashlib.shake_128(b"x").digest(extra_bytes))
        out = self.folder / f"{part}-{version}-{key}.mli"
        self.tool("sign", "--key", self.folder / key, "--part", part, "--board", "linux",
                  "--version", version, "--in", firmware, "--out", out)
        return out.read_bytes()

    def upload(self, image):
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.http_port, timeout=20)
        connection.request("POST", "/api/v1/images", body=image)
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def order(self, image):
        status, body = self.upload(image)
        self.assertEqual(status, 201, body)
        status, update = self.stack.request("POST", "/devices/m1/updates",
                                            {"image": json.loads(body)["id"]})
        self.assertEqual(status, 202, update)
        return update

    def wait_update(self, update, states, timeout_s=90):
        def look():
            now = self.stack.get(f"/updates/{update['id']}")
            return now if now["state"] in states else None
        return wait_until(look, timeout_s, f"the update to be one of {states}")

    def start(self, part="camera", version=5):
        """DTU and camera; the part of that name has program slots."""
        slots = ["--images", self.folder / "slots", "--image-key", self.public_key,
                 "--image-version", version]
        self.start_dtu(*(slots if part == "dtu" else []))
        self.start_camera(*(slots if part == "camera" else []))
        self.stack.wait_online("m1")

    def start_dtu(self, *more):
        self.line("m1").unlink(missing_ok=True)
        self.dtu_process = self.stack.spawn(
            "meterlens-dtu", "--verbose", "--serial", f"pty:{self.line('m1')}", "--device", "m1",
            "--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}", *more)
        wait_until(self.line("m1").exists, 10, "the serial line")

    def start_camera(self, *more):
        self.camera_process = self.stack.spawn(
            "meterlens-camera", "--verbose", "--serial", self.line("m1"), "--render", 12, "--truth",
            self.truth_file("m1"), "--flash", self.folder / "m1.flash", *more)

    def slots(self):
        """(running, former, offered, on trial, fell back)"""
        return tuple(map(int, (self.folder / "slots" / "state").read_text().split()))

    def test_a_camera_is_updated_through_the_dtu_while_it_takes_a_photo(self):
        self.start()
        update = self.order(self.image(7))
        wait_until(lambda: self.stack.get(f"/updates/{update['id']}")["packets_received"] > 4, 90,
                   "some packets")
        command, photo = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        self.assert_is_the_cameras("m1", photo)
        done = self.wait_update(update, ("confirmed", "refused", "failed"))
        self.assertEqual((done["state"], done["reason"]), ("confirmed", None), done)
        self.assertEqual(done["packets_received"], done["packets_total"])
        self.assertEqual(self.slots(), (7, 5, 0, 0, 0))
        log = (self.folder / "meterlens-dtu-0.log").read_text()
        self.assertNotIn("queue to the camera is full", log)
        command, _ = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        updates = self.stack.get("/devices/m1/updates")["updates"]
        self.assertEqual([known["id"] for known in updates], [update["id"]])

    def test_a_dtu_is_updated_and_carries_photos_again(self):
        self.start("dtu")
        update = self.order(self.image(7, "dtu"))
        done = self.wait_update(update, ("confirmed", "refused", "failed"))
        self.assertEqual(done["state"], "confirmed", done)
        self.assertEqual(self.slots(), (7, 5, 0, 0, 0))
        command, photo = self.take_photo("m1")
        self.assert_is_the_cameras("m1", photo)

    def test_what_is_wrong_is_refused_and_the_old_program_runs(self):
        self.start()
        good = self.image(7)
        for wrong, code in ((good[:-1], "image_wrong_size"), (good[:40], "not_an_image"),
                            (good[:80] + bytes(64) + good[144:], "wrong_signature"),
                            (good[:-1] + bytes([good[-1] ^ 1]), "image_wrong_hash")):
            status, body = self.upload(wrong)
            self.assertEqual(status, 400)
            self.assertIn(f'"{code}"', body)
        cases = ((self.image(8, key="foreign"), "refused", "wrong_signature"),
                 (self.image(4), "refused", "older_version"),
                 (self.image(9, "dtu"), "refused", "board_refused"),
                 (self.image(10, program=b"something else\n"), "failed", "board_refused"))
        for image, state, reason in cases:
            done = self.wait_update(self.order(image), ("confirmed", "refused", "failed"))
            self.assertEqual((done["state"], done["reason"]), (state, reason))
            self.assertEqual(self.slots(), (5, 0, 0, 0, 0))
        self.assertIsNone(self.camera_process.poll())
        command, _ = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)

    def test_a_program_that_does_not_report_in_falls_back(self):
        self.start()
        update = self.order(self.image(7, extra_bytes=3_000))
        self.wait_update(update, ("trying",))
        # From here on nobody hears the new program. The line's name goes first: the next DTU of any
        # other story may get the same pseudo-terminal.
        self.line("m1").unlink()
        self.dtu_process.send_signal(signal.SIGKILL)
        self.dtu_process.wait()
        wait_until(lambda: self.slots() == (7, 5, 0, 1, 0), 30, "the trial")
        self.camera_process.send_signal(signal.SIGKILL)
        self.camera_process.wait()
        self.start_dtu()
        self.start_camera("--images", self.folder / "slots", "--image-key", self.public_key)
        done = self.wait_update(update, ("confirmed", "refused", "failed"))
        self.assertEqual((done["state"], done["reason"]), ("failed", "not_confirmed"))
        self.assertEqual(self.slots(), (5, 0, 0, 0, 1))
        command, _ = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)

    def test_a_server_killed_in_the_middle_goes_on(self):
        self.start()
        update = self.order(self.image(7, extra_bytes=200_000))
        wait_until(lambda: self.stack.get(f"/updates/{update['id']}")["packets_received"] > 4, 90,
                   "some packets")
        server = next(p for name, p in self.stack.processes if name == "meterlens")
        server.send_signal(signal.SIGKILL)
        server.wait()
        self.stack.serve()
        done = self.wait_update(update, ("confirmed", "refused", "failed"), 150)
        self.assertEqual(done["state"], "confirmed", done)


if __name__ == "__main__":
    unittest.main()
