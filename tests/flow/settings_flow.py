"""Settings and aiming of a real camera through its DTU, the broker and the server."""
import unittest

from flow import FlowTest, wait_until


def size_of(jpeg):
    """Width and height in the frame header of a baseline JPEG."""
    at = 2
    while jpeg[at + 1] != 0xC0:
        at += 2 + int.from_bytes(jpeg[at + 2:at + 4], "big")
    return (int.from_bytes(jpeg[at + 7:at + 9], "big"), int.from_bytes(jpeg[at + 5:at + 7], "big"))


class Settings(FlowTest):
    def settings_of(self, part="camera"):
        return self.stack.get(f"/devices/m1/settings/{part}")

    def change(self, part="camera", **values):
        status, content = self.stack.request("PUT", f"/devices/m1/settings/{part}", values)
        self.assertEqual(status, 202, content)
        return content["revision"]

    def wait_confirmed(self, revision, part="camera"):
        wait_until(lambda: self.settings_of(part)["confirmed_revision"] == revision, 30,
                   f"the {part} to confirm")

    def test_camera_and_dtu_take_their_settings_and_keep_them(self):
        self.stack.serve()
        dtu, camera = self.rendered_meter("m1")
        self.stack.wait_online("m1")
        self.wait_confirmed(self.change(jpeg_quality=20))
        self.wait_confirmed(self.change("dtu", window=7, status_period_s=60), "dtu")
        wait_until(lambda: (self.stack.get("/devices/m1")["state"] or {}).get("settings_revision"),
                   20, "the DTU's status")
        self.wait_confirmed(self.change(capture_period_s=5))
        wait_until(lambda: len(self.stack.get("/photos?device=m1")["photos"]) >= 2, 60,
                   "photos by the camera's own timer")
        camera.kill()
        camera.wait()
        before = len(self.stack.get("/photos?device=m1")["photos"])
        self.stack.spawn("meterlens-camera", "--serial", self.line("m1"), "--flash",
                         self.folder / "m1.flash", "--render", 11)
        wait_until(lambda: len(self.stack.get("/photos?device=m1")["photos"]) >= before + 2, 60,
                   "photos by the timer after a restart")
        health = self.stack.get("/devices/m1")["health"]
        self.assertEqual(health["reset_cause"], "crash")
        for wrong in ({"jpeg_quality": 64}, {"no_such": 1}, {"window": 3}, {}):
            status, _ = self.stack.request("PUT", "/devices/m1/settings/camera", wrong)
            self.assertEqual(status, 400, wrong)

    def test_a_linux_camera_obeys_what_it_can_and_names_the_rest(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        revision = self.change(frame_size=1, crop_width=500, crop_height=500, flip=1, gain=7,
                               light=0)
        self.wait_confirmed(revision)
        self.assertEqual(sorted(self.settings_of()["refused"]), ["gain", "light"])
        _, photo = self.take_photo("m1")
        self.assert_is_the_cameras("m1", photo)
        self.assertEqual(size_of(self.stored_bytes(photo)), (320, 240))
        self.assertIn(photo["light"], ("good", "dark", "bright"))
        self.wait_confirmed(self.change(gain=-1, light=1))
        self.assertEqual(self.settings_of()["refused"], [])

    def test_aiming_shows_frames_while_a_photo_is_taken(self):
        self.stack.serve()
        self.rendered_meter("m1")
        self.stack.wait_online("m1")
        self.assertEqual(self.stack.request("GET", "/devices/m1/view.jpg")[0], 404)
        status, _ = self.stack.request("POST", "/devices/m1/aim",
                                       {"seconds": 60, "period_ms": 500})
        self.assertEqual(status, 202)

        def view():
            status, content = self.stack.request("GET", "/devices/m1/view.jpg")
            return content if status == 200 else None

        wait_until(view, 30, "a frame")
        first = view()
        self.assertEqual(first[:2], b"\xff\xd8")
        wait_until(lambda: view() != first, 30, "another frame")
        _, photo = self.take_photo("m1")
        self.assert_is_the_cameras("m1", photo)
        self.assertEqual(len(self.stack.get("/photos?device=m1")["photos"]), 1)


if __name__ == "__main__":
    unittest.main()
