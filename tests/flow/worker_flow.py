"""A fleet: two `meterlens worker` and `meterlens serve --no-worker` on RabbitMQ and PostgreSQL.

Real broker, database, cameras, serial lines and DTUs. A worker is killed with -9 under load.
"""
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import kill_flow  # noqa: E402
from flow import BUILD, FlowTest, LiveEvents, free_port, wait_until  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402
from rabbitmq import PrivateRabbitmq  # noqa: E402

QUEUES = 8
HAND_OVER_S = 10


class Fleet(FlowTest):
    """RabbitMQ and PostgreSQL; what runs on them the tests start."""

    queues = QUEUES

    def setUp(self):
        super().setUp()
        self.server = PrivatePostgresql()
        self.addCleanup(self.server.close)
        # The stories start devices when there is a topology; to open MQTT only then, as a fleet in
        # service does (deploy/fleet), takes nearly as long as the start.
        self.broker = PrivateRabbitmq(self.broker_settings(), opens_mqtt=True)
        self.addCleanup(self.broker.close)
        self.addCleanup(self.stack.stop)  # before what it needs
        self.stack.mqtt_port = self.broker.mqtt_port
        self.config = self.write_config()

    def broker_settings(self):
        return ""

    def write_config(self, more="", **changes):
        values = {"http": self.stack.http_port, "url": self.server.url, "amqp": self.broker.url,
                  "patience_s": 60, "queues": self.queues, **changes}
        path = self.folder / f"fleet-{values['http']}-{values['patience_s']}.toml"
        path.write_text("[http]\nport = {http}\n[broker]\nembedded = false\n[store]\n"
                        "url = \"{url}\"\n[fleet]\nrabbitmq = \"{amqp}\"\nqueues = {queues}\n"
                        "patience_s = {patience_s}\n".format(**values) + more)
        return path

    def worker(self):
        return self.stack.spawn("meterlens", "worker", "--config", self.config)

    def start(self, workers=2):
        """Workers that share the queues, and the server."""
        started = [self.worker() for _ in range(workers)]
        wait_until(lambda: sorted(self.shares().values()) == [self.queues // workers] * workers,
                   120, f"{workers} workers to share {self.queues} queues")
        return started, self.start_server()

    def start_server(self, config=None):
        server = self.stack.spawn("meterlens", "serve", "--no-worker", "--config",
                                  config or self.config)
        if config is None:
            wait_until(self.is_healthy, 120, "the server")
        return server

    def is_healthy(self):
        try:
            return self.stack.get("/health").get("status") == "ok"
        except OSError:
            return False

    def shares(self):
        """How many queues each worker has."""
        if self.server.sql("SELECT to_regclass('lease')") == [""]:
            return {}  # no program has made the tables yet
        rows = self.server.sql("SELECT worker, count(*) FROM lease WHERE queue >= 0 AND until_ms >"
                               " extract(epoch FROM clock_timestamp()) * 1000 GROUP BY worker")
        return {row.split("|")[0]: int(row.split("|")[1]) for row in rows}

    def log_of(self, process):
        number = [one for name, one in self.stack.processes if name == "meterlens"].index(process)
        return (self.folder / f"meterlens-{number}.log").read_text(errors="replace")


class Workers(Fleet):
    # What a killed server must not lose or double, a killed worker must not either.
    drawn = kill_flow.Kill.drawn
    everything_arrives = kill_flow.Kill.everything_arrives
    nothing_is_doubled_or_lost = kill_flow.Kill.nothing_is_doubled_or_lost
    assert_file = kill_flow.Kill.assert_file
    rows = kill_flow.KillOnPostgresql.rows

    def test_photos_go_through_and_a_killed_worker_on_postgresql_loses_none(self):
        workers, _ = self.start()
        for number, device in enumerate(kill_flow.DEVICES):
            self.rendered_meter(device, seed=11 + number, baud=0)
            self.stack.wait_online(device, 120)
        live = LiveEvents(self.stack)
        self.addCleanup(live.close)
        for device in kill_flow.DEVICES:
            command, photo = self.take_photo(device)
            self.assertEqual(command["state"], "read")
            self.assert_is_the_cameras(device, photo)
        seen = live.until(lambda name, _: name == "reading")
        self.assertIn("photo", [name for name, _ in seen])
        load = kill_flow.Load(self.stack)
        load.start()
        self.addCleanup(load.end)
        self.kill(workers[0])
        self.worker()
        wait_until(lambda: sorted(self.shares().values()) == [QUEUES // 2] * 2, 60,
                   "a new worker to get its share")
        time.sleep(2)  # of load on both
        load.end()
        self.everything_arrives()
        self.nothing_is_doubled_or_lost(load.seen)

    def kill(self, worker):
        """Under load; every device's photos are stored again in time."""
        wait_until(lambda: len(self.rows(kill_flow.PHOTOS)) >= 2 * len(kill_flow.DEVICES), 60,
                   "photos under load")
        before = Counter(device for _, device, *_ in self.rows(kill_flow.PHOTOS))
        killed = time.monotonic()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_until(lambda: list(self.shares().values()) == [QUEUES], HAND_OVER_S,
                   "the other worker to have all queues")
        handed_over = time.monotonic() - killed

        def all_go_on():
            now = Counter(device for _, device, *_ in self.rows(kill_flow.PHOTOS))
            return all(now[device] > before[device] for device in kill_flow.DEVICES)
        wait_until(all_go_on, 60, "photos of every device after the kill")
        print(f"hand-over after {handed_over:.1f} s, photos of every device after "
              f"{time.monotonic() - killed:.1f} s", file=sys.stderr)

    def test_a_worker_on_postgresql_that_ends_hands_its_devices_over_at_once(self):
        workers, _ = self.start()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1", 120)
        self.take_photo("m1")
        for worker in workers[:1]:
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait(15), 0)
        wait_until(lambda: list(self.shares().values()) == [QUEUES], 5, "all queues at one worker")
        self.take_photo("m1")
        rows = self.rows(kill_flow.PHOTOS)
        self.assertEqual(len(rows), 2)

    def test_a_smartdtu_and_settings_on_postgresql_by_way_of_a_worker(self):
        self.start()
        self.rendered_meter("d1", dialect="smartdtu", product="P1", baud=0)
        self.rendered_meter("m1", seed=12, baud=0)
        self.stack.wait_online("d1", 120)
        command, photo = self.take_photo("d1")
        self.assertEqual(command["state"], "read")
        self.assert_is_the_cameras("d1", photo)
        wait_until(lambda: all(count == "0" for name, count in self.broker.queues(
            "name", "messages") if re.fullmatch(r"meterlens\.\d+", name)), 30,
                   "every message to be acknowledged")
        self.stack.wait_online("m1", 120)
        status, answer = self.stack.request("PUT", "/devices/m1/settings/camera",
                                            {"capture_period_s": 86400})
        self.assertEqual(status, 202 if status == 202 else 200, answer)
        wait_until(lambda: self.server.sql("SELECT confirmed FROM settings WHERE device = 'm1'"
                                           " AND revision = confirmed"), 60,
                   "the camera to take its settings")
        status, answer = self.stack.request("POST", "/devices/nobody/commands", {"capture": 1})
        self.assertEqual(status, 404, answer)


class Lead(Fleet):
    def test_one_of_two_servers_on_postgresql_orders_what_is_scheduled(self):
        _, first = self.start(workers=1)
        second_config = self.write_config(http=free_port())
        second = self.start_server(second_config)
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1", 120)
        leads = "this server leads now"
        wait_until(lambda: leads in self.log_of(first), 20, "the first server to lead")
        wait_until(lambda: "is ready" in self.log_of(second), 30, "the second server")
        self.assertNotIn(leads, self.log_of(second))
        # Workers ask the second reader; a server says so.
        status, answer = self.stack.request("POST", "/second/test")
        self.assertEqual((status, answer["ok"]), (200, False), answer)
        self.assertIsNone(first.poll())
        status, answer = self.stack.request("POST", "/schedules", {
            "name": "often", "cron": "* * * * *", "zone": "UTC", "spread_s": 0})
        self.assertEqual(status, 201, answer)
        wait_until(lambda: self.commands() == 1, 75, "the scheduled capture")
        killed = time.monotonic()
        first.send_signal(signal.SIGKILL)
        first.wait()
        wait_until(lambda: leads in self.log_of(second), HAND_OVER_S, "the second server to lead")
        print(f"the other server leads after {time.monotonic() - killed:.1f} s", file=sys.stderr)
        wait_until(lambda: self.commands() == 2, 75, "the next scheduled capture")
        minutes = self.server.sql("SELECT count(DISTINCT created_ms / 60000) FROM command")
        self.assertEqual(minutes, ["2"])

    def commands(self):
        return int(self.server.sql("SELECT count(*) FROM command")[0])


class Due(Fleet):
    devices = 300

    def test_a_moment_of_many_devices_on_postgresql_is_ordered_once_for_each(self):
        self.start()
        subprocess.run([BUILD / "meterlens", "load", "--broker",
                        f"mqtt://127.0.0.1:{self.broker.mqtt_port}", "--devices", str(self.devices),
                        "--connections", "20", "--photos-per-s", "100", "--seconds", "4",
                        "--photo-bytes", "2000"], check=True, capture_output=True, timeout=120)
        wait_until(lambda: self.sql("SELECT count(*) FROM device WHERE queue >= 0") == self.devices,
                   30, "the devices to be known")
        # Due five minutes ago, when nobody was there to order it.
        minute = (int(time.time()) // 60 - 5) % 60
        status, answer = self.stack.request("POST", "/schedules", {
            "name": "often", "cron": f"{minute} * * * *", "zone": "UTC", "spread_s": 0,
            "catch_up_s": 3600})
        self.assertEqual(status, 201, answer)
        self.server.sql("UPDATE schedule SET done_ms = done_ms - 3600000")
        wait_until(lambda: self.sql("SELECT count(*) FROM command") >= self.devices, 60,
                   "a command for each device")
        time.sleep(3)  # the schedules are looked at again, and nothing more is due
        self.assertEqual(self.sql("SELECT count(*) FROM command"), self.devices)
        self.assertEqual(self.sql("SELECT count(DISTINCT device) FROM command"), self.devices)
        took_ms = self.sql("SELECT max(created_ms) - min(created_ms) FROM command")
        print(f"{self.devices} orders within {took_ms} ms", file=sys.stderr)
        # In transactions of many: more commands than moments at which they were stored.
        self.assertLess(self.sql("SELECT count(DISTINCT created_ms) FROM command"),
                        self.devices / 3)

    def sql(self, text):
        return int(self.server.sql(text)[0])


class Away(Fleet):
    def refusal(self, *command, **changes):
        """What the program says that waits in vain for 3 s."""
        config = self.write_config(patience_s=3, **changes)
        started = time.monotonic()
        done = subprocess.run([BUILD / "meterlens", *command, "--config", config], cwd=self.folder,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertGreater(time.monotonic() - started, 2)
        self.assertIn("waited 3 s", done.stdout + done.stderr)
        return done.stdout + done.stderr

    def end_while_waiting(self, role, missed, **changes):
        """A signal ends who would wait for a minute."""
        program = self.stack.spawn("meterlens", *role, "--config", self.write_config(**changes))
        wait_until(lambda: missed in self.log_of(program), 30, missed)
        program.terminate()
        self.assertEqual(program.wait(20), 0, self.log_of(program))
        self.assertIn("was waited for", self.log_of(program))

    def test_who_is_away_at_the_start_is_waited_for_on_postgresql(self):
        roles = (["worker"], ["serve", "--no-worker"])
        nowhere = f"amqp://guest@127.0.0.1:{free_port()}/"
        for role in roles:
            self.assertIn("no connection to RabbitMQ at 127.0.0.1",
                          self.refusal(*role, amqp=nowhere))
            self.end_while_waiting(role, "no connection to RabbitMQ", amqp=nowhere)
        self.server.stop()
        for role in roles:
            self.assertIn("cannot be reached", self.refusal(*role))
            self.end_while_waiting(role, "waiting up to 60 s")

    def test_who_comes_within_the_time_is_taken_up_on_postgresql(self):
        self.broker.stop()
        self.server.stop()
        programs = [self.worker(), self.start_server(self.config)]
        for program in programs:
            wait_until(lambda one=program: "waiting up to 60 s" in self.log_of(one), 30,
                       "PostgreSQL to be missed")
        status, health = self.stack.request("GET", "/health")
        self.assertEqual((status, health["status"]), (503, "starting"), health)
        self.assertIn("cannot be reached", health["store"])
        self.assertEqual(self.stack.request("GET", "/devices")[0], 503)
        self.server.start()
        for program in programs:
            wait_until(lambda one=program: "no connection to RabbitMQ" in self.log_of(one), 30,
                       "RabbitMQ to be missed")
        self.broker.start()
        wait_until(lambda: list(self.shares().values()) == [self.queues], 60, "the worker to work")
        wait_until(self.is_healthy, 60, "the server")
        self.assertEqual([program.poll() for program in programs], [None, None])


if __name__ == "__main__":
    unittest.main()
