"""The store as people run it: PostgreSQL that comes and goes, backup and restore, the doctor."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from flow import BUILD, FlowTest, wait_until  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402
from stack import Stack  # noqa: E402


class Beside(FlowTest):
    """Programs beside the server."""

    def meterlens(self, *arguments, folder=None, status=0):
        done = subprocess.run([BUILD / "meterlens", *arguments, "--config", "meterlens.toml"],
                              cwd=folder or self.folder, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def findings(self, *arguments, status=0):
        answer = json.loads(self.meterlens("doctor", "--json", *arguments, status=status))
        self.assertEqual(answer["well"], status == 0)
        return answer["findings"]

    def elsewhere(self, name, settings=""):
        """A stack in a folder of its own, with other folders for photos; not started."""
        stack = Stack(self.folder / name, build=BUILD, settings="[storage]\nphoto_folder = "
                      f"\"pictures\"\ndata_folder = \"rows\"\n{settings}")
        self.addCleanup(stack.stop)
        (stack.folder / "meterlens.toml").write_text(
            f"[http]\nport = {stack.http_port}\n[broker]\nport = {stack.mqtt_port}\n"
            f"{stack.settings}")
        return stack

    def assert_is_there(self, stack, photos, readings):
        """What was known is in `stack` with the same ids, and every photo byte for byte."""
        there = {photo["id"]: photo for photo in stack.get("/photos")["photos"]}
        for photo in photos:
            self.assertEqual(there[photo["id"]]["sha256"], photo["sha256"])
            status, served = stack.request("GET", f"/photos/{photo['id']}.jpg")
            self.assertEqual(status, 200)
            self.assertEqual(hashlib.sha256(served).hexdigest(), photo["sha256"])
        there = {reading["id"]: reading for reading in stack.get("/readings")["readings"]}
        for reading in readings:
            self.assertEqual(there[reading["id"]]["digits"], reading["digits"])

    def known(self):
        return self.stack.get("/photos")["photos"], self.stack.get("/readings")["readings"]


class Backup(Beside):
    def test_under_load_and_restored_elsewhere(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        self.take_photo("m1")
        photos, readings = self.known()
        self.assertTrue(readings)
        # More are on their way meanwhile.
        later = [self.stack.capture("m1") for _ in range(4)]
        self.assertIn("photos", self.meterlens("backup", "saved"))
        self.meterlens("backup", "saved.tar")
        for command in later:
            self.stack.wait_command(command, 120)
        self.meterlens("backup", "saved")  # once more into the same folder
        done = self.stack.get("/upkeep")["backups"]
        self.assertEqual([(pathlib.Path(one["place"]).name, one["whole"]) for one in done],
                         [("saved", True), ("saved.tar", True), ("saved", True)])
        self.assertGreaterEqual(done[0]["photos"], len(photos) + len(later))
        newest_photos, newest_readings = self.known()
        for place, photos, readings in (("saved.tar", photos, readings),
                                        ("saved", newest_photos, newest_readings)):
            other = self.elsewhere("to-" + place)
            self.meterlens("restore", self.folder / place, folder=other.folder)
            self.assertIn("already",
                          self.meterlens("restore", self.folder / place, folder=other.folder,
                                         status=1))
            other.serve()
            self.assert_is_there(other, photos, readings)
            other.stop()

    def test_a_damaged_backup_is_said(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        self.take_photo("m1")
        self.meterlens("backup", "saved")
        saved = next((self.folder / "saved" / "photos").rglob("*.jpg"))
        saved.write_bytes(saved.read_bytes()[:-1] + b"x")
        other = self.elsewhere("other")
        self.assertIn("1 damaged", self.meterlens("restore", self.folder / "saved",
                                                  folder=other.folder, status=1))

    def test_from_sqlite_to_postgresql_and_back(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        self.take_photo("m1")
        photos, readings = self.known()
        self.meterlens("backup", "saved")
        with PrivatePostgresql() as server:
            other = self.elsewhere("other", f"[store]\nurl = \"{server.url}\"\n")
            self.meterlens("restore", self.folder / "saved", folder=other.folder)
            other.serve()
            self.assert_is_there(other, photos, readings)
            self.meterlens("backup", self.folder / "again", folder=other.folder)
            third = self.elsewhere("third")
            self.meterlens("restore", self.folder / "again", folder=third.folder)
            third.serve()
            self.assert_is_there(third, photos, readings)
            other.stop()


class Doctor(Beside):
    def test_what_is_wrong_is_found(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        for _ in range(3):
            self.take_photo("m1")
        self.assertEqual([one for one in self.findings() if one["level"] == "error"], [])
        paths = [self.folder / photo["path"] for photo in self.stack.get("/photos")["photos"]]
        paths[0].unlink()
        whole = paths[1].read_bytes()
        paths[1].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        extra = paths[2].with_name("extra.jpg")
        extra.write_bytes(b"x")
        subprocess.run(["touch", "-d", "1 hour ago", extra], check=True)
        texts = [one["text"] for one in self.findings(status=1)]
        for words, name in (("is missing", paths[0].name), ("not what was stored", paths[1].name),
                            ("no row names", "extra.jpg")):
            self.assertTrue(any(words in text and name in text for text in texts), texts)
        quick = " ".join(one["text"] for one in self.findings("--quick", status=1))
        self.assertNotIn("not what was stored", quick)

    def test_a_server_that_does_not_run_and_a_database_from_the_future(self):
        self.stack.serve()
        self.stack.stop()
        parts = {one["part"] for one in self.findings(status=1)}
        self.assertIn("broker", parts)
        self.database().execute("INSERT INTO schema_version VALUES (99, 0)")
        self.assertTrue(any("newer program" in one["text"] for one in self.findings(status=1)))
        (self.folder / "meterlens.toml").write_text("[http]\nprot = 1\n")
        self.assertEqual(self.findings(status=1)[0]["part"], "settings")


class UsualFaults(Beside):
    """What happens to machines: the doctor names the part, the place and the remedy of each."""

    def setUp(self):
        super().setUp()
        self.stack.serve()
        self.addCleanup(self.folder.chmod, 0o700)

    def finding(self, part, advice):
        errors = [one for one in self.findings(status=1) if one["level"] == "error"]
        self.assertEqual({one["part"] for one in errors}, {part}, errors)
        self.assertIn(advice, errors[0]["advice"])
        return errors[0]["text"]

    def test_a_photo_folder_that_is_missing(self):
        self.say_also('[storage]\nphoto_folder = "nowhere"\n')
        self.assertIn("no folder for photos nowhere",
                      self.finding("permissions", "ReadWritePaths="))

    def test_the_servers_own_files_are_never_too_many(self):
        self.meterlens("backup", "saved")
        self.stack.stop()
        for file in (self.folder / "var").rglob("*"):
            subprocess.run(["touch", "-d", "1 hour ago", file], check=True)
        config = self.folder / "meterlens.toml"
        usual = config.read_text()
        for photos in ("var", "."):
            config.write_text(usual + f'[storage]\nphoto_folder = "{photos}"\n')
            texts = [one["text"] for one in self.findings(status=1)]
            extra = [text for text in texts if "no row names the file" in text]
            self.assertEqual([text for text in extra if "var/" in text], [], texts)

    def say_also(self, more):
        with open(self.folder / "meterlens.toml", "a") as file:
            file.write(more)

    def test_a_model_that_is_missing(self):
        self.say_also('[reader]\nmodels_folder = "nowhere"\n')
        self.assertIn("locator.onnx is not in", self.finding("models", "models_folder"))

    def test_a_clock_that_is_wrong(self):
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        self.take_photo("m1")
        with self.database() as database:
            database.execute("UPDATE photo SET received_at_ms = received_at_ms + 7200000")
        self.assertRegex(self.finding("clock", "timedatectl"), r"arrived 7[12]\d\d s in the future")

    @unittest.skipIf(os.geteuid() != 0, "mounting needs root")
    def test_a_disk_that_is_full(self):
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk])
        if mounted.returncode != 0:
            self.skipTest("no disk can be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        self.say_also('[storage]\nphoto_folder = "disk"\n')
        self.assertIn("MiB are left on the disk of disk", self.finding("disk", "free space"))

    def test_a_folder_that_is_another_users(self):
        self.folder.chmod(0o755)
        folder = self.folder / "theirs"
        folder.mkdir(0o555)
        self.say_also('[storage]\nphoto_folder = "theirs"\n')
        as_another = ["setpriv", "--reuid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
        done = subprocess.run([*as_another, BUILD / "meterlens", "doctor", "--json", "--config",
                               "meterlens.toml"], cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        said = [one for one in json.loads(done.stdout)["findings"] if one["part"] == "permissions"]
        texts = [one["text"] for one in said]
        self.assertIn("this user may not write the folder theirs", texts, done.stdout)
        self.assertIn("chown -R", said[0]["advice"])


class OnPostgresql(Beside):
    def setUp(self):
        self.server = PrivatePostgresql(fsync=True)
        self.addCleanup(self.server.close)
        super().setUp()
        self.stack.settings = f"[store]\nurl = \"{self.server.url}\"\n"

    def test_a_database_server_that_crashes_loses_nothing(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        _, first = self.take_photo("m1")
        self.assertFalse((self.folder / "var" / "meterlens.db").exists())
        self.stack.capture("m1")
        self.server.stop(signal.SIGQUIT)
        wait_until(lambda: self.stack.request("GET", "/health", timeout_s=60)[0] == 503, 120,
                   "the health to tell")
        self.server.start()
        wait_until(lambda: self.stack.request("GET", "/health", timeout_s=60)[0] == 200, 120,
                   "health after it is back")
        # A camera whose photo was refused offers it again after 60 s; its command may end before.
        wait_until(lambda: len(self.known()[1]) == 2, 200, "the photo and its reading")
        photos, readings = self.known()
        self.assertIn(first["id"], [photo["id"] for photo in photos])
        self.assertEqual(len({reading["photo"] for reading in readings}), len(readings))
        second = next(photo for photo in photos if photo["id"] != first["id"])
        self.assert_is_the_cameras("m1", self.photo("m1", second["id"]))
        log = (self.folder / "meterlens-0.log").read_text()
        self.assertIn("cannot be reached", log)
        self.assertIn("is back", log)

    def test_a_password_file_that_others_may_read_is_refused(self):
        secret = self.folder / "secret"
        secret.write_text("pass word\n")
        secret.chmod(0o644)
        settings = self.stack.settings + f"password_file = \"{secret}\"\n"
        status, words = self.run_serve(settings)
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", words)
        url = self.server.url.replace("meterlens@", "meterlens:pass%20word@")
        status, words = self.run_serve(f"[store]\nurl = \"{url}\"\n")
        self.assertEqual(status, 1)
        self.assertIn("must not have a password", words)
        self.assertNotIn("word@", words)


if __name__ == "__main__":
    unittest.main()
