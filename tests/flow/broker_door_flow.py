"""A fleet that not everybody may enter: RabbitMQ asks a server who a device is, and TLS.

Real RabbitMQ, PostgreSQL, worker, server, DTUs and cameras.
"""
import signal
import subprocess
import unittest

from flow import BUILD, free_port, wait_until
from rabbitmq import DOOR, TLS
from worker_flow import Fleet


class BrokerDoor(Fleet):
    def broker_settings(self):
        self.door_port = free_port()
        return DOOR.format(port=self.door_port)

    def write_config(self, more="", **changes):
        return super().write_config(f"[broker_door]\nport = {self.door_port}\n{more}", **changes)

    # ---- what devices do ----

    def made(self, path, body=None):
        status, content = self.stack.request("POST", path, body)
        self.assertEqual(status, 201, content)
        return content

    def credential(self, device):
        return self.made(f"/devices/{device}/credential")["password"]

    def pub(self, device, password, topic, text="x", client=None):
        """True: RabbitMQ has taken it."""
        return subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.broker.mqtt_port), "-q", "1", "-u",
             device, "-P", password, "-i", client or f"meterlens-{device}", "-t", topic, "-m",
             text], capture_output=True, timeout=30).returncode == 0

    def may_hear(self, device, password, topic):
        """Whether RabbitMQ takes the subscription; if not, it closes the connection."""
        ear = subprocess.Popen(
            ["stdbuf", "-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", str(self.broker.mqtt_port),
             "-u", device, "-P", password, "-i", f"meterlens-{device}", "-t", topic, "-d", "-W",
             "30"], stdout=subprocess.PIPE, text=True)
        connects = 0
        with ear:
            for line in ear.stdout:
                connects += "sending CONNECT" in line
                if connects > 1 or line.startswith("Subscribed"):
                    ear.kill()
                    return connects == 1
        raise AssertionError(f"{topic}: no answer")

    def start_device(self, device, login, *more, **camera):
        self.line(device).unlink(missing_ok=True)
        dtu = self.stack.spawn("meterlens-dtu", "--serial", f"pty:{self.line(device)}", "--device",
                               device, "--broker", f"mqtt://{login}127.0.0.1:"
                               f"{self.broker.mqtt_port}", "--verbose", *more)
        wait_until(self.line(device).exists, 10, "the serial line")
        if camera:
            self.stack.spawn("meterlens-camera", "--serial", self.line(device), "--baud", 0,
                             "--flash", self.folder / f"{device}.flash", "--render", camera["seed"],
                             "--truth", self.truth_file(device))
        return dtu

    # ---- stories ----

    def test_devices_come_in_with_their_credentials_on_postgresql(self):
        _, server = self.start(workers=1)
        m1, m2 = self.credential("m1"), self.credential("m2")
        secret = self.made("/products", {"name": "P1"})["secret"]
        (self.folder / "secret").write_text(secret + "\n")
        dtu = self.start_device("m1", f"m1:{m1}@", seed=11)
        self.start_device("d1", "", "--dialect", "smartdtu", "--product", "P1", "--register",
                          self.stack.url, "--product-secret", self.folder / "secret", "--state",
                          self.folder / "state", seed=12)
        for device in ("m1", "d1"):
            self.stack.wait_online(device, 120)
            command, photo = self.take_photo(device)
            self.assertEqual(command["state"], "read")
            self.assert_is_the_cameras(device, photo)
        self.others_are_refused(m1, m2)
        self.names_with_a_dot_are_refused(secret)
        self.known_devices_go_on_without_the_server(server, dtu, m1, m2)

    def others_are_refused(self, m1, m2):
        self.assertTrue(self.pub("m2", m2, "meterlens/m2/up"))
        for wrong in (("m2", "wrong", "meterlens/m2/up"), ("m2", m1, "meterlens/m2/up"),
                      ("nobody", m2, "meterlens/nobody/up"), ("m2", m2, "meterlens/m1/up"),
                      ("m2", m2, "meterlens/m1/status"), ("m2", m2, "P1/m1/event"),
                      ("m2", m2, "meterlens/m2/down"), ("m2", m2, "any/thing"),
                      ("m2", m2, "meterlens/m2/up", "x", "meterlens-m1")):
            self.assertFalse(self.pub(*wrong), wrong[2:])
        self.assertTrue(self.may_hear("m2", m2, "meterlens/m2/down"))
        for wrong in ("meterlens/m1/down", "meterlens/+/down", "#", "P1/m1/control"):
            self.assertFalse(self.may_hear("m2", m2, wrong), wrong)
        self.assertEqual(self.stack.request("GET", "/devices/nobody")[0], 404)
        # A device that speaks AMQP could give orders.
        self.assertIn("log-in as m2", self.worker_as("m2", m2))
        self.assertGreaterEqual(self.metric("meterlens_broker_refusals_total"), 10)
        for log in self.folder.glob("meterlens-*.log"):
            self.assertNotIn(m2, log.read_text(errors="replace"), log)

    def worker_as(self, user, password):
        path = self.write_config(amqp=self.broker.url.replace("guest", user), patience_s=2)
        done = subprocess.run([BUILD / "meterlens", "worker", "--config", path], cwd=self.folder,
                              capture_output=True, text=True, timeout=60,
                              env={"METERLENS_AMQP_PASSWORD": password})
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout + done.stderr

    def names_with_a_dot_are_refused(self, secret):
        status, answer = self.stack.request("POST", "/devices/site.7/credential")
        self.assertEqual(status, 400)
        self.assertIn("no dot", answer["error"]["message"])
        status, answer = self.stack.request("POST", "/registrations", {
            "product": "P1", "secret": secret, "device": "site.7",
            "password": "0123456789abcdefghij"})
        self.assertEqual(status, 400)
        self.assertIn("no dot", answer["error"]["message"])

    def known_devices_go_on_without_the_server(self, server, dtu, m1, m2):
        late = self.credential("late")
        server.send_signal(signal.SIGKILL)
        server.wait()
        self.assertFalse(self.pub("late", late, "meterlens/late/up"), "nobody knows it yet")
        self.assertTrue(self.pub("m2", m2, "meterlens/m2/up"))
        dtu.kill()
        dtu.wait()
        online = "SELECT online FROM device WHERE id = 'm1'"
        wait_until(lambda: self.server.sql(online) == ["0"], 60, "m1 to be gone")
        self.start_device("m1", f"m1:{m1}@", seed=11)
        wait_until(lambda: self.server.sql(online) == ["1"], 60, "m1 to come back by itself")
        self.start_server()
        self.stack.wait_online("m1", 60)
        command, _ = self.take_photo("m1")
        self.assertEqual(command["state"], "read")
        self.assertTrue(self.pub("late", late, "meterlens/late/up"))


class BrokerTls(Fleet):
    def broker_settings(self):
        self.amqps_port, self.mqtts_port = free_port(), free_port()
        for name in ("ca", "stranger"):
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout",
                         f"{name}.key", "-out", f"{name}.pem")
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        (self.folder / "names").write_text("subjectAltName=DNS:localhost\n")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.pem")
        return TLS.format(amqps=self.amqps_port, mqtts=self.mqtts_port, folder=self.folder)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True,
                       timeout=60)

    def write_config(self, more="", **changes):
        values = {"host": "localhost", "ca": "ca", **changes}
        host, ca = values.pop("host"), values.pop("ca")
        values.setdefault("amqp", f"amqps://guest@{host}:{self.amqps_port}/")
        return super().write_config(f"ca_file = \"{self.folder}/{ca}.pem\"\n{more}", **values)

    def refusal(self, **changes):
        path = self.write_config(patience_s=2, **changes)
        done = subprocess.run([BUILD / "meterlens", "worker", "--config", path], cwd=self.folder,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout)
        return done.stdout + done.stderr

    def test_worker_server_and_devices_speak_tls_on_postgresql(self):
        self.assertIn("peer cert verification failed", self.refusal(ca="stranger"))
        self.assertIn("hostname verification failed", self.refusal(host="127.0.0.1"))
        self.assertIn("set ca_file in [fleet]", self.refusal(ca="none"))
        self.start(workers=1)
        self.line("m1").unlink(missing_ok=True)
        self.stack.spawn("meterlens-dtu", "--serial", f"pty:{self.line('m1')}", "--device", "m1",
                         "--broker", f"mqtts://localhost:{self.mqtts_port}", "--ca",
                         self.folder / "ca.pem")
        wait_until(self.line("m1").exists, 10, "the serial line")
        self.stack.spawn("meterlens-camera", "--serial", self.line("m1"), "--baud", 0, "--flash",
                         self.folder / "m1.flash", "--render", 11, "--truth",
                         self.truth_file("m1"))
        self.stack.wait_online("m1", 120)
        command, photo = self.take_photo("m1")
        self.assertEqual(command["state"], "read")
        self.assert_is_the_cameras("m1", photo)
        done = self.broker.call("rabbitmqctl", "-q", "list_connections", "--no-table-headers",
                                "protocol", "ssl")
        # Each hears on one and sends on another.
        encrypted = [line.split("\t") for line in done.splitlines() if "0,9,1" in line]
        self.assertEqual([ssl for _, ssl in encrypted], ["true"] * 4, done)


if __name__ == "__main__":
    unittest.main()
