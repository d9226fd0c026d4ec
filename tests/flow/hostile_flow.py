"""Foreign bytes on every topic: each is counted, costs bounded memory, and stops nothing else."""
import json
import pathlib
import random
import struct
import unittest

from flow import FlowTest, frame, wait_until

OFFER, PACKET, SENT = 0x10, 0x11, 0x12
TOPICS = ("meterlens/m1/up", "meterlens/m1/status", "meterlens/m1/down", "P1/smart/event",
          "P1/smart/control", "meterlens/stranger/up", "P9/stranger/event", "a", "a/b/c/d/e",
          "meterlens/../up", "meterlens/ /up", "$other/thing")


class Hostile(FlowTest):
    def setUp(self):
        super().setUp()
        self.server = self.stack.serve()

    def memory_mb(self):
        text = pathlib.Path(f"/proc/{self.server.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) // 1024

    def assert_works(self):
        self.rendered_meter("good", baud=0)
        self.stack.wait_online("good")
        command, photo = self.take_photo("good")
        self.assertEqual(command["state"], "read", command)
        self.assert_is_the_cameras("good", photo)
        self.assertIsNone(self.server.poll())

    def test_random_bytes_on_every_topic(self):
        seed = random.Random(2026)
        for topic in TOPICS:
            for size in (0, 1, 7, 8, 9, 60, 1038, 1039, 5000, 70_000):
                self.publish(topic, seed.randbytes(size))
        self.wait_metric("meterlens_frames_too_short_total", 1)
        self.wait_metric("meterlens_frames_wrong_version_total", 1)
        self.wait_metric("meterlens_smartdtu_not_json_total", 1)
        self.wait_metric("meterlens_messages_foreign_topic_total", 1)
        self.wait_metric("meterlens_messages_too_long_total", 1)
        self.assert_works()

    def test_frames_that_lie(self):
        good = frame(SENT, struct.pack("<I", 5))
        wrong_checksum = good[:-1] + bytes([good[-1] ^ 1])
        self.publish("meterlens/m1/up", wrong_checksum)
        self.wait_metric("meterlens_frames_wrong_checksum_total", 1)
        self.publish("meterlens/m1/up", good[:2] + b"\xff\xff" + good[4:])
        self.wait_metric("meterlens_frames_wrong_length_total", 1)
        self.publish("meterlens/m1/up", frame(0x7e, b""))
        self.wait_metric("meterlens_frames_unknown_type_total", 1)
        self.publish("meterlens/m1/up", frame(SENT, b"12345"))
        self.wait_metric("meterlens_frames_malformed_total", 1)
        self.publish("meterlens/m1/up", frame(0x20, struct.pack("<I", 5)))
        self.wait_metric("meterlens_frames_unexpected_total", 1)
        self.publish("meterlens/m1/up", frame(PACKET, struct.pack("<IH", 9, 65535) + b"x" * 1024))
        self.wait_metric("meterlens_frames_malformed_total", 2)
        self.publish("meterlens/m1/up", frame(PACKET, struct.pack("<IH", 9, 3) + b"x" * 1024))
        self.wait_metric("meterlens_packets_unoffered_total", 1)
        self.assert_works()

    def test_photos_of_no_and_of_too_many_bytes_are_refused(self):
        before = self.memory_mb()
        for number, size in ((1, 0), (2, 20_000_000), (3, 0xffffffff), (4, 2_097_153)):
            body = struct.pack("<IIIQ", number, size, 0, 0) + bytes(32)
            self.publish("meterlens/m1/up", frame(OFFER, body))
        self.wait_metric("meterlens_photos_refused_total", 4)
        self.assertLess(self.memory_mb() - before, 64)
        self.assertEqual(self.metric("meterlens_photos_in_flight"), 0)
        self.assert_works()

    def test_offers_without_photos_cost_bounded_memory(self):
        for number in range(1, 60):
            body = struct.pack("<IIIQ", number, 2_097_152, 0, 0) + bytes(32)
            self.publish(f"meterlens/ghost{number % 7}/up", frame(OFFER, body))
        self.wait_metric("meterlens_photos_in_flight", 7)
        wait_until(lambda: self.metric("meterlens_photos_in_flight_bytes") <= 2 * 7 * 2_097_152, 10,
                   "no more than two photos in flight a device")
        self.assert_works()

    def test_json_of_wrong_types_and_a_megabyte(self):
        events = [b"{", b"null", b"[]", b"{}", b'"x"', b'{"uart1":1}', b'{"uart1":{"payload":[]}}',
                  b'{"uart1":{"payload":{"image":5}}}',
                  b'{"uart1":{"payload":{"image":{"image_file":7,"image_binary":[]}}}}',
                  b'{"uart1":{"payload":{"image":{"image_file":"../../x","image_binary":"!"}}}}',
                  b"[" * 15_000, b'{"a":' * 3000]
        for event in events:
            self.publish("P1/smart/event", event)
        self.publish("P1/smart/event", json.dumps({"x": "y" * 1_000_000}).encode())
        self.publish("meterlens/m1/status", b'{"online":"yes"}')
        self.publish("meterlens/m1/status", json.dumps({"online": True, "x": "y" * 9000}).encode())
        self.wait_metric("meterlens_smartdtu_wrong_shape_total", 3)
        self.wait_metric("meterlens_messages_too_long_total", 2)
        self.assert_works()

    def test_unfinished_text_costs_bounded_memory(self):
        before = self.memory_mb()
        piece = json.dumps({"uart1": {"payload": '{"image":{"image_file":"' + "x" * 8000}}).encode()
        self.publish("P1/smart/event", piece, count=400)
        self.wait_metric("meterlens_smartdtu_text_dropped_total", 1)
        self.assertLess(self.memory_mb() - before, 96)
        self.assert_works()

    def test_half_a_smartdtu_photo_is_not_read(self):
        image = {"image_file": "capture_0123456789abcdef.jpg"}
        piece = {**image, "image_binary": "/9j/4AAQSkZJRgABAQAAAQABAAD/\n"}
        for part in (piece, {**image, "image_end": True}):
            event = {"uart1": {"payload": {"image": part}}}
            self.publish("P1/smart/event", json.dumps(event).encode())
        self.wait_metric("meterlens_photos_quarantined_total", 1)
        photo = wait_until(lambda: self.stack.get("/photos?device=smart")["photos"], 20, "it")[0]
        self.assertEqual(photo["state"], "quarantined")
        self.assertTrue(photo["reason"])
        self.assertFalse(photo["path"].startswith("public/"), photo)
        self.assertEqual(self.stack.get("/readings?meter=smart")["readings"], [])
        self.assert_works()


if __name__ == "__main__":
    unittest.main()
