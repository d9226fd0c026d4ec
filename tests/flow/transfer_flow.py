"""From the command to the reading: both dialects, kill -9 on every side, live events."""
import hashlib
import signal
import unittest

from flow import FlowTest, LiveEvents, wait_until


class Transfer(FlowTest):
    def test_native_photo_becomes_a_reading(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        command, photo = self.take_photo("m1")
        self.assertEqual(command["state"], "read", command)
        self.assertEqual(command["packets_received"], command["packets_total"])
        self.assertEqual(photo["state"], "stored")
        self.assertEqual(photo["command"], command["id"])
        self.assertTrue(photo["path"].startswith("public/images/m1/"), photo)
        self.assert_is_the_cameras("m1", photo)

        reading = self.stack.get("/readings?meter=m1")["readings"][0]
        self.assertEqual((reading["id"], reading["photo"]), (command["reading"], photo["id"]))
        row = self.database().execute("SELECT photo, digits, verdict FROM reading").fetchall()
        self.assertEqual(row, [(photo["id"], reading["digits"], reading["verdict"])])
        device = self.stack.get("/devices/m1")
        self.assertEqual(device["newest_photo"], photo)
        self.assertEqual(device["newest_reading"], reading)
        self.assertIsNone(device["active_command"])

    def test_photos_of_a_folder_arrive_unchanged(self):
        self.stack.serve()
        self.rendered_meter("drawn", baud=0)
        self.stack.wait_online("drawn")
        _, photo = self.take_photo("drawn")
        pictures = self.folder / "pictures"
        pictures.mkdir()
        original = self.stored_bytes(photo) + b"\0"  # another hash than the drawn one
        (pictures / "a.jpg").write_bytes(original)
        self.meter("folder", "--photos", pictures, baud=0)
        self.stack.wait_online("folder")
        _, photo = self.take_photo("folder")
        self.assertEqual(self.stored_bytes(photo), original)

    def test_smartdtu_photo_becomes_a_reading(self):
        self.stack.serve()
        self.rendered_meter("D1D20JN080074930P", dialect="smartdtu", product="ABC123")
        self.stack.wait_online("D1D20JN080074930P", 30)
        device = self.stack.get("/devices/D1D20JN080074930P")
        self.assertEqual((device["dialect"], device["product"]), ("smartdtu", "ABC123"))
        command, photo = self.take_photo("D1D20JN080074930P", 240)
        self.assertEqual(command["state"], "read", command)
        self.assert_is_the_cameras("D1D20JN080074930P", photo)

    def test_one_command_at_a_time_and_the_queue_is_bounded(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        commands = [self.stack.capture("m1") for _ in range(9)]
        status, error = self.stack.request("POST", "/devices/m1/commands", {"capture": 1})
        self.assertEqual((status, error["error"]["code"]), (429, "queue_full"))
        first = self.stack.wait_command(commands[0], states=("read", "failed", "expired"))
        self.assertEqual(first["state"], "read", first)
        others = [self.stack.get(f"/commands/{c['id']}")["state"] for c in commands[2:]]
        self.assertEqual(set(others), {"queued"})

    def test_live_events_tell_the_whole_story(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        events = LiveEvents(self.stack)
        self.addCleanup(events.close)
        command = self.stack.capture("m1")
        seen = events.until(lambda name, data: name == "command" and data["id"] == command["id"] and
                            data["state"] in ("read", "failed", "expired"))
        self.assertEqual(seen[-1][1]["state"], "read", seen)
        self.assertLessEqual({"command", "photo", "reading"}, {name for name, _ in seen})


class Presence(FlowTest):
    def test_a_killed_dtu_is_offline_and_comes_back(self):
        self.stack.serve()
        dtu = self.dtu("m1")
        self.stack.wait_online("m1")
        dtu.send_signal(signal.SIGKILL)
        dtu.wait()
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 60, "m1 to be offline")
        self.dtu("m1")
        self.stack.wait_online("m1")

    def test_a_killed_smartdtu_is_offline(self):
        self.stack.serve()
        self.rendered_meter("smart", dialect="smartdtu", product="P1")
        self.stack.wait_online("smart", 30)
        dtu = next(process for name, process in self.stack.processes if name == "meterlens-dtu")
        dtu.send_signal(signal.SIGKILL)
        dtu.wait()
        wait_until(lambda: not self.stack.get("/devices/smart")["online"], 60, "smart offline")

    def test_nobody_is_online_after_a_restart_until_heard(self):
        server = self.stack.serve()
        dtu = self.dtu("m1")
        self.stack.wait_online("m1")
        dtu.send_signal(signal.SIGTERM)
        dtu.wait(10)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(server.wait(20), 0)
        self.stack.serve()
        self.assertFalse(self.stack.get("/devices/m1")["online"])


class KillNine(FlowTest):
    def test_server_killed_in_the_middle_of_a_photo(self):
        server = self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 5, 60,
                   "some packets")
        server.send_signal(signal.SIGKILL)
        server.wait()
        self.stack.serve()
        done = self.stack.wait_command(command, 150)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))
        stored = self.database().execute("SELECT count(*), count(DISTINCT sha256) FROM photo")
        rows, different = stored.fetchone()
        self.assertEqual(rows, different, "a photo is in twice")

    def test_camera_killed_after_the_shot_still_delivers(self):
        self.stack.serve()
        _, camera = self.rendered_meter("m1")
        self.stack.wait_online("m1")
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 5, 60,
                   "some packets")
        drawn = self.truths("m1")[0]["sha256"]
        camera.send_signal(signal.SIGKILL)
        camera.wait()
        self.stack.spawn("meterlens-camera", "--serial", self.line("m1"), "--flash",
                         self.folder / "m1.flash", "--render", 12, "--truth", self.truth_file("m1"))
        done = self.stack.wait_command(command, 150)
        photo = self.photo("m1", done["photo"])
        self.assertEqual(hashlib.sha256(self.stored_bytes(photo)).hexdigest(), drawn)


if __name__ == "__main__":
    unittest.main()
