"""Camera and DTU over a simulated EC600S (AT firmware), with the real broker and server."""
import json
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
from flow import FlowTest, wait_until  # noqa: E402
from stack import free_port  # noqa: E402
from modem import CARD, IMEI, Manner, Modem  # noqa: E402


class ModemTest(FlowTest):
    def start(self, manner=None, wrong=None, **more):
        """A server, a modem, and a meter that reaches the one through the other."""
        self.stack.serve()
        self.modem = Modem(self.folder / "modem.tty", manner)
        self.addCleanup(self.modem.stop)
        for beginning, answers in (wrong or {}).items():
            self.modem.wrong[beginning] = list(answers)
        self.rendered_meter("m1", **more)
        self.stack.wait_online("m1", 60)

    def end(self):
        super().end()
        for command in self.modem.commands[-30:]:
            print(command, file=sys.stderr) if self.failed() else None

    def failed(self):
        outcome = self._outcome.result
        return any(test is self for test, _ in outcome.errors + outcome.failures)

    def broker_port(self):
        return self.stack.mqtt_port

    def modem_options(self):
        return []

    def dtu(self, device, dialect="native", product=None):
        more = ["--product", product, "--modem-publish-bytes", "4288"] if product else []
        self.line(device).unlink(missing_ok=True)
        dtu = self.stack.spawn(
            "meterlens-dtu", "--verbose", "--serial", f"pty:{self.line(device)}", "--device",
            device, "--broker", f"mqtt://127.0.0.1:{self.broker_port()}", "--dialect", dialect,
            "--modem", self.modem.link, *self.modem_options(), *more)
        wait_until(self.line(device).exists, 10, f"the serial line of {device}")
        return dtu

    def assert_a_photo_arrives(self, device="m1"):
        command, photo = self.take_photo(device, 150)
        self.assertEqual(command["state"], "read", command)
        self.assert_is_the_cameras(device, photo)
        self.assertEqual(self.modem.strange, [])
        return photo

    def statuses(self):
        topic = "meterlens/m1/status"
        return [json.loads(payload) for at, payload in self.modem.publishes if at == topic]


class Secure(ModemTest):
    """The modem's connection by TLS, to a mosquitto that wants the device's certificate too."""

    def start_secure(self, authority="ca"):
        for name in ("ca", "other_ca"):
            self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                         f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
        for name in ("broker", "m1"):
            self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout",
                         f"{name}.key", "-out", f"{name}.csr")
            self.openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.pem",
                         "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem")
        self.tls_port = free_port()
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"allow_anonymous true\nuser root\nlistener {self.stack.mqtt_port} 127.0.0.1\n"
            f"listener {self.tls_port} 127.0.0.1\ncafile {self.folder}/ca.pem\n"
            f"certfile {self.folder}/broker.pem\nkeyfile {self.folder}/broker.key\n"
            "require_certificate true\n")
        broker = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        self.addCleanup(broker.wait)
        self.addCleanup(broker.terminate)
        self.stack.settings = 'embedded = false\naddress = "127.0.0.1"\n'
        self.stack.serve()
        self.modem = Modem(self.folder / "modem.tty")
        self.addCleanup(self.modem.stop)
        self.modem.files = {"UFS:ca.pem": self.folder / f"{authority}.pem",
                            "UFS:m1.pem": self.folder / "m1.pem",
                            "UFS:m1.key": self.folder / "m1.key"}
        self.rendered_meter("m1")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def broker_port(self):
        return self.tls_port

    def modem_options(self):
        return ["--modem-ca", "UFS:ca.pem", "--modem-cert", "UFS:m1.pem", "--modem-key",
                "UFS:m1.key"]

    def test_a_photo_arrives_by_tls_with_certificates_on_both_sides(self):
        self.start_secure()
        self.stack.wait_online("m1", 60)
        self.assert_a_photo_arrives()

    def test_a_broker_of_another_authority_gets_not_a_word(self):
        self.start_secure(authority="other_ca")
        opened = 'AT+QMTOPEN=0,"127.0.0.1",' + str(self.tls_port)
        wait_until(lambda: self.modem.commands.count(opened) >= 2, 60, "two tries to connect")
        self.assertFalse(any(line.startswith("AT+QMTCONN") for line in self.modem.commands))
        self.assertEqual(self.modem.publishes, [])


class Calm(ModemTest):
    def test_a_photo_arrives_byte_for_byte(self):
        self.start()
        photo = self.assert_a_photo_arrives()
        # The order came through the modem, and so did the time of the shot.
        self.assertIn("meterlens/m1/down", [topic for topic, _ in self.modem.messages])
        self.assertEqual(photo["captured_at_ms"] // 3_600_000, 1_704_067_200_000 // 3_600_000)
        status = self.statuses()[0]
        self.assertEqual((status["imei"], status["iccid"], status["signal_dbm"]),
                         (IMEI, CARD, -73))
        longest = max(len(payload) for _, payload in self.modem.publishes)
        self.assertEqual(longest, 1038)

    def test_a_dtu_that_is_stopped_says_goodbye(self):
        self.start()
        dtu = next(process for name, process in self.stack.processes if name == "meterlens-dtu")
        dtu.send_signal(signal.SIGTERM)
        self.assertEqual(dtu.wait(10), 0)
        self.assertEqual(self.modem.commands[-2:], ["AT+QMTDISC=0", "AT+QMTCLOSE=0"])
        self.assertEqual(self.statuses()[-1], {"online": False})
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 20, "m1 to be offline")

    def test_the_last_will_is_the_modems(self):
        self.start()
        self.modem.power_cut()
        wait_until(lambda: not self.stack.get("/devices/m1")["online"], 20, "m1 to be offline")
        self.stack.wait_online("m1", 60)

    def test_smartdtu_dialect(self):
        self.stack.serve()
        self.modem = Modem(self.folder / "modem.tty", Manner(publish_bytes_max=4288))
        self.addCleanup(self.modem.stop)
        self.rendered_meter("smart", dialect="smartdtu", product="P1", baud=0)
        self.stack.wait_online("smart", 60)
        self.assert_a_photo_arrives("smart")
        state = json.loads(next(payload for _, payload in self.modem.publishes))
        self.assertIn(IMEI, json.dumps(state))


class Rude(ModemTest):
    def test_unasked_for_lines_in_the_worst_places(self):
        self.start(Manner(nuisances=True))
        self.assert_a_photo_arrives()
        self.assertGreater(self.modem.nuisance, 100)

    def test_single_bytes_and_an_echo_that_stays(self):
        self.start(Manner(nuisances=True, echo_stays=True, pieces="bytes"))
        self.assert_a_photo_arrives()

    def test_bursts(self):
        self.start(Manner(nuisances=True, echo_stays=True, pieces="burst"))
        self.assert_a_photo_arrives()

    def test_error_to_every_command_once(self):
        wrong = {name: ["ERROR"] for name in (
            "AT+CGSN", "AT+CPIN", "AT+QCCID", "AT+CSQ", "AT+CEREG", "AT+CCLK", "AT+QMTCFG=\"recv",
            "AT+QMTOPEN", "AT+QMTCLOSE", "AT+QMTSUB")}
        wrong["ATE0"] = ["+CME ERROR: 100"]
        wrong["AT+QMTPUBEX"] = ["ERROR", "+CME ERROR: 3"]
        self.start(None, wrong)
        self.assertIn("AT+CCID", self.modem.commands)
        self.modem.strange.remove("AT+CCID")
        self.assert_a_photo_arrives()
        self.assertEqual({name: left for name, left in self.modem.wrong.items() if left}, {})

    def test_results_that_tell_of_failure(self):
        self.start(None, {"AT+QMTOPEN": ["OK\n+QMTOPEN: 0,4"],
                          "AT+QMTCONN": ["OK\n+QMTCONN: 0,2"]})
        self.assert_a_photo_arrives()


class PowerLoss(ModemTest):
    def lose_power_after(self, payload_bytes):
        self.start()
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 3, 60,
                   "some packets")
        self.modem.dead_after = payload_bytes
        done = self.stack.wait_command(command, 200)
        self.assertEqual(self.modem.boots, 2)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))

    def test_in_the_middle_of_a_payload(self):
        self.lose_power_after(500)

    def test_at_the_last_byte_of_a_payload(self):
        self.lose_power_after(1038)


class Stat(ModemTest):
    def cut_with(self, stat):
        self.start()
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 3, 60,
                   "some packets")
        self.modem.cut(stat)
        done = self.stack.wait_command(command, 200)
        self.assertEqual(done["state"], "read", done)
        self.assert_is_the_cameras("m1", self.photo("m1", done["photo"]))
        logins = [line for line in self.modem.commands if line.startswith("AT+QMTCONN")]
        self.assertEqual(len(logins), 2, self.modem.commands)
        self.assertEqual("AT+QIDEACT=1" in self.modem.commands, stat == 2)
        self.assertEqual(self.modem.strange, [])

    def test_1_closed_by_the_broker(self):
        self.cut_with(1)

    def test_2_ping_unanswered_needs_a_new_context(self):
        self.cut_with(2)

    def test_3_connect_not_sent(self):
        self.cut_with(3)

    def test_4_connect_unanswered(self):
        self.cut_with(4)

    def test_5_disconnected(self):
        self.cut_with(5)

    def test_6_sends_failed(self):
        self.cut_with(6)

    def test_7_link_dead(self):
        self.cut_with(7)


if __name__ == "__main__":
    unittest.main()
