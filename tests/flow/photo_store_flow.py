"""Photos in an S3 bucket: stored, served, read, saved, put back; and what the store does wrong."""
import hashlib
import json
import subprocess
import unittest

from flow import BUILD, FlowTest, wait_until
from s3_stand_in import S3StandIn


class PhotoStore(FlowTest):
    def setUp(self):
        super().setUp()
        self.store = S3StandIn(secret="verysecretword")
        self.addCleanup(self.store.stop)
        self.keys = self.folder / "s3.keys"
        self.keys.write_text("testkey\nverysecretword\n")
        self.keys.chmod(0o600)
        self.stack.settings = self.settings_text()

    def settings_text(self):
        return (f"[store]\nphotos = \"s3:http://127.0.0.1:{self.store.port}/meters/town\"\n"
                f"photos_keys_file = \"{self.keys}\"\n")

    def start(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")

    def object_of(self, photo):
        return self.store.objects["/" + photo["path"].removeprefix("s3://")]

    def assert_is_in_the_bucket(self, photo):
        drawn = [truth["sha256"] for truth in self.truths("m1")]
        self.assertIn(hashlib.sha256(self.object_of(photo)).hexdigest(), drawn)
        status, served = self.stack.request("GET", f"/photos/{photo['id']}.jpg")
        self.assertEqual((status, served), (200, self.object_of(photo)))

    def meterlens(self, *arguments, folder=None, status=0):
        done = subprocess.run([BUILD / "meterlens", *arguments, "--config", "meterlens.toml"],
                              cwd=folder or self.folder, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def errors(self, status=0):
        answer = json.loads(self.meterlens("doctor", "--json", status=status))
        return [one["text"] for one in answer["findings"] if one["level"] == "error"]

    def test_photos_live_in_the_bucket(self):
        self.start()
        command, photo = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        self.assertTrue(photo["path"].startswith("s3://meters/town/images/m1/"), photo)
        self.assert_is_in_the_bucket(photo)
        self.assertEqual(list((self.folder / "public").rglob("*.jpg")), [])
        self.assertEqual(self.errors(), [])
        for log in self.folder.glob("*.log"):
            self.assertNotIn("verysecretword", log.read_text(errors="replace"))
        # Whose bytes differ are not shown, and found.
        key = "/" + photo["path"].removeprefix("s3://")
        whole = self.store.objects[key]
        self.store.objects[key] = whole[:-1] + bytes([whole[-1] ^ 1])
        status, error = self.stack.request("GET", f"/photos/{photo['id']}.jpg")
        self.assertEqual((status, error["error"]["code"]), (503, "photo_store_failed"))
        self.assertIn("not what was stored", self.errors(1)[0])
        del self.store.objects[key]
        status, error = self.stack.request("GET", f"/photos/{photo['id']}.jpg")
        self.assertEqual((status, error["error"]["code"]), (404, "photo_file_missing"))
        self.assertIn("is missing", self.errors(1)[0])

    def test_faults_on_the_way_cost_time_alone(self):
        self.start()
        self.store.play("PUT", "500", "forget", "503")
        self.store.play("GET", "cut", "wrong", "500")
        command, photo = self.take_photo("m1", 120)
        self.assertEqual(command["state"], "read", command)
        self.assert_is_in_the_bucket(photo)
        self.assertEqual(self.store.faults, [])
        self.assertEqual(len([key for key in self.store.objects if "/images/" in key]), 1)
        self.assertEqual(len(self.stack.get("/readings?meter=m1")["readings"]), 1)

    def test_a_store_that_hangs_is_left_after_its_time(self):
        self.start()
        self.store.play("PUT", "hang")
        command, photo = self.take_photo("m1", 120)
        self.assertEqual(command["state"], "read", command)
        self.assert_is_in_the_bucket(photo)

    def test_a_store_that_is_away_loses_nothing(self):
        self.start()
        self.take_photo("m1")
        self.store.stop()
        command = self.stack.capture("m1")
        status, health = wait_until(
            lambda: (lambda h: h[0] == 503 and h)(self.stack.request("GET", "/health")), 60,
            "the health to tell")
        self.assertIn("look whether the store runs", health["store"])
        self.store.start()
        wait_until(lambda: self.stack.request("GET", "/health")[0] == 200, 90, "health after it")
        done = self.stack.wait_command(command, 200)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_in_the_bucket(self.photo("m1", done["photo"]))

    def test_wrong_keys_are_said(self):
        self.keys.write_text("testkey\nanotherword\n")
        self.start()
        self.stack.capture("m1")
        status, health = wait_until(
            lambda: (lambda h: h[0] == 503 and h)(self.stack.request("GET", "/health")), 60,
            "the health to tell")
        self.assertIn("SignatureDoesNotMatch; check the keys", health["store"])
        self.assertEqual(self.store.objects, {})
        self.stack.stop()
        self.keys.chmod(0o644)
        status, words = self.run_serve(self.settings_text())
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", words)
        self.assertNotIn("anotherword", words)

    def test_a_backup_has_the_objects(self):
        self.start()
        _, photo = self.take_photo("m1")
        whole = self.object_of(photo)
        self.meterlens("backup", "saved")
        saved = list((self.folder / "saved" / "photos").rglob("*.jpg"))
        self.assertEqual([one.read_bytes() for one in saved], [whole])
        self.stack.stop()
        (self.folder / "var" / "meterlens.db").unlink()
        for end in ("-wal", "-shm"):
            (self.folder / "var" / f"meterlens.db{end}").unlink(missing_ok=True)
        self.store.objects.clear()
        self.assertIn("1 photos", self.meterlens("restore", "saved"))
        self.assertEqual(self.object_of(photo), whole)
        self.stack.serve()
        self.assert_is_in_the_bucket(self.photo("m1", photo["id"]))


if __name__ == "__main__":
    unittest.main()
