"""A camera of ours behind a SmartDTU, as its broker sees it: events at QoS 0, a photo in numbered
pieces when it is told to capture. Keeps nothing of what it has sent, but for the test's books.
"""
import base64
import contextlib
import hashlib
import json
import pathlib
import socket
import struct
import threading
import time
import zlib

from mqtt_tap import Packets

PICTURE = pathlib.Path(__file__).resolve().parents[1] / "golden" / "smartdtu" / "capture_8k.jpg"
PIECE_BYTES, PIECE_EVERY_S = 512, 0.15
# What is on its way at QoS 0 when a node dies may be lost: what its own connection has sent within
# such a time before, what any connection sends until a queue's new leader is known, and all that
# is sent by a connection that began meanwhile (RabbitMQ 3.10).
SURE_S = 5


class SmartDevice(threading.Thread):
    def __init__(self, port, product, device):
        super().__init__(daemon=True)
        self.port, self.device = port, device
        self.event, self.control = f"{product}/{device}/event", f"{product}/{device}/control"
        self.shots, self.unsure = [], set()  # SHA-256 in order; those that may be lost
        self.begun_at = self.doubt_until = 0.0  # of the newest photo; of photos that begin
        self.ended_at = 0.0                  # of the newest photo
        self.own, self.suspects = [], []  # shots of this connection; of those begun as a node died
        self.ending = threading.Event()
        self.asked, self.line = threading.Event(), None

    def run(self):
        while not self.ending.is_set():
            # Comes back as long as it lives: the broker is away now and then.
            with contextlib.suppress(OSError), socket.create_connection(
                    ("127.0.0.1", self.port), 10) as self.line:
                self.session()
            if self.shots and time.monotonic() - self.ended_at < SURE_S:
                self.unsure.add(self.shots[-1])
            self.ending.wait(0.3)

    def node_dies(self):
        """A node of the broker does, whichever: to be called just before."""
        self.doubt_until = time.monotonic() + SURE_S
        self.doubt()

    def doubt(self):
        now = time.monotonic()
        if self.shots and self.begun_at < self.doubt_until and now < self.ended_at + SURE_S:
            self.unsure.add(self.shots[-1])

    def may_be_lost(self, here):
        """`unsure`, and what was shot in a connection that was deaf: of it nothing is `here`."""
        return self.unsure.union(*(shots for shots in self.suspects if not here & set(shots)))

    def session(self):
        self.own = []
        if time.monotonic() < self.doubt_until:
            self.suspects.append(self.own)
        self.line.settimeout(0.05)
        self.write(0x10, text("MQTT") + bytes([4, 2, 0, 0]) + text(self.device))
        self.write(0x82, b"\x00\x01" + text(self.control) + b"\x00")
        self.say({"modem": {"sn": self.device, "fwVersion": "V1"}})
        packets = Packets()
        while not self.ending.is_set():
            self.listen(packets)
            if self.asked.is_set():
                self.asked.clear()
                self.shoot(packets)

    def listen(self, packets):
        with contextlib.suppress(socket.timeout):
            data = self.line.recv(4096)
            if not data:
                raise OSError("the broker has closed the connection")
            if any(b'"capture"' in payload for _, payload in packets.publishes(data)):
                self.asked.set()

    def shoot(self, packets):
        photo = picture(f"{self.device} {len(self.shots)}")
        sha = hashlib.sha256(photo).hexdigest()
        name = f"capture_{len(self.shots):016x}.jpg"
        self.shots.append(sha)
        self.own.append(sha)
        self.begun_at = time.monotonic()
        self.ended_at = self.begun_at + 1e9  # it is under way
        self.doubt()
        *pieces, end = image_events(name, photo)
        for piece in pieces:
            self.say(piece)
            self.listen(packets)
            self.ending.wait(PIECE_EVERY_S)
        self.say(end)
        self.ended_at = time.monotonic()

    def say(self, event):
        self.write(0x30, text(self.event) + json.dumps(event).encode())

    def write(self, first, body):
        length, head = len(body), bytearray([first])
        while True:
            head.append(length & 0x7f | (0x80 if length > 0x7f else 0))
            length >>= 7
            if length == 0:
                break
        self.line.sendall(bytes(head) + body)


def image_events(name, photo):
    """The pieces of a photo and what ends it."""
    pieces = [photo[at:at + PIECE_BYTES] for at in range(0, len(photo), PIECE_BYTES)]
    images = [{"image_file": name, "image_binary": base64.b64encode(piece).decode(),
               "index": number, "count": len(pieces), "bytes": len(photo),
               "crc32": zlib.crc32(piece)} for number, piece in enumerate(pieces)]
    images.append({"image_file": name, "image_end": True, "count": len(pieces),
                   "bytes": len(photo), "sha256": hashlib.sha256(photo).hexdigest()})
    return [{"uart1": {"payload": {"image": image}}} for image in images]


def text(words):
    return struct.pack(">H", len(words)) + words.encode()


def picture(comment):
    """The same picture with other bytes each time: a comment behind its first marker."""
    photo = PICTURE.read_bytes()
    return photo[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment.encode() + \
        photo[2:]
