"""The second reader, photos that people send, and photos taken again with other light: the real
server against a stand-in for the provider."""
import json
import os
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from baidu_stand_in import KEY, SECRET, BaiduStandIn, cut, error, slow, status, words
from flow import BUILD, FlowTest, wait_until

LIGHT_FAULTS = ("dark", "glare", "blur", "low confidence")


def draw(folder, seed, count, hardness):
    """Photos of made-up meters, as a phone would take them."""
    subprocess.run([BUILD / "meterlens-face", "--out", folder, "--seed", str(seed), "--count",
                    str(count), "--hardness", str(hardness), "--kind", "water"], check=True,
                   capture_output=True, timeout=120)
    return [path.read_bytes() for path in sorted((folder / "images").glob("*.jpg"))]


class Phone(FlowTest):
    """Photos come by HTTP, each for a meter of its own name."""

    def send(self, meter, photo, query=""):
        if self.stack.request("GET", f"/meters/{meter}")[0] == 404:
            self.assertEqual(self.stack.request("POST", "/meters", {"id": meter})[0], 201)
        request = urllib.request.Request(
            f"{self.stack.url}/api/v1/meters/{meter}/photos{query}", photo, method="POST",
            headers={"Content-Type": "image/jpeg"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as failed:
            return failed.code, json.loads(failed.read())

    def reading_of(self, photo, timeout_s=60):
        def found():
            readings = self.stack.get(f"/readings?meter={photo['meter']}")["readings"]
            return next((one for one in readings if one["photo"] == photo["id"]), None)
        return wait_until(found, timeout_s, f"the reading of photo {photo['id']}")

    def read(self, meter, photo):
        code, stored = self.send(meter, photo)
        self.assertIn(code, (200, 201), stored)
        return self.reading_of(stored)

    def photos(self, wanted, folder="drawn", hardness=0.0, count=12):
        """The first photo whose local reading `wanted` likes, and that reading."""
        for number, photo in enumerate(draw(self.folder / folder, 11, count, hardness)):
            reading = self.read(f"{folder}-{number}", photo)
            if wanted(reading):
                return photo, reading
        raise AssertionError(f"none of {count} photos is as wanted")

    def good_photo(self):
        return self.photos(lambda one: one["verdict"] == "accepted" and
                           one["certain"] == len(one["digits"]))


class Second(Phone):
    more = ""

    def setUp(self):
        super().setUp()
        self.baidu = BaiduStandIn()
        self.addCleanup(self.baidu.stop)
        keys = self.folder / "keys"
        keys.write_text(f"{KEY}\n{SECRET}\n")
        keys.chmod(0o600)
        self.stack.settings = (
            f"[second]\nkeys_file = '{keys}'\nbase_url = '{self.baidu.url}'\nprice = '0.005'\n"
            f"calls_per_second = 100\ntries_max = 2\n")

    def policy(self, meter, policy):
        if self.stack.request("GET", f"/meters/{meter}")[0] == 404:
            self.assertEqual(self.stack.request("POST", "/meters", {"id": meter})[0], 201)
        code, content = self.stack.request("PUT", f"/meters/{meter}/second", {"policy": policy})
        self.assertEqual((code, content["effective"]), (200, policy))

    def read_by(self, policy, meter, photo):
        self.policy(meter, policy)
        reading = self.read(meter, photo)
        return reading, self.stack.get(f"/readings/{reading['id']}/said")["said"]

    def stop_of(self):
        return self.stack.get("/second")["stop"]

    def assert_clean(self):
        """The provider was asked as it wants, and no secret is in a log or the database."""
        self.assertEqual(self.baidu.wrong, [])
        for path in [*self.folder.glob("*.log"), *self.folder.glob("var/*.db*")]:
            content = path.read_bytes()
            for secret in (KEY, SECRET, "24.stand-in-token"):
                self.assertNotIn(secret.encode(), content, path)

    def test_each_policy_keeps_both_words_and_says_whom_it_believed(self):
        self.stack.serve()
        photo, local = self.good_photo()
        digits = local["digits"]
        other = digits[:-1] + str((int(digits[-1]) + 5) % 10)
        self.assertEqual(self.baidu.count(), 0, "the policy is local")
        self.baidu.words = words(digits)
        reading, said = self.read_by("local-then-baidu", "sure", photo)
        self.assertEqual((said, self.baidu.count()), ([], 0), "it did not doubt")
        for policy, seen, verdict, shown, believed in (
                ("baidu", digits, "accepted", digits, [True, True]),
                ("baidu", other, "accepted", other, [False, True]),
                ("both-must-agree", digits, "accepted", digits, [True, True]),
                ("both-must-agree", other, "doubtful", digits, [True, False])):
            with self.subTest(policy=policy, seen=seen):
                self.baidu.words = words(seen, "NINGBO", "m3")
                reading, said = self.read_by(policy, f"{policy}-{seen}", photo)
                self.assertEqual((reading["verdict"], reading["digits"]), (verdict, shown))
                self.assertEqual([one["reader"] for one in said], ["local", "baidu"])
                self.assertEqual([one["believed"] for one in said], believed)
                self.assertEqual(said[0]["digits"], digits)
                self.assertEqual(said[1]["words"], [seen, "NINGBO", "m3"])
                self.assertEqual("second_reader" in reading["flags"], verdict == "doubtful")
        uses = self.stack.get("/second/use")
        self.assertEqual(sum(day["billed"] for day in uses["days"]), 4)
        self.assertEqual({day["cost"] for day in uses["days"]}, {"0.005000"})
        self.assertEqual(len(uses["days"]), 4, "one row a meter and day")
        self.assertEqual(self.baidu.tokens_given, 1, "the token is kept")
        self.assert_clean()

    def test_what_the_local_reader_doubts_is_asked(self):
        self.stack.serve()
        photo, local = self.photos(
            lambda one: one["verdict"] == "doubtful" and one["digits"] and one["certain"] >= 1 and
            any(reason.endswith(("turning", *LIGHT_FAULTS)) for reason in one["reasons"]),
            "hard", 1.0, 40)
        self.baidu.words = words(local["digits"])
        reading, said = self.read_by("local-then-baidu", "doubted", photo)
        self.assertEqual(self.baidu.count(), 1)
        self.assertEqual((reading["verdict"], reading["digits"]), ("accepted", local["digits"]))
        self.assertEqual((said[0]["status"], said[1]["status"]), ("doubtful", "read"))
        self.assert_clean()

    def test_every_fault_leaves_the_local_result_and_the_reason(self):
        self.stack.settings += "timeout_ms = 1500\n"
        self.stack.serve()
        photo, local = self.good_photo()
        huge = b'{"words_result":[' + b" " * (3 << 20) + b"]}"
        faults = [(code, [error(code)] * 2, None) for code in (1, 2, 4, 282000, 18, 424242)]
        faults += [(code, [error(code)], kind) for code, kind in (
            (17, "quota_today"), (19, "quota"), (3, "configuration"), (6, "configuration"),
            (14, "configuration"), (216100, "fault"), (282112, "fault"), (282801, "fault"),
            (283300, "fault"))]
        faults += [(code, [error(code)], None) for code in (
            216200, 216201, 216202, 216630, 216631, 282102, 282103)]
        faults += [("slow", [slow(4, words("1"))] * 2, None), ("cut", [cut] * 2, None),
                   ("garbage", [b"\xff\xfe<html>"] * 2, None), ("huge", [huge] * 2, None),
                   ("500", [status(500)] * 2, None), ("nothing", [words()], None),
                   ("no such number", [words("NINGBO", "12", "m3")], None)]
        for name, line, kind in faults:
            with self.subTest(fault=name):
                before = self.baidu.count()
                self.baidu.line = list(line)
                reading, said = self.read_by("baidu", f"fault-{name}".replace(" ", "-"), photo)
                self.assertEqual((reading["verdict"], reading["digits"]),
                                 ("accepted", local["digits"]))
                self.assertIn("the second reader gave no number", " ".join(reading["reasons"]))
                self.assertTrue(said[0]["believed"])
                self.assertFalse(said[1]["believed"])
                self.assertTrue(said[1]["note"])
                self.assertEqual(self.baidu.count() - before, len(line))
                self.assertEqual((self.stop_of() or {}).get("kind"), kind)
                if kind is not None:
                    again, _ = self.read_by("baidu", f"stopped-{name}", photo)
                    self.assertIn("was not asked", " ".join(again["reasons"]))
                    self.assertEqual(self.stack.request("DELETE", "/second/stop")[0], 200)
        billed = sum(day["billed"] for day in self.stack.get("/second/use")["days"])
        self.assertEqual(billed, 2, "only answers with a result are paid for")
        self.assert_clean()

    def test_keys_are_tried_at_no_cost(self):
        self.stack.serve()
        status_, tried = self.stack.request("POST", "/second/test")
        self.assertEqual((status_, tried), (200, {"ok": True, "error": ""}))
        self.baidu.token_line.append(self.baidu.no_client("Client authentication failed"))
        _, tried = self.stack.request("POST", "/second/test")
        self.assertFalse(tried["ok"])
        self.assertIn("Client authentication failed", tried["error"])
        self.assertEqual(self.baidu.count(), 0, "no picture was sent")
        self.assertIsNone(self.stop_of())
        self.baidu.stop()
        _, tried = self.stack.request("POST", "/second/test", timeout_s=30)
        self.assertFalse(tried["ok"])
        self.assert_clean()

    def test_tokens_that_end_are_renewed_and_wrong_keys_stop(self):
        self.stack.serve()
        photo, local = self.good_photo()
        self.baidu.words = words(local["digits"])
        self.assertTrue(self.read_by("baidu", "first", photo)[1][1]["believed"])
        self.baidu.expire_token()
        self.assertTrue(self.read_by("baidu", "second", photo)[1][1]["believed"])
        self.assertEqual(self.baidu.tokens_given, 2)
        for name, answer in (("client", BaiduStandIn.no_client("unknown client id")),
                             ("secret", BaiduStandIn.no_client(f"wrong secret {SECRET}"))):
            self.baidu.expire_token()
            self.baidu.token_line = [answer] * 3
            reading, said = self.read_by("baidu", name, photo)
            self.assertEqual(reading["verdict"], "accepted")
            self.assertEqual(self.stop_of()["kind"], "configuration")
            self.assertNotIn(SECRET, json.dumps([reading, said, self.stop_of()]))
            self.baidu.token_line = []
            self.assertEqual(self.stack.request("DELETE", "/second/stop")[0], 200)
        self.assert_clean()

    def test_nobody_waits_for_a_provider_that_is_slow(self):
        self.stack.serve()
        photo, local = self.good_photo()
        held = threading.Event()
        self.addCleanup(held.set)

        def hold(_):
            held.wait(60)
            return words(local["digits"])

        self.baidu.line = [hold] * 3
        stored = []
        for number in range(3):
            self.policy(f"slow-{number}", "baidu")
            stored.append(self.send(f"slow-{number}", photo)[1])
        wait_until(lambda: self.baidu.count() >= 2, 30, "the first questions")
        reading = self.read("quick", photo)
        self.assertEqual(reading["verdict"], "accepted")
        for number in range(3):
            readings = self.stack.get(f"/readings?meter=slow-{number}")["readings"]
            self.assertEqual(readings, [], "it is judged when both have spoken")
        held.set()
        for photo_stored in stored:
            self.assertEqual(self.reading_of(photo_stored)["verdict"], "accepted")
        self.assert_clean()

    def test_the_quota_and_what_waits_survive_kill_9(self):
        self.stack.settings += "calls_per_day = 2\n"
        server = self.stack.serve()
        photo, local = self.good_photo()
        self.baidu.words = words(local["digits"])
        self.assertTrue(self.read_by("baidu", "one", photo)[1][1]["believed"])
        held = threading.Event()
        self.addCleanup(held.set)
        self.baidu.line = [lambda _: held.wait(60) and None]
        self.policy("two", "baidu")
        _, waiting = self.send("two", photo)
        wait_until(lambda: self.baidu.count() == 2, 30, "the question")
        server.kill()
        server.wait()
        held.set()
        self.stack.serve()
        self.assertEqual(self.reading_of(waiting)["verdict"], "accepted", "it was read again")
        self.assertEqual(len(self.stack.get("/readings?meter=two")["readings"]), 1)
        reading, _ = self.read_by("baidu", "three", photo)
        self.assertIn("the day's 2 calls are used up", " ".join(reading["reasons"]))
        self.assertEqual(self.stop_of()["kind"], "quota_today")
        alarms = "/alarms?kind=quota&open=true"
        alarm = wait_until(lambda: self.stack.get(alarms)["alarms"], 20, "an alarm")[0]
        self.assertEqual((alarm["subject"], alarm["reason"]), ("baidu", self.stop_of()["reason"]))
        asked = self.baidu.count()
        reading, said = self.read_by("both-must-agree", "four", photo)
        self.assertEqual((reading["verdict"], said[1]["status"]), ("doubtful", "not asked"))
        self.assertEqual(self.baidu.count(), asked)
        self.assertEqual(self.stack.request("DELETE", "/second/stop")[0], 200)
        wait_until(lambda: not self.stack.get(alarms)["alarms"], 20, "the alarm to end")
        self.assert_clean()

    def test_keys_that_others_can_read_are_refused(self):
        keys = self.folder / "open"
        keys.write_text(f"{KEY}\n{SECRET}\n")
        keys.chmod(0o644)
        for settings, told in ((f"keys_file = '{keys}'", "chmod 600"),
                               ("keys_file = '/no/such'", "cannot read"),
                               ("policy = 'baidu'", "METERLENS_BAIDU_KEY"),
                               (f"keys_file = '{self.folder / 'keys'}'\n"
                                "base_url = 'http://10.0.0.1'", "https")):
            environment = {name: os.environ.pop(name, None)
                           for name in ("METERLENS_BAIDU_KEY", "METERLENS_BAIDU_SECRET")}
            code, output = self.run_serve(f"[second]\n{settings}\n")
            os.environ.update({name: value for name, value in environment.items() if value})
            self.assertEqual(code, 1, settings)
            self.assertIn(told, output)
            self.assertNotIn(SECRET, output)


class Uploads(Phone):
    def turned(self, photo):
        """The same bytes, shown turned by a quarter to the right (EXIF 6)."""
        tiff = (b"MM\0*\0\0\0\x08" + b"\0\x01" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" +
                b"\0\0\0\0")
        body = b"Exif\0\0" + tiff
        return photo[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + photo[2:]

    def test_a_phones_photo_goes_the_way_of_a_cameras(self):
        self.stack.serve()
        photo, first = self.good_photo()
        code, stored = self.send("m1", photo, "?taken_at=2026-01-31T07:30:00%2B01:00")
        self.assertEqual(code, 201, stored)
        self.assertEqual((self.folder / stored["path"]).read_bytes(), photo)
        self.assertEqual(self.stack.request("GET", f"/photos/{stored['id']}.jpg")[1], photo)
        reading = self.reading_of(stored)
        self.assertEqual((reading["meter"], reading["digits"]), ("m1", first["digits"]))
        self.assertEqual(reading["at_ms"], 1769841000000)
        code, again = self.send("m1", photo)
        light = ("light", "mean", "dark_percent", "bright_percent")  # seen when it was read
        self.assertEqual((code, {**again, **dict.fromkeys(light)}), (200, stored), "the same one")
        listed = self.stack.get("/photos?meter=m1")["photos"]
        self.assertEqual([one["id"] for one in listed], [stored["id"]])
        turned = self.read("m2", self.turned(photo))
        self.assertEqual(turned["digits"], first["digits"])
        for (x, y), (tx, ty) in zip(first["window"], turned["window"]):
            self.assertLess(abs(480 - y - tx) + abs(x - ty), 24, "its window is turned with it")

    def test_bad_bodies_are_told_apart_and_none_is_kept(self):
        self.stack.settings = "[upload]\nbytes_max = 300000\npixels_max = 400000\n"
        self.stack.serve()
        photo, _ = self.good_photo()
        before = len(self.stack.get("/photos")["photos"])
        wide = draw(self.folder / "wide", 3, 1, 0)[0].replace(
            b"\x01\xe0\x02\x80", b"\x04\xe0\x06\x80", 1)
        for body, code, name in ((b"", 400, "empty_body"), (b"GIF89a" * 9, 415, "not_a_jpeg"),
                                 (photo[:-40], 400, "truncated_jpeg"),
                                 (photo + b"x" * 300000, 413, "body_too_large"),
                                 (wide, 413, "too_many_pixels")):
            self.assertEqual((lambda answer: (answer[0], answer[1]["error"]["code"]))(
                self.send("m1", body)), (code, name))
        self.assertEqual(self.send("m1", photo, "?taken_at=never")[0], 400)
        self.assertEqual(len(self.stack.get("/photos")["photos"]), before)


class OtherLight(Phone):
    settings = "[capture]\nlight_tries_max = 2\n"

    def test_a_camera_without_a_lamp_says_so_and_is_left_as_it_was(self):
        self.stack.serve()
        photo, _ = self.photos(
            lambda one: any(reason.endswith(LIGHT_FAULTS) for reason in one["reasons"]),
            "hard", 1.0, 60)
        folder = self.folder / "shots"
        folder.mkdir()
        (folder / "a.jpg").write_bytes(photo)
        self.meter("m1", "--photos", folder)
        self.stack.wait_online("m1")
        command, _ = self.take_photo("m1")

        def tries():
            found = self.stack.get(f"/commands/{command['id']}/tries")["tries"]
            return found if found and all(one["state"] == "done" for one in found) else None

        only, = wait_until(tries, 120, "the try to end")
        self.assertEqual((only["number"], only["note"], only["command"]),
                         (1, "the camera knows no such light", None))
        settings = self.stack.get("/devices/m1/settings/camera")
        self.assertEqual(settings["confirmed_revision"], settings["revision"])
        initial = {"light": 1, "light_percent": 100, "exposure": -1, "exposure_bias": 0,
                   "gain_ceiling": 2}
        for name, value in settings["settings"].items():
            self.assertEqual(value, initial[name], name)
        life = self.stack.get(f"/commands/{command['id']}/life")["life"]
        states = [moment["state"] for moment in life]
        self.assertEqual((states[0], states[-1]), ("queued", "read"))
        for state in ("sent", "received", "shooting", "transferring", "stored"):
            self.assertIn(state, states)
        self.assertEqual(len(self.stack.get("/commands?device=m1")["commands"]), 1)

    def test_a_dark_photo_is_taken_again_with_the_lamp_and_read(self):
        self.stack.serve()
        # Without the noise of a camera even so dark a photo can be read.
        self.meter("m1", "--render", 11, "--truth", self.truth_file("m1"), "--hardness", 0.3,
                   "--daylight", 0.04)
        self.stack.wait_online("m1")
        status, wished = self.stack.request("PUT", "/devices/m1/settings/camera", {"light": 0})
        self.assertEqual(status, 202, wished)

        def confirmed():
            settings = self.stack.get("/devices/m1/settings/camera")
            return settings["confirmed_revision"] == settings["revision"] and settings
        wait_until(confirmed, 60, "the camera to put its lamp out")
        # Whether it has decimals such photos may not show clearly: a person says that.
        meter = self.stack.get("/meters/m1")
        self.stack.request("PATCH", "/meters/m1", {"version": meter["version"], "decimals": 0})
        command, dark = self.take_photo("m1")
        self.assertEqual(self.photo("m1", dark["id"])["light"], "dark")

        def ended():
            found = self.stack.get(f"/commands/{command['id']}/tries")["tries"]
            return found if found and all(one["state"] == "done" for one in found) else None
        tries = wait_until(ended, 180, "the try with the lamp")
        self.assertEqual((tries[0]["number"], tries[0]["light"], tries[0]["note"]),
                         (1, "lamp at 100 %", None))
        again = self.stack.wait_command({"id": tries[0]["command"]})
        lit = self.photo("m1", again["photo"])
        self.assertEqual(lit["light"], "good")
        reading = self.reading_of({**lit, "meter": "m1"})
        truth = {one["sha256"]: one for one in self.truths("m1")}[lit["sha256"]]
        self.assertEqual(reading["verdict"], "accepted", reading)
        self.assertIn(reading["digits"][:reading["certain"]],
                      [good[:reading["certain"]] for good in truth["accepted"]])
        settings = wait_until(confirmed, 60, "the lamp to be put out again")
        self.assertEqual(settings["settings"]["light"], 0)
        self.assertEqual(len(tries), 1, "the first try was enough")


if __name__ == "__main__":
    unittest.main()
