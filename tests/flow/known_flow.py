"""A meter that was read before: its next photo is read with what the last accepted reading says."""
import json
import subprocess
import unittest

from flow import BUILD, FlowTest


class Known(FlowTest):
    settings = "[log]\nlevel = \"debug\"\n"

    def read_one(self, device):
        """Orders photos until one is accepted, for wheels may just turn; its reading, the truth and
        the file."""
        for _ in range(5):
            reading, truth, photo = self.read_any(device)
            if reading["verdict"] == "accepted":
                return reading, truth, photo
        raise AssertionError(f"no photo of five was accepted, the last: {reading}")

    def read_any(self, device):
        command, photo = self.take_photo(device)
        readings = self.stack.get(f"/readings?meter={device}")["readings"]
        reading = next(found for found in readings if found["id"] == command["reading"])
        truth = next(line for line in self.truths(device) if line["sha256"] == photo["sha256"])
        return reading, truth, self.folder / photo["path"]

    def assert_right(self, reading, truth):
        certain = reading["certain"]
        self.assertIn(reading["digits"][:certain], [text[:certain] for text in truth["accepted"]])

    def known_photos(self, server_index):
        log = (self.folder / f"meterlens-{server_index}.log").read_text()
        return log.count("is of a known meter")

    def test_the_next_photo_uses_what_is_known_and_a_restart_keeps_it(self):
        server = self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        first, truth, _ = self.read_one("m1")
        self.assert_right(first, truth)
        self.assertEqual(self.known_photos(0), 0)
        second, truth, _ = self.read_one("m1")
        self.assert_right(second, truth)
        self.assertGreaterEqual(self.known_photos(0), 1)
        self.assertEqual(len(second["digits"]), len(first["digits"]))
        for before, now in zip(first["window"], second["window"]):
            self.assertLess(max(abs(before[0] - now[0]), abs(before[1] - now[1])), 8)
        photos_before = len(self.truths("m1"))
        server.terminate()
        self.assertEqual(server.wait(20), 0)
        self.stack.serve()
        self.stack.wait_online("m1", 60)
        third, truth, _ = self.read_one("m1")
        self.assert_right(third, truth)
        self.assertEqual(self.known_photos(1), len(self.truths("m1")) - photos_before)

    def read_known(self, photo, known):
        file = self.folder / "known.json"
        file.write_text(known if isinstance(known, str) else json.dumps(known))
        done = subprocess.run([BUILD / "meterlens", "read", "--known", file, photo],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_read_takes_what_is_known_from_a_file(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        reading, truth, photo = self.read_one("m1")
        digits = reading["digits"]
        known = {"window": reading["window"], "wheels": len(digits),
                 "earlier": {"digits": digits, "hours": 1, "most_per_hour": 100}}
        status, output, errors = self.read_known(photo, known)
        self.assertEqual(status, 0, errors)
        again = json.loads(output)
        self.assertEqual((again["status"], len(again["digits"])), ("read", len(digits)))
        self.assert_right(again, truth)
        # Another meter's past changes no digit of a clear photo.
        other = str((int(digits[0]) + 5) % 10) + digits[1:]
        status, output, errors = self.read_known(photo, {"earlier": {"digits": other}})
        self.assertEqual(status, 0, errors)
        self.assert_right(json.loads(output), truth)
        # Another number of wheels at the same place does.
        status, output, errors = self.read_known(
            photo, {"window": reading["window"], "wheels": len(digits) - 1})
        self.assertEqual((json.loads(output)["status"], json.loads(output)["reason"]),
                         ("doubtful", "wheel_count"))
        for wrong in ("{", "[]", '{"wheels": 0}', '{"window": [[0, 0], [0, 0], [0, 0], [0, 0]]}'):
            status, output, errors = self.read_known(photo, wrong)
            self.assertEqual((status, output), (1, ""), wrong)
            self.assertIn("known.json: ", errors)


if __name__ == "__main__":
    unittest.main()
