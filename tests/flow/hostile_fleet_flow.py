"""What a fleet must stand: a device that floods, and a message that ends every worker.

Real RabbitMQ, PostgreSQL, worker and server; the flood is MQTT, as fast as RabbitMQ takes it.
"""
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

from flow import BUILD, frame, wait_until
from smart_device import image_events, picture
from worker_flow import Fleet

ONLINE = b'{"online":true}'
# A worker that dies of the message: librabbitmq hands it out, and the process ends.
DEADLY = r"""
#define _GNU_SOURCE
#include <amqp.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
typedef amqp_rpc_reply_t (*Consume)(amqp_connection_state_t, amqp_envelope_t*,
                                    const struct timeval*, int);
amqp_rpc_reply_t amqp_consume_message(amqp_connection_state_t state, amqp_envelope_t* envelope,
                                      const struct timeval* timeout, int flags) {
  Consume real = (Consume)dlsym(RTLD_NEXT, "amqp_consume_message");
  amqp_rpc_reply_t reply = real(state, envelope, timeout, flags);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL &&
      memmem(envelope->message.body.bytes, envelope->message.body.len, "DEADLY", 6) != NULL)
    abort();
  return reply;
}
"""


def text(words):
    return struct.pack(">H", len(words)) + words.encode()


def packet(kind, body):
    """An MQTT packet of less than 16 KiB."""
    return bytes([kind, len(body) & 0x7F | 0x80, len(body) >> 7]) + body


class Flooder(threading.Thread):
    """Publishes without a pause, until it is ended."""

    def __init__(self, port, topic, payload):
        super().__init__(daemon=True)
        self.wire = socket.create_connection(("127.0.0.1", port), 10)
        login = text("MQTT") + bytes([4, 2, 0, 0]) + text(f"from {topic}")
        self.wire.sendall(packet(0x10, login))
        assert self.wire.recv(4)[3] == 0
        self.one = packet(0x30, text(topic) + payload)
        self.sent, self.ending = 0, False

    def run(self):
        self.wire.settimeout(60)
        while not self.ending:
            self.wire.sendall(self.one * 64)
            self.sent += 64

    def end(self):
        self.ending = True
        self.join(70)
        self.wire.close()


class Flood(Fleet):
    queues = 1  # so that the others are behind it

    def write_config(self, more="", **changes):
        limit = "[flood]\nmessages_per_s = 50\nburst = 500\n"
        return super().write_config(limit + more, **changes)

    def load(self):
        """What ten others see of their photos."""
        done = subprocess.run(
            [BUILD / "meterlens", "load", "--json", "--devices", "10", "--photos-per-s", "3",
             "--seconds", "6", "--photo-bytes", "10000", "--patience-s", "60", "--broker",
             f"mqtt://127.0.0.1:{self.broker.mqtt_port}"], capture_output=True, text=True,
            timeout=120)
        seen = json.loads(done.stdout)
        self.assertEqual((seen["lost"], done.returncode), (0, 0), seen)
        return seen["latency_ms"]

    def flood(self, topic, payload):
        flooder = Flooder(self.broker.mqtt_port, topic, payload)
        self.addCleanup(flooder.end)
        flooder.start()
        wait_until(lambda: flooder.sent > 2000, 60, "the flood")
        return flooder

    def dropped(self):
        return self.stack.get("/devices/flood")["packets_dropped"]

    def test_a_flooding_device_is_limited_and_others_are_served_on_postgresql(self):
        self.start(workers=1)
        self.publish("meterlens/flood/status", ONLINE, qos=1)
        self.stack.wait_online("flood", 60)
        calm = self.load()
        piece = frame(0x11, struct.pack("<IH", 9, 0) + bytes(1000))  # of a photo not offered
        flooder = self.flood("meterlens/flood/up", piece)
        flooded = self.load()
        wait_until(lambda: self.dropped() > 1000, 30, "the flood to be seen at the device")
        self.statuses_of_others_come()
        sent = flooder.sent
        flooder.end()
        print(f"latency of others, ms: {calm} in the calm, {flooded} in the flood of {sent}",
              file=sys.stderr)
        self.assertLess(flooded["p90"], calm["p90"] + 5000)
        wait_until(lambda: self.dropped() > sent // 2, 60, "most of it to be dropped")

    def statuses_of_others_come(self):
        """Each status is sent on in a transaction, all devices' by one worker."""
        flooder = self.flood("meterlens/flood/status", ONLINE)
        started = time.monotonic()
        self.publish("meterlens/other/status", ONLINE, qos=1)
        self.stack.wait_online("other", 90)
        print(f"another device's status came after {time.monotonic() - started:.1f} s",
              file=sys.stderr)
        flooder.end()


class Poison(Fleet):
    queues = 1
    tries = 3

    def write_config(self, more="", **changes):
        # With a name of its own a new worker has the leases of the dead one at once.
        return super().write_config(f"tries_max = {self.tries}\nworker = \"w1\"\n{more}",
                                    **changes)

    def deadly_worker(self):
        source, shim = self.folder / "deadly.c", self.folder / "deadly.so"
        if not shim.exists():
            source.write_text(DEADLY)
            subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source], check=True, timeout=60)
        os.environ["LD_PRELOAD"] = str(shim)
        try:
            return self.worker()
        finally:
            del os.environ["LD_PRELOAD"]

    def poisoned(self):
        return int(dict(self.broker.queues("name", "messages"))["meterlens.poison"])

    def doctor(self):
        done = subprocess.run([BUILD / "meterlens", "doctor", "--json", "--config", self.config],
                              cwd=self.folder, capture_output=True, text=True, timeout=60)
        findings = json.loads(done.stdout)["findings"]
        return [one["text"] for one in findings if one["part"] in ("poison", "broker")]

    def test_a_message_that_ends_workers_is_put_aside_on_postgresql(self):
        (worker,), _ = self.start(workers=1)
        self.assertEqual(self.doctor(), [])
        worker.terminate()
        worker.wait(20)
        # All of them are handed out together.
        others = [f"d{number}" for number in range(20)]
        self.publish("meterlens/bad/up", b"DEADLY", qos=1)
        for device in others:
            self.publish(f"P/{device}/event", b'{"modem":{"fwVersion":"1"}}', qos=1)
        deaths = 0
        while True:
            worker = self.deadly_worker()
            wait_until(lambda: worker.poll() is not None or self.poisoned() == 1, 60,
                       "the worker to die, or the message to be put aside")
            if worker.poll() is None:
                break
            deaths += 1
            self.assertLessEqual(deaths, self.tries + 1)
        known = "SELECT count(*) FROM device WHERE id LIKE 'd%'"
        wait_until(lambda: self.server.sql(known) == [str(len(others))], 60, "all the others")
        print(f"{deaths} workers have died of it", file=sys.stderr)
        self.assertEqual(deaths, self.tries + 1)
        self.assertEqual(self.poisoned(), 1)
        self.wait_metric("meterlens_messages_poisoned", 1, 30)
        (said,) = self.doctor()
        self.assertIn("1 messages", said)
        self.assertIn("meterlens/bad/up", said)
        self.assertEqual(self.poisoned(), 1, "the doctor leaves it")
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1", 60)
        self.take_photo("m1")
        self.assertIsNone(worker.poll())

    def test_half_a_photo_outlives_all_its_workers_on_postgresql(self):
        """A SmartDTU keeps nothing. Its pieces come one at a time once a worker has died with them,
        and still none is acknowledged before the photo is whole."""
        (worker,), _ = self.start(workers=1)
        *first, end = [json.dumps(event).encode() for event in
                       image_events("capture_0000000000000001.jpg", picture("d1"))]
        last = [first.pop(), first.pop(), end]
        for event in first:
            self.publish("P/d1/event", event, qos=1)
        for _ in range(2):
            self.wait_held(len(first))
            worker.kill()
            worker.wait()
            self.wait_held(0)
            worker = self.worker()
        self.wait_held(len(first))
        for event in last:
            self.publish("P/d1/event", event, qos=1)
        photos = "SELECT device, state FROM photo"
        wait_until(lambda: self.server.sql(photos) == ["d1|stored"], 60, "the photo")
        wait_until(lambda: self.lying() == ("0", "0"), 60, "all of it to be acknowledged")

    def lying(self):
        rows = self.broker.queues("name", "messages", "messages_unacknowledged")
        return next(tuple(row[1:]) for row in rows if row[0] == "meterlens.0")

    def wait_held(self, count):
        """A worker has handled so many messages, and all lie in the queue still."""
        wanted = str(count)
        wait_until(lambda: self.lying()[1] == wanted, 60, f"{count} messages to be held")


if __name__ == "__main__":
    unittest.main()
