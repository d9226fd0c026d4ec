"""The doors of the real server and broker: who is refused, who comes in, what is written down."""
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import unittest

from flow import BUILD, FlowTest, wait_until
from postgresql import PrivatePostgresql


class Doors(FlowTest):
    settings = '[doors]\nrequired = true\ndevices = "credentials"\n'

    def setUp(self):
        super().setUp()
        self.secrets = []

    # ---- the API ----

    def log_in(self, name="admin", password=None):
        """Logs in; from then on the stack's requests carry the cookie."""
        password = password or self.first_password()
        done = self.curl("-i", "-X", "POST", "-d", json.dumps({"name": name, "password": password}),
                         "/session")
        cookie = re.search(r"(?i)set-cookie: (meterlens_session=[^;]+)", done).group(1)
        self.secrets.append(cookie.split("=")[1])
        self.stack.headers = {"Cookie": cookie, "X-Meterlens": "1"}

    def first_password(self):
        log = (self.folder / "meterlens-0.log").read_text()
        return re.search(r'log in as "admin" with the password (\S+)', log).group(1)

    def curl(self, *arguments):
        *options, path = arguments
        return subprocess.run(["curl", "-sS", *options, f"{self.stack.url}/api/v1{path}"],
                              capture_output=True, text=True, check=True, timeout=60).stdout

    def made(self, path, body=None):
        status, content = self.stack.request("POST", path, body, timeout_s=30)
        self.assertEqual(status, 201, content)
        self.secrets += [content[key] for key in ("password", "token", "secret") if key in content]
        return content

    def credential(self, device):
        return self.made(f"/devices/{device}/credential")["password"]

    # ---- the broker ----

    def login_of(self, device, password):
        return ["-h", "127.0.0.1", "-p", str(self.stack.mqtt_port), "-u", device, "-P", password]

    def mqtt_pub(self, login, topic, text="{}", *more):
        return subprocess.run(["mosquitto_pub", *login, "-q", "1", "-t", topic, "-m", text, *more],
                              capture_output=True, text=True, timeout=30)

    def wait_admitted(self, device, password):
        """Until the broker knows the credential, as the device would try."""
        topic = f"meterlens/{device}/up"
        login = self.login_of(device, password)
        wait_until(lambda: self.mqtt_pub(login, topic, "x").returncode == 0, 20,
                   f"the broker to admit {device}")

    def hear(self, login, topic):
        """Somebody who listens; returned when the broker has taken the subscription."""
        command = ["stdbuf", "-oL", "mosquitto_sub", *login, "-t", topic, "-v", "-d", "-C", "1"]
        ear = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(lambda: ear.poll() is None and ear.kill())
        for line in ear.stdout:
            if line.startswith(b"Subscribed"):
                return ear
        raise AssertionError(f"{topic}: not subscribed")

    def heard(self, ear):
        """The topic of the first message."""
        lines = ear.communicate(timeout=30)[0].splitlines()
        return next(line.split()[0] for line in lines if not line.startswith(b"Client "))

    def known_devices(self):
        return [device["id"] for device in self.stack.get("/devices")["devices"]]

    # ---- stories ----

    def test_strangers_are_refused_and_devices_keep_to_their_topics(self):
        self.stack.serve()
        self.assertEqual(self.stack.request("GET", "/devices")[0], 401)
        self.log_in()
        here = ["-h", "127.0.0.1", "-p", str(self.stack.mqtt_port)]
        one, two = self.credential("one"), self.credential("two")
        self.wait_admitted("two", two)
        status = '{"online":true}'
        self.assertNotEqual(self.mqtt_pub(here, "meterlens/x/status", status).returncode, 0)
        for login in (self.login_of("one", "wrong"), self.login_of("one", two),
                      self.login_of(".server", one), self.login_of("nobody", one)):
            self.assertNotEqual(self.mqtt_pub(login, "meterlens/x/status", status).returncode, 0)

        # What the server hears comes in this order, so the last shows that the others were dropped.
        for device, password, topic, text in (
                ("one", one, "meterlens/forged/status", status),
                ("one", one, "P/forged/event", '{"modem":{"fwVersion":"1"}}'),
                ("one", one, "meterlens/one/status", status),
                ("two", two, "P/two/event", '{"modem":{"fwVersion":"1"}}')):
            self.mqtt_pub(self.login_of(device, password), topic, text)
        wait_until(lambda: {"one", "two"} <= set(self.known_devices()), 20, "both devices")
        self.assertEqual(sorted(self.known_devices()), ["one", "two"])

        # The name that it gives itself is none of the broker's business.
        ear = self.hear(self.login_of("one", one) + ["-i", "two"], "#")
        other = self.hear(self.login_of("two", two), "P/two/control")
        self.stack.capture("two")
        self.assertEqual(self.heard(other), b"P/two/control")
        self.stack.capture("one")
        self.assertEqual(self.heard(ear), b"meterlens/one/down")

    def test_a_meter_with_a_credential_works_while_others_come_and_go(self):
        self.stack.serve()
        self.log_in()
        password = self.credential("m1")
        self.line("m1").unlink(missing_ok=True)
        dtu = self.stack.spawn("meterlens-dtu", "--serial", f"pty:{self.line('m1')}", "--device",
                               "m1", "--verbose", "--broker",
                               f"mqtt://m1:{password}@127.0.0.1:{self.stack.mqtt_port}")
        wait_until(self.line("m1").exists, 10, "the serial line")
        self.stack.spawn("meterlens-camera", "--serial", self.line("m1"), "--flash",
                         self.folder / "m1.flash", "--render", 11, "--truth", self.truth_file("m1"))
        self.stack.wait_online("m1", 40)
        words = pathlib.Path(f"/proc/{dtu.pid}/cmdline").read_text()
        self.assertIn("mqtt://m1:*", words)
        self.assertNotIn(password, words)
        self.wait_admitted("m2", self.credential("m2"))
        _, photo = self.take_photo("m1")
        status, served = self.stack.request("GET", f"/photos/{photo['id']}.jpg")
        self.assertEqual((status, served), (200, self.stored_bytes(photo)))
        self.assertNotIn("connection lost", self.log_of_dtu())
        self.assertEqual(self.stack.request("DELETE", "/devices/m1/credential")[0], 200)
        wait_until(lambda: "connection lost" in self.log_of_dtu(), 30, "m1 to be put out")
        self.assertIsNone(dtu.poll())
        self.stack.headers = {}
        self.assertEqual(self.stack.request("GET", f"/photos/{photo['id']}.jpg")[0], 401)

    def log_of_dtu(self, number=0):
        return (self.folder / f"meterlens-dtu-{number}.log").read_text()

    def test_a_group_is_what_the_meters_tags_say_and_purging_ends_a_credential(self):
        self.stack.serve()
        self.log_in()
        admin = self.stack.headers
        passwords = {device: self.credential(device) for device in ("one", "two")}
        for device, password in passwords.items():
            self.wait_admitted(device, password)
            self.mqtt_pub(self.login_of(device, password), f"meterlens/{device}/status",
                          '{"online":true}')
        wait_until(lambda: len(self.known_devices()) == 2, 20, "both devices")
        self.made("/meters", {"id": "cellar"})
        self.made("/watches", {"device": "one", "meter": "cellar", "from_ms": 1})
        self.made("/users", {"name": "ann", "role": "operator", "groups": ["berlin"],
                             "password": "a long password"})
        self.log_in("ann", "a long password")
        ann = self.stack.headers
        for version, group, seen in ((0, "berlin/north", True), (1, "berliner", False),
                                     (2, "berlin", True)):
            tags = {"group": group, "labels": {}, "version": version}
            self.stack.headers = ann
            self.assertEqual(self.stack.request("PUT", "/meters/cellar/tags", tags)[0], 403)
            self.stack.headers = admin
            self.assertEqual(self.stack.request("PUT", "/meters/cellar/tags", tags)[0], 200)
            self.stack.headers = ann
            meters = [meter["id"] for meter in self.stack.get("/meters")["meters"]]
            self.assertEqual(meters, ["cellar"] if seen else [], group)
            self.assertEqual(self.known_devices(), ["one"] if seen else [], group)
        for path in ("/alarms", "/commands", "/export/readings.csv"):
            self.assertEqual(self.stack.request("GET", path)[0], 403, path)

        self.stack.headers = admin
        for device, history in (("two", "keep"), ("one", "purge")):
            self.assertEqual(
                self.stack.request("DELETE", f"/devices/{device}?history={history}")[0], 200)
        status = '{"online":true}'
        login = self.login_of("one", passwords["one"])
        wait_until(lambda: self.mqtt_pub(login, "meterlens/one/status", status).returncode != 0,
                   20, "the broker to refuse one")
        self.mqtt_pub(self.login_of("two", passwords["two"]), "meterlens/two/status", status)
        wait_until(lambda: "two" in self.known_devices(), 20, "two to appear anew")

    def test_a_device_registers_itself_once(self):
        self.stack.serve()
        self.log_in()
        secret = self.made("/products", {"name": "P1"})["secret"]
        (self.folder / "secret").write_text(secret + "\n")
        state = self.folder / "state"

        def start(folder):
            self.line("new").unlink(missing_ok=True)
            return self.stack.spawn(
                "meterlens-dtu", "--serial", f"pty:{self.line('new')}", "--device", "new",
                "--broker", f"mqtt://127.0.0.1:{self.stack.mqtt_port}", "--product", "P1",
                "--register", self.stack.url, "--product-secret", self.folder / "secret",
                "--state", folder)
        first = start(state)
        self.stack.wait_online("new", 40)
        password = (state / "password").read_text().strip()
        self.secrets.append(password)
        self.assertEqual((state / "password").stat().st_mode & 0o777, 0o600)
        first.terminate()
        first.wait(20)
        start(state)
        self.stack.wait_online("new", 40)
        thief = start(self.folder / "stolen")
        self.assertEqual(thief.wait(30), 1)
        self.assertIn("device_known", self.log_of_dtu(2))
        self.wait_admitted("new", password)
        self.no_secret_leaks()

    def test_a_camera_that_is_refused_keeps_no_other_of_its_gateway_out(self):
        self.stack.serve()
        self.log_in()
        secret = self.made("/products", {"name": "P1"})["secret"]
        (self.folder / "secret").write_text(secret + "\n")
        self.credential("taken")
        gateway = self.stack.spawn(
            "meterlens-dtu", "--camera", f"taken=pty:{self.line('taken')}", "--camera",
            f"free=pty:{self.line('free')}", "--broker",
            f"mqtt://127.0.0.1:{self.stack.mqtt_port}", "--product", "P1", "--register",
            self.stack.url, "--product-secret", self.folder / "secret", "--state",
            self.folder / "state")
        self.stack.wait_online("free", 40)
        self.assertIn("device_known", self.log_of_dtu(0))
        gateway.terminate()
        self.assertEqual(gateway.wait(20), 0)

    def test_the_first_password_is_told_once_and_a_locked_out_owner_helps_himself(self):
        server = self.stack.serve()
        password = self.first_password()
        server.terminate()
        server.wait(20)
        (self.folder / "meterlens-0.log").rename(self.folder / "first.txt")
        self.stack.serve()
        self.assertNotIn("first start", (self.folder / "meterlens-1.log").read_text())
        self.log_in(password=password)
        config = ["--config", self.folder / "meterlens.toml"]
        fresh = subprocess.run([BUILD / "meterlens", "user", *config, "password", "admin"],
                               cwd=self.folder, capture_output=True, text=True, check=True,
                               timeout=60).stdout.strip()
        self.secrets.append(fresh)
        self.assertEqual(self.stack.request("GET", "/session")[0], 401, "the old session goes on")
        self.log_in(password=fresh)
        self.assertEqual(self.stack.get("/session")["role"], "administrator")
        self.made("/tokens", {"name": "t", "scopes": ["read"]})
        self.made("/users", {"name": "ana", "role": "viewer"})
        self.curl("-X", "POST", "-d", '{"name":"ana","password":"planted-password"}', "/session")
        self.secrets.append("planted-password")
        self.no_secret_leaks()

    def no_secret_leaks(self):
        """None of the secrets of this story is in a log or in what the API tells afterwards."""
        self.assertGreaterEqual(len(self.secrets), 2)
        told = {path: json.dumps(self.stack.get(path)) for path in
                ("/audit", "/users", "/tokens", "/credentials", "/products", "/devices")}
        told |= {log.name: log.read_text(errors="replace") for log in self.folder.glob("*.log")}
        told["broker"] = (self.folder / "var/broker/mosquitto.conf").read_text()
        for where, text in told.items():
            for secret in self.secrets:
                self.assertNotIn(secret, text, where)


class Tls(FlowTest):
    def setUp(self):
        super().setUp()
        self.make_certificate("good")
        self.make_certificate("other")
        self.settings = self.stack.settings = (
            f'[tls]\nhttp_certificate_file = "{self.folder}/good.pem"\n'
            f'http_key_file = "{self.folder}/good.key"\n'
            f'mqtt_certificate_file = "{self.folder}/good.pem"\n'
            f'mqtt_key_file = "{self.folder}/good.key"\nmqtt_port = {self.free_port()}\n')
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(self.folder / "good.pem")
        self.addCleanup(lambda: os.environ.pop("SSL_CERT_FILE") if before is None
                        else os.environ.update(SSL_CERT_FILE=before))
        self.stack.scheme = "https"

    def free_port(self):
        from stack import free_port
        self.tls_port = free_port()
        return self.tls_port

    def make_certificate(self, name, days=2):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj",
                        "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                        self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem"],
                       check=True, capture_output=True, timeout=60)

    def test_both_listeners_speak_tls(self):
        self.stack.serve()
        url = f"{self.stack.url}/api/v1/health"
        done = subprocess.run(["curl", "-sSi", "--cacert", self.folder / "good.pem", url],
                              capture_output=True, text=True, timeout=30)
        self.assertIn("200 OK", done.stdout)
        self.assertIn("Strict-Transport-Security", done.stdout)
        for wrong in (["curl", "-sS", "--cacert", self.folder / "other.pem", url],
                      ["curl", "-sS", "--max-time", "5", url.replace("https", "http")],
                      ["curl", "-sS", "--tls-max", "1.1", "--cacert", self.folder / "good.pem",
                       url]):
            self.assertNotEqual(subprocess.run(wrong, capture_output=True, timeout=30,
                                               env={}).returncode, 0, wrong)
        self.line("m1").unlink(missing_ok=True)
        self.stack.spawn("meterlens-dtu", "--serial", f"pty:{self.line('m1')}", "--device", "m1",
                         "--broker", f"mqtts://127.0.0.1:{self.tls_port}", "--ca",
                         self.folder / "good.pem")
        self.stack.wait_online("m1")
        status = ["-t", "meterlens/forged/status", "-m", '{"online":true}', "-h", "127.0.0.1", "-p",
                  str(self.tls_port)]
        for wrong in ([], ["--cafile", self.folder / "other.pem"]):
            self.assertNotEqual(subprocess.run(["mosquitto_pub", *status, *wrong],
                                               capture_output=True, timeout=30).returncode, 0)
        self.assertEqual([d["id"] for d in self.stack.get("/devices")["devices"]], ["m1"])

    def shown(self):
        """What both listeners show to a new connection."""
        return [ssl.get_server_certificate(("127.0.0.1", port)).strip()
                for port in (self.stack.http_port, self.tls_port)]

    def renew(self, name):
        """Another certificate in the place of the one that is shown, as a renewing tool does it."""
        self.make_certificate(name)
        for end in ("key", "pem"):
            os.replace(self.folder / f"{name}.{end}", self.folder / f"good.{end}")
        return (self.folder / "good.pem").read_text().strip()

    def test_a_renewed_certificate_is_shown_without_a_restart(self):
        server = self.stack.serve()
        first = (self.folder / "good.pem").read_text().strip()
        self.assertEqual(self.shown(), [first] * 2)
        known = ssl.create_default_context(cadata=first)
        before = http.client.HTTPSConnection("127.0.0.1", self.stack.http_port, timeout=30,
                                             context=known)

        def still_answers():
            before.request("GET", "/api/v1/health")
            with before.getresponse() as answer:
                return answer.read() and answer.status
        self.assertEqual(still_answers(), 200)
        second = self.renew("second")
        server.send_signal(signal.SIGHUP)
        wait_until(lambda: self.shown() == [second] * 2, 5, "SIGHUP to show the second certificate")
        self.assertEqual(still_answers(), 200, "a connection from before goes on")

        third = self.renew("third")
        wait_until(lambda: self.shown() == [third] * 2, 30, "the files to be looked at")

        (self.folder / "good.key").write_text((self.folder / "other.key").read_text())
        server.send_signal(signal.SIGHUP)
        log = self.folder / "meterlens-0.log"
        wait_until(lambda: log.read_text().count("goes on being shown") == 2, 10,
                   "the wrong key to be told, once for each listener")
        self.assertIn("is not that of the", log.read_text())
        self.assertEqual(self.shown(), [third] * 2)
        self.assertIsNone(server.poll())

    def test_wrong_certificates_are_named_at_the_start(self):
        good = self.stack.settings
        for wrong, word in ((good.replace("good.key", "other.key"), "is not that of the"),
                            (good.replace("good.pem", "none.pem"), "cannot read the certificate"),
                            (good.replace("good.key", "good.pem"), "no private key"),
                            (good.replace("http_key_file", "#"), "needs both files")):
            status, output = self.run_serve(
                f"[http]\nport = {self.stack.http_port}\n[broker]\nport = {self.stack.mqtt_port}\n"
                + wrong)
            self.assertEqual(status, 1, output)
            self.assertIn(word, output)

    def test_the_doctor_tells_of_wrong_certificates_and_of_their_end(self):
        config = self.folder / "doctor.toml"

        def told(settings):
            config.write_text(settings)
            done = subprocess.run([BUILD / "meterlens", "doctor", "--json", "--config", config],
                                  capture_output=True, text=True, timeout=60, cwd=self.folder)
            return {(one["level"], one["text"].split(":")[0])
                    for one in json.loads(done.stdout)["findings"]
                    if one["part"] in ("certificate", "second")}
        good = self.settings
        self.assertEqual(told(good), {("note", "HTTP by TLS, two weeks from now"),
                                      ("note", "MQTT by TLS, two weeks from now")})
        self.make_certificate("good", days=30)
        self.assertEqual(told(good), set())
        self.assertEqual(told(good.replace('http_key_file = "' + f"{self.folder}/good.key",
                                           'http_key_file = "' + f"{self.folder}/other.key")),
                         {("error", "HTTP by TLS")})
        self.assertEqual(told(good.replace("good.pem", "none.pem")),
                         {("error", "HTTP by TLS"), ("error", "MQTT by TLS")})
        second = '[second]\npolicy = "baidu"\n'
        self.assertEqual(told(second), set(), "the keys may be in the server's environment")
        for wrong in (f'{second}keys_file = "{self.folder}/none"\n', '[second]\nprice = "x"\n'):
            ((level, text),) = told(wrong)
            self.assertEqual(level, "error", text)


class DoorsOnPostgresql(Doors):
    def setUp(self):
        self.server = PrivatePostgresql()
        self.addCleanup(self.server.close)
        super().setUp()
        self.stack.settings += f"\n[store]\nurl = \"{self.server.url}\"\n"

    def refused(self, status, method, path, body=None):
        code, answer = self.stack.request(method, path, body, timeout_s=30)
        self.assertEqual(code, status, answer)

    def done(self, method, path, body=None):
        self.refused(200, method, path, body)

    def test_postgresql_keeps_who_may_come_in(self):
        self.stack.serve()
        self.log_in()
        ana = {"name": "ana", "role": "viewer", "groups": ["north"], "password": "a long password"}
        self.made("/users", ana)
        self.refused(409, "POST", "/users", ana)
        self.done("PATCH", "/users/ana", {"role": "operator"})
        self.refused(409, "PATCH", "/users/admin", {"disabled": True})
        token = self.made("/tokens", {"name": "t", "scopes": ["read"]})
        self.done("DELETE", f"/tokens/{token['id']}")
        self.refused(404, "DELETE", f"/tokens/{token['id']}")
        self.wait_admitted("d1", self.credential("d1"))
        self.credential("d1")
        self.done("DELETE", "/devices/d1/credential")
        secret = self.made("/products", {"name": "P1"})["secret"]
        self.refused(409, "POST", "/products", {"name": "P1"})
        register = {"product": "P1", "secret": secret, "device": "d2",
                    "password": "0123456789abcdefghij"}
        self.made("/registrations", register)
        self.refused(409, "POST", "/registrations", {**register, "device": "d1"})
        self.done("DELETE", "/products/P1")
        own = self.stack.get("/sessions")["sessions"]
        self.assertEqual([one["user"] for one in own if one["own"]], ["admin"])
        self.curl("-d", json.dumps({"name": "ana", "password": "a long password"}), "/session")
        other = next(one for one in self.stack.get("/sessions")["sessions"] if not one["own"])
        self.assertEqual(other["user"], "ana")
        self.done("DELETE", f"/sessions/{other['id']}")
        self.done("DELETE", "/users/ana")
        paths = {one["path"] for one in self.stack.get("/audit?path=/api/v1/users")["entries"]}
        self.assertEqual(paths, {"/api/v1/users", "/api/v1/users/ana"})
        self.assertEqual(self.stack.get("/upkeep")["store"], "postgresql")


if __name__ == "__main__":
    unittest.main()
