"""A disk that is full and a database that is locked: said, survived, and nothing lost."""
import contextlib
import pathlib
import resource
import subprocess
import tempfile
import unittest

from flow import FlowTest, wait_until


class Storage(FlowTest):
    settings = "[storage]\nbusy_timeout_ms = 200\n"

    def health(self):
        return self.stack.request("GET", "/health")

    def test_locked_database(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        other = self.database()
        other.execute("BEGIN EXCLUSIVE")
        status, error = self.stack.request("POST", "/devices/m1/commands", {"capture": 1})
        self.assertEqual((status, error["error"]["code"]), (503, "store_failed"))
        status, health = wait_until(lambda: (lambda h: h[0] == 503 and h)(self.health()), 20,
                                    "the health to tell")
        self.assertIn("locked by another program", health["store"])
        self.assertEqual(self.stack.request("GET", "/devices")[0], 200)
        other.execute("ROLLBACK")
        wait_until(lambda: self.health()[0] == 200, 60, "health after the lock")
        command, photo = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        self.assert_is_the_cameras("m1", photo)

    def test_a_lock_during_the_transfer_loses_nothing(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 5, 60,
                   "some packets")
        other = self.database()
        other.execute("BEGIN EXCLUSIVE")
        self.wait_metric("meterlens_store_errors_total", 1, 60)
        other.execute("ROLLBACK")
        done = self.stack.wait_command(command, 200)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))

    def test_file_size_limit_reached(self):
        server = self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        _, first = self.take_photo("m1")
        usual = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (4096, usual[1]))
        self.fails_and_recovers(
            first, lambda: resource.prlimit(server.pid, resource.RLIMIT_FSIZE, usual))

    def fails_and_recovers(self, first, make_room):
        """A photo ordered now cannot be stored; it is after `make_room()`."""
        status, answer = self.stack.request("POST", "/devices/m1/commands", {"capture": 1})
        self.assertIn(status, (202, 503), answer)
        if status == 202:
            self.wait_metric("meterlens_store_errors_total", 1, 60)
        status, health = wait_until(lambda: (lambda h: h[0] == 503 and h)(self.health()), 60,
                                    "the health to tell")
        self.assertIn("free space", health["store"])
        self.assertEqual(self.stack.request("GET", f"/photos/{first['id']}.jpg")[0], 200)
        make_room()
        wait_until(lambda: self.health()[0] == 200, 90, "health after there is room")
        if "id" not in answer:
            answer = self.stack.capture("m1")
        done = self.stack.wait_command(answer, 200)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))


class FullDisk(Storage):
    """The same on a small file system of its own; needs the right to mount one."""

    test_locked_database = None
    test_a_lock_during_the_transfer_loses_nothing = None
    test_file_size_limit_reached = None

    def setUp(self):
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="flow_disk_"))
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", self.disk],
                                 capture_output=True)
        if mounted.returncode != 0:
            self.disk.rmdir()
            self.skipTest("not allowed to mount a file system")
        super().setUp()
        self.stack.settings = (f"[storage]\ndata_folder = \"{self.disk}/var\"\n"
                               f"photo_folder = \"{self.disk}/public/images\"\n")

    def end(self):
        super().end()
        subprocess.run(["umount", self.disk], check=True)
        self.disk.rmdir()

    def test_full_disk(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        _, first = self.take_photo("m1")
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        self.fails_and_recovers(first, filler.unlink)


if __name__ == "__main__":
    unittest.main()
