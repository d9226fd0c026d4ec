"""Telling the world: the real server, the real broker, and stand-ins that fail in every way."""
import base64
import hashlib
import hmac
import json
import signal
import subprocess
import threading
import unittest
import urllib.error
import urllib.request

from flow import BUILD, FlowTest, LiveEvents
from stack import free_port, wait_until
from stand_ins import HttpStandIn, SmtpStandIn

HOUR_MS = 3_600_000
START_MS = 1_772_000_000_000


class NotifyTest(FlowTest):
    def secret(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def serve(self, settings):
        self.stack.settings = settings
        return self.stack.serve()

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def add_meter(self, name, **more):
        status, meter = self.stack.request("POST", "/meters", {
            "id": name, "medium": "water", "unit": "m3", "wheels": 8, "decimals": 3, **more})
        self.assertEqual(status, 201, meter)
        return meter

    def add_value(self, meter, hour, value):
        status, reading = self.stack.request("POST", f"/meters/{meter}/readings", {
            "at_ms": START_MS + hour * HOUR_MS, "value": value})
        self.assertEqual(status, 201, reading)
        return reading

    def withdraw(self, reading):
        now = self.stack.get(f"/readings/{reading['id']}")
        status, after = self.stack.request("PATCH", f"/readings/{reading['id']}", {
            "version": now["version"], "verdict": "rejected", "reason": "misread"})
        self.assertEqual(status, 200, after)

    def sink(self, name):
        sinks = self.stack.get("/notify")["sinks"]
        return next(sink for sink in sinks if sink["name"] == name)

    def try_sink(self, name):
        status, answer = self.stack.request("POST", f"/notify/{name}/test", timeout_s=30)
        self.assertEqual(status, 200, answer)
        return answer


class HomeAssistant(NotifyTest):
    settings = "[notify.home_assistant]\nenabled = true\n"

    def setUp(self):
        super().setUp()
        self.broker_port = free_port()
        self.broker()
        self.said = []
        self.listen()

    def broker(self):
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        self.mosquitto = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL)
        self.addCleanup(self.end_process, self.mosquitto)
        wait_until(lambda: self.pub("probe", "x", check=False) == 0, 10, "the broker")

    @staticmethod
    def end_process(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def pub(self, topic, text, check=True, *more):
        return subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker_port),
                               "-t", topic, "-m", text, *more], check=check, timeout=10,
                              stderr=subprocess.DEVNULL).returncode

    def listen(self):
        ear = subprocess.Popen(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker_port),
                                "-t", "homeassistant/#", "-t", "meterlens-home/#", "-F",
                                "%t %x"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.end_process, ear)

        def read():
            for line in ear.stdout:
                topic, _, payload = line.rstrip("\n").partition(" ")
                self.said.append((topic, bytes.fromhex(payload)))
        threading.Thread(target=read, daemon=True).start()

    def retained(self, topic):
        done = subprocess.run(["mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker_port),
                               "-t", topic, "-C", "1", "-W", "1", "-N"], capture_output=True,
                              timeout=10)
        return done.stdout

    def wait_retained(self, topic, wanted, timeout_s=30):
        wait_until(lambda: self.retained(topic) == wanted, timeout_s, f"{topic} = {wanted}")

    def serve_home(self):
        return self.serve("[notify.home_assistant]\nenabled = true\naddress = \"127.0.0.1\"\n"
                          f"port = {self.broker_port}\n")

    def test_announces_shows_corrects_and_leaves(self):
        server = self.serve_home()
        self.add_meter("cellar.1", factor="10", place="Cellar", serial="S-1")
        config = "homeassistant/sensor/meterlens_cellar_2e1/value/config"
        wait_until(lambda: self.retained(config), 30, config)
        said = json.loads(self.retained(config))
        self.assertEqual(said["device_class"], "water")
        self.assertEqual(said["state_class"], "total_increasing")
        self.assertEqual(said["unit_of_measurement"], "m³")
        self.assertEqual(said["unique_id"], "meterlens_cellar_2e1_value")
        self.assertEqual(self.retained("meterlens-home/server/status"), b"online")
        value = "meterlens-home/cellar.1/value"
        self.assertEqual(self.retained(value), b"")
        first = self.add_value("cellar.1", 1, "195.419")
        self.wait_retained(value, b"1954.190")
        second = self.add_value("cellar.1", 2, "196.000")
        self.wait_retained(value, b"1960.000")
        self.withdraw(second)
        self.wait_retained(value, b"1954.190")
        attributes = json.loads(self.retained("meterlens-home/cellar.1/attributes"))
        self.assertEqual((attributes["reading"], attributes["corrects"]),
                         (first["id"], "196.000"))
        self.assertTrue(self.try_sink("home_assistant")["ok"])
        self.assert_comes_again(server, config, value)
        meter = self.stack.get("/meters/cellar.1")
        status, _ = self.stack.request("PATCH", "/meters/cellar.1", {
            "version": meter["version"], "removed_ms": START_MS})
        self.assertEqual(status, 200)
        self.wait_retained(config, b"")
        self.wait_retained(value, b"")

    def assert_comes_again(self, server, config, value):
        """Killed, the will speaks; started again it says all; a birth makes it say all again."""
        self.kill(server)
        self.wait_retained("meterlens-home/server/status", b"offline")
        self.said.clear()
        self.serve_home()
        self.wait_retained("meterlens-home/server/status", b"online")
        wait_until(lambda: (value, b"1954.190") in self.said, 30, "the value once more")
        self.said.clear()
        self.pub("homeassistant/status", "online")
        wait_until(lambda: any(topic == config for topic, _ in self.said), 30, "discovery again")
        self.assertTrue(all(payload != b"" for _, payload in self.said))
        # A broker that forgot everything is told again.
        self.end_process(self.mosquitto)
        self.broker()
        self.wait_retained(value, b"1954.190")
        self.wait_retained("meterlens-home/server/status", b"online")

    def test_shows_photo_online_and_problem_on_the_own_broker(self):
        self.serve("[notify.home_assistant]\nenabled = true\n[alarms]\ndoubtful_photos = 1\n"
                   "doubtful_percent = 1\nperiod_s = 1\n")
        self.broker_port = self.stack.mqtt_port
        recorded = self.stack_photo("m1")
        self.wait_retained("meterlens-home/m1/online", b"ON")
        reading = recorded["reading"]
        wait_until(lambda: self.retained("meterlens-home/m1/problem") ==
                   (b"OFF" if reading["verdict"] == "accepted" else b"ON"), 30, "the problem")
        if reading["verdict"] != "accepted":
            self.assertEqual(self.retained("meterlens-home/m1/photo"), b"")
            status, reading = self.stack.request("PATCH", f"/readings/{reading['id']}", {
                "version": 0, "verdict": "manual", "value": "195.419"})
            self.assertEqual(status, 200, reading)
        self.wait_retained("meterlens-home/m1/photo", recorded["bytes"])
        config = "homeassistant/image/meterlens_m1/photo/config"
        self.assertEqual(json.loads(self.retained(config))["image_topic"],
                         "meterlens-home/m1/photo")

    def stack_photo(self, device):
        """A real camera's photo by a DTU, and its reading."""
        self.rendered_meter(device)
        self.stack.wait_online(device)
        command, photo = self.take_photo(device)
        return {"reading": self.stack.get(f"/readings/{command['reading']}"),
                "bytes": self.stored_bytes(photo)}


class Webhook(NotifyTest):
    def setUp(self):
        super().setUp()
        self.hook = HttpStandIn()
        self.addCleanup(self.hook.stop)

    def serve_hook(self, more=""):
        secret = self.secret("secret", "a key")
        return self.serve(f"[notify]\nretry_s_max = 1\n[[notify.webhook]]\nname = \"a\"\n"
                          f"url = \"http://127.0.0.1:{self.hook.port}/in\"\ntimeout_s = 1\n"
                          f"secret_file = \"{secret}\"\n{more}")

    def events(self):
        out = []
        for path, headers, body in self.hook.requests:
            self.assertEqual(path, "/in")
            self.assert_signed(headers, body)
            out += json.loads(body)["events"]
        return out

    def assert_signed(self, headers, body):
        seconds, code = headers["Meterlens-Signature"].split(",")
        wanted = hmac.new(b"a key", seconds[2:].encode() + b"." + body, hashlib.sha256)
        self.assertEqual(code, "v1=" + wanted.hexdigest())

    def ids(self):
        return [event["id"] for event in self.events()]

    def test_tells_each_piece_whatever_the_other_side_does(self):
        self.serve_hook()
        self.add_meter("m")
        for how in ("drop", "hang", "half", "drip", "redirect", 500, 503, 429, 401, 404):
            self.hook.answers.append(how)
        first = self.add_value("m", 1, "10.000")
        wait_until(lambda: self.sink("webhook.a")["delivered"] == 1, 60, "the first reading")
        self.assertEqual(len(self.hook.requests), 11)
        self.assertEqual(len(set(self.ids())), 1)
        wait_until(lambda: self.sink("webhook.a")["backlog"] == 0, 10, "nothing to be left")
        status = self.sink("webhook.a")
        self.assertEqual((status["failures"], status["state"]), (10, "ok"))
        event = self.events()[-1]
        self.assertEqual(event["kind"], "reading.accepted")
        self.assertEqual((event["reading"]["amount"], event["reading"]["unit"]), ("10.000", "m3"))
        self.withdraw(first)
        wait_until(lambda: self.sink("webhook.a")["delivered"] == 2, 30, "the withdrawal")
        event = self.events()[-1]
        self.assertEqual((event["kind"], event["value_before"]), ("reading.withdrawn", "10.000"))
        self.assertEqual(self.metric('meterlens_notify_failures_total{sink="webhook.a"}'), 10)
        self.assertTrue(self.try_sink("webhook.a")["ok"])
        self.assertTrue(json.loads(self.hook.requests[-1][2])["test"])
        self.hook.answers.append(500)
        answer = self.try_sink("webhook.a")
        self.assertFalse(answer["ok"])
        self.assertIn("500", answer["error"])

    def test_leaves_out_only_what_is_refused(self):
        self.serve_hook()
        self.add_meter("m")
        self.hook.answers += [400, 400, 400]
        self.add_value("m", 1, "10.000")
        wait_until(lambda: self.sink("webhook.a")["refused"] == 1, 30, "a refusal")
        self.add_value("m", 2, "11.000")
        wait_until(lambda: self.sink("webhook.a")["delivered"] == 1, 30, "the next one")
        self.assertEqual(self.events()[-1]["reading"]["value"], "11.000")

    def test_loses_nothing_when_killed(self):
        """Killed with -9 again and again while the other side fails: all is told, in order."""
        server = self.serve_hook()
        self.add_meter("m")
        wait_until(lambda: self.sink("webhook.a")["state"] == "ok", 10, "the sink")
        expected = []
        for turn in range(6):
            self.hook.answers += [["hang"], [500], ["drop", 200], [], [200, 503], ["half"]][turn]
            for hour in range(3):
                number = turn * 3 + hour
                reading = self.add_value("m", 10 + number, f"{100 + number}.000")
                expected.append(f"reading-{reading['id']}")
            self.kill(server)
            server = self.serve_hook()
        wait_until(lambda: set(expected) <= set(self.ids()), 60, "all readings")
        first_seen = list(dict.fromkeys(self.ids()))
        self.assertEqual([one for one in first_seen if one in expected], expected)
        # What was told is also noted.
        last = int(expected[-1].partition("-")[2])
        mark = "SELECT done FROM sink_done WHERE sink = 'webhook.a' AND stream = 'reading'"
        book = self.database()
        wait_until(lambda: book.execute(mark).fetchone()[0] >= last, 30, "the mark")
        count = len(self.hook.requests)
        self.kill(server)
        self.serve_hook()
        self.add_value("m", 99, "200.000")
        wait_until(lambda: self.sink("webhook.a")["delivered"] == 1, 30, "only the new one")
        self.assertEqual(len(self.hook.requests), count + 1)


class Billing(NotifyTest):
    def test_imports_and_exports_while_the_server_runs(self):
        self.serve("")
        meters = "id,medium,unit,factor\nflat.1,water,m3,1\nflat.2,gas,m3,10\n"
        status, done = self.post_csv("/import/meters", meters)
        self.assertEqual((status, done["taken"]), (200, 2))
        lines = ("meter,at,value\nflat.1,2026-03-01T07:00:00Z,1.500\n"
                 "flat.2,2026-03-01T07:00:00Z,2.25\n")
        status, done = self.post_csv("/import/readings", lines + "flat.3,2026-03-01T07:00:00Z,1\n")
        self.assertEqual((status, done["bad"][0]["line"]), (422, 4))
        status, done = self.post_csv("/import/readings", lines)
        self.assertEqual((status, done["taken"]), (200, 2))
        served = self.stack.get("/export/readings.csv?from=2026-03-01T00:00:00Z").decode()
        rows = [line.split(",") for line in served.splitlines()]
        self.assertEqual([(row[0], row[8], row[9], row[10]) for row in rows[1:]],
                         [("flat.1", "1.500", "1.500", "M"), ("flat.2", "2.25", "22.50", "M")])
        printed = subprocess.run(
            [BUILD / "meterlens", "export", "readings", "--config", "meterlens.toml", "--from",
             "2026-03-01T00:00:00Z"], cwd=self.folder, capture_output=True, timeout=60)
        self.assertEqual((printed.returncode, printed.stdout.decode()), (0, served))
        wrong = subprocess.run([BUILD / "meterlens", "export", "readings", "--from", "soon"],
                               cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("from must be a time", wrong.stderr)

    def post_csv(self, path, text):
        request = urllib.request.Request(f"{self.stack.url}/api/v1{path}", text.encode(),
                                         headers={"Content-Type": "text/csv"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


class Influx(NotifyTest):
    def setUp(self):
        super().setUp()
        self.flux = HttpStandIn()
        self.addCleanup(self.flux.stop)

    def test_writes_corrects_and_deletes(self):
        token = self.secret("token", "t0ken==")
        self.serve("[notify]\nretry_s_max = 1\n[notify.influxdb]\nenabled = true\n"
                   "org = \"my org\"\n"
                   f"url = \"http://127.0.0.1:{self.flux.port}/\"\ntoken_file = \"{token}\"\n")
        self.add_meter("m", factor="10")
        self.flux.answers += [401, 503, 204]
        reading = self.add_value("m", 1, "195.419")
        wait_until(lambda: self.sink("influxdb")["delivered"] == 1, 30, "the point")
        self.assertEqual(len(self.flux.requests), 3)
        path, headers, body = self.flux.requests[-1]
        self.assertEqual(path, "/api/v2/write?org=my%20org&bucket=meterlens&precision=ms")
        self.assertEqual(headers["Authorization"], "Token t0ken==")
        self.assertEqual(body.decode(),
                         f"meter,meter=m value=1954.190,count=195419i,decimals=3i,"
                         f"reading={reading['id']}i,verdict=\"manual\",unit=\"m3\","
                         f"medium=\"water\" {START_MS + HOUR_MS}\n")
        self.withdraw(reading)
        wait_until(lambda: self.sink("influxdb")["delivered"] == 2, 30, "the deletion")
        path, _, body = self.flux.requests[-1]
        self.assertEqual(path, "/api/v2/delete?org=my%20org&bucket=meterlens")
        self.assertEqual(json.loads(body)["predicate"], "_measurement=\"meter\" AND meter=\"m\"")
        self.assertTrue(self.try_sink("influxdb")["ok"])
        log = (self.folder / "meterlens-0.log").read_text()
        self.assertNotIn("t0ken", log + json.dumps(self.stack.get("/notify")))

    def test_speaks_version_1(self):
        password = self.secret("password", "pass")
        self.serve("[notify.influxdb]\nenabled = true\nversion = 1\nbucket = \"db\"\nuser = \"u\"\n"
                   f"url = \"http://127.0.0.1:{self.flux.port}\"\npassword_file = \"{password}\"\n")
        self.add_meter("m")
        reading = self.add_value("m", 1, "5.000")
        wait_until(lambda: self.sink("influxdb")["delivered"] == 1, 30, "the point")
        path, headers, _ = self.flux.requests[-1]
        self.assertEqual(path, "/write?db=db&precision=ms")
        self.assertEqual(headers["Authorization"],
                         "Basic " + base64.b64encode(b"u:pass").decode())
        self.withdraw(reading)
        wait_until(lambda: self.sink("influxdb")["delivered"] == 2, 30, "the deletion")
        path, _, body = self.flux.requests[-1]
        self.assertEqual(path, "/query?db=db")
        self.assertTrue(body.startswith(b"q=DELETE%20FROM%20%22meter%22"), body)


class Email(NotifyTest):
    def setUp(self):
        super().setUp()
        self.post = SmtpStandIn()
        self.addCleanup(self.post.stop)

    def email(self, tls="none", port=None):
        password = self.secret("password", "pass word")
        return ("[notify]\nretry_s_max = 1\n[notify.email]\nenabled = true\nhost = \"127.0.0.1\"\n"
                f"port = {port or self.post.port}\ntls = \"{tls}\"\n"
                "from = \"meterlens@h.example\"\n"
                f"to = [\"ann@h.example\", \"bob@h.example\"]\nuser = \"me\"\n"
                f"password_file = \"{password}\"\ntimeout_s = 3\n")

    def test_tells_of_alarms_until_they_end(self):
        self.serve(self.email())
        self.post.refusals += ["451 try again", "452 full"]
        wait_until(lambda: self.sink("email")["state"] == "ok", 10, "the sink")
        self.stack.stop()
        too_much = "[alarms]\ndisk_free_mb = 900000000\nperiod_s = 1\n"
        self.serve(self.email() + too_much)
        wait_until(lambda: len(self.post.mails) == 1, 30, "the mail")
        sender, to, text = self.post.mails[0]
        self.assertEqual(sender, "meterlens@h.example")
        self.assertEqual(to, ["ann@h.example", "bob@h.example"])
        self.assertEqual(base64.b64decode(self.post.credentials), b"\0me\0pass word")
        head, body = text.split("\r\n\r\n", 1)
        self.assertIn("Subject: Meterlens: disk of folder ", head)
        self.assertIn("ALARM: disk of folder var", body)
        self.assertIn("make room, or keep less", body)
        self.assertEqual(self.sink("email")["failures"], 2)
        self.assert_acknowledged()
        # The disk has room again: the alarm ends by itself, and that is told once.
        self.stack.stop()
        self.serve(self.email())
        wait_until(lambda: len(self.post.mails) == 2, 30, "the second mail")
        self.assertIn("ended: disk of folder var", self.post.mails[1][2])
        self.assertEqual(self.stack.get("/alarms?open=true")["alarms"], [])
        self.assertTrue(self.try_sink("email")["ok"])
        self.assertIn("Subject: Meterlens: this is a test", self.post.mails[2][2])

    def assert_acknowledged(self):
        alarms = self.stack.get("/alarms?open=true")["alarms"]
        self.assertEqual({alarm["kind"] for alarm in alarms}, {"disk"})
        self.assertEqual(self.metric('meterlens_alarms_open{kind="disk"}'), len(alarms))
        live = LiveEvents(self.stack)
        self.addCleanup(live.close)
        status, alarm = self.stack.request("POST", f"/alarms/{alarms[0]['id']}/acknowledge",
                                           {"author": "Ann"})
        self.assertEqual((status, alarm["acknowledged_by"]), (200, "Ann"))
        seen = live.until(lambda name, data: name == "alarm")
        self.assertEqual(seen[-1][1]["acknowledged_by"], "Ann")

    def test_says_no_password_in_the_clear(self):
        """A server that offers no STARTTLS gets neither password nor mail."""
        self.serve(self.email(tls="starttls"))
        answer = self.try_sink("email")
        self.assertFalse(answer["ok"])
        self.assertIn("127.0.0.1", answer["error"])
        self.assertIsNone(self.post.credentials)
        self.assertEqual(self.post.mails, [])
        self.assertNotIn("pass word", json.dumps(answer))


if __name__ == "__main__":
    unittest.main()
