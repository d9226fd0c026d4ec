"""A fleet on machines that are not as they should be: clocks minutes apart, a disk that is full."""
import contextlib
import os
import pathlib
import signal
import time
import unittest
import urllib.error
import urllib.request

import kill_flow
from flow import free_port, wait_until
from worker_flow import HAND_OVER_S, QUEUES, Fleet

FAKE_TIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")


@contextlib.contextmanager
def clock_set(by_s):
    """Programs started meanwhile have another clock; their time-outs are as ever."""
    if not FAKE_TIME.exists():
        raise unittest.SkipTest("no libfaketime; tools/setup test installs it")
    own = {"LD_PRELOAD": str(FAKE_TIME), "FAKETIME": f"{by_s:+d}s",
           "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            del os.environ[name]


class ClocksApart(Fleet):
    rows = kill_flow.KillOnPostgresql.rows

    def test_clocks_that_are_minutes_apart_double_nothing_on_postgresql(self):
        with clock_set(+300):
            ahead = self.worker()
        with clock_set(-300):
            self.worker()
        self.shared()
        with clock_set(+120):
            self.start_server()
        for number, device in enumerate(("m1", "m2", "m3")):
            self.rendered_meter(device, seed=11 + number, baud=0)
            self.stack.wait_online(device, 60)
            command, photo = self.take_photo(device)
            self.assertEqual(command["state"], "read")
            self.assert_is_the_cameras(device, photo)
        # Whatever worker wrote it: times are the database's.
        off = self.server.sql("SELECT max(abs(extract(epoch FROM now()) * 1000 - created_ms))"
                              " FROM command")
        self.assertLess(float(off[0]), 60_000)
        self.shared()
        killed = time.monotonic()
        ahead.send_signal(signal.SIGKILL)
        ahead.wait()
        wait_until(lambda: list(self.shares().values()) == [QUEUES], HAND_OVER_S,
                   "the worker that is behind to have all queues")
        self.assertGreater(time.monotonic() - killed, 2, "taken while the lease was valid")
        for device in ("m1", "m2", "m3"):
            self.take_photo(device)
        self.assertEqual(len(self.rows(kill_flow.PHOTOS)), 6)
        self.assertEqual(len(self.rows(kill_flow.READINGS)), 6)

    def shared(self):
        wait_until(lambda: sorted(self.shares().values()) == [QUEUES // 2] * 2, 60,
                   "both workers to have half of the queues")


class FullBroker(Fleet):
    """RabbitMQ has no room on its disk: it takes nothing more from anybody."""

    rows = kill_flow.KillOnPostgresql.rows

    def worker(self):
        self.ports = [*getattr(self, "ports", []), free_port()]
        return self.stack.spawn("meterlens", "worker", "--config", self.config, "--metrics-port",
                                self.ports[-1])

    def test_a_full_disk_of_rabbitmq_holds_devices_back_on_postgresql(self):
        self.start()
        self.rendered_meter("m1")
        self.stack.wait_online("m1", 60)
        self.take_photo("m1")
        command = self.stack.capture("m1")
        wait_until(lambda: self.stack.get(f"/commands/{command['id']}")["packets_received"] > 3, 60,
                   "some packets")
        self.broker.call("rabbitmqctl", "set_disk_free_limit", "900000GB")
        wait_until(self.is_told, 60, "server and workers to say so")
        stored = len(self.rows(kill_flow.PHOTOS))
        time.sleep(8)  # longer than RabbitMQ waits for a sign of life
        self.assertEqual(self.stack.request("POST", "/devices/m1/commands", {"capture": 1})[0], 503)
        self.assertEqual(len(self.rows(kill_flow.PHOTOS)), stored)
        self.broker.call("rabbitmqctl", "set_disk_free_limit", "50MB")
        done = self.stack.wait_command(command, 120)
        self.assertEqual(done["state"], "read", done)
        wait_until(self.is_healthy, 30, "health")
        self.take_photo("m1")
        # An order that nobody has answered may have been on its way: each shot is there once.
        stored = sorted(sha for _, _, sha, _ in self.rows(kill_flow.PHOTOS))
        self.assertEqual(stored, sorted(truth["sha256"] for truth in self.truths("m1")))
        waiting = dict(self.broker.queues("name", "messages"))
        self.assertEqual(waiting["meterlens.poison"], "0")
        self.assertEqual(self.worker_health(), [200, 200])

    def is_told(self):
        # What nobody wants to send is not refused: something has to go.
        self.stack.request("POST", "/devices/m1/commands", {"capture": 1}, timeout_s=30)
        return self.stack.get("/health")["broker"] is False and 503 in self.worker_health() and any(
            "\nmeterlens_broker_connected 0\n" in self.ask(port, "/metrics")[1]
            for port in self.ports)

    def worker_health(self):
        return [self.ask(port, "/health")[0] for port in self.ports]

    def ask(self, port, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


if __name__ == "__main__":
    unittest.main()
