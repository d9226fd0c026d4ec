"""A small MQTT 3.1.1 client on a socket, for the simulated modem: what a modem does inside."""
import select
import socket
import struct
import threading
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PINGREQ, DISCONNECT = 0xC0, 0xE0


def text(value):
    data = value.encode("latin-1") if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def length(count):
    out = b""
    while True:
        count, low = divmod(count, 128)
        out += bytes([low | (128 if count else 0)])
        if not count:
            return out


def tunnel(secure):
    """The open end of a TLS connection, which one thread alone may use."""
    near, far = socket.socketpair()

    def carry():
        try:
            while True:
                ready = [secure] if secure.pending() else select.select([secure, far], [], [])[0]
                for source, sink in ((secure, far), (far, secure)):
                    if source not in ready:
                        continue
                    data = source.recv(4096)
                    if not data:
                        return
                    sink.sendall(data)
        except OSError:
            pass
        finally:
            secure.close()
            far.close()

    secure.settimeout(10)
    threading.Thread(target=carry, daemon=True).start()
    return near


class MqttWire:
    """One connection. `owner` is told from the reading thread: logged_in(wire, code),
    acknowledged(wire, id), subscribed(wire, id, qos), message(wire, id, topic, payload), and
    ended(wire) when the broker or a cut ends it, but not after `end`."""

    def __init__(self, owner, host, port, tls=None):
        self.owner = owner
        self.socket = socket.create_connection((host, port), 5)
        if tls:
            self.socket = tunnel(tls.wrap_socket(self.socket, server_hostname=host))
        self.socket.settimeout(None)
        self.lock = threading.Lock()
        self.ours = False
        self.reading = False
        self.keepalive_s = 0

    def login(self, client_id, user, password, keepalive_s, clean, will):
        flags = (2 if clean else 0) | (0xC0 if user else 0) | (0x2C if will else 0)
        body = text("MQTT") + bytes([4, flags]) + struct.pack(">H", keepalive_s) + text(client_id)
        body += b"".join(text(part) for part in will) if will else b""
        body += text(user) + text(password) if user else b""
        self.keepalive_s = keepalive_s
        self.reading = True
        threading.Thread(target=self.read_all, daemon=True).start()
        self.send(CONNECT, body)

    def send(self, kind, body):
        with self.lock:
            try:
                self.socket.sendall(bytes([kind]) + length(len(body)) + body)
            except OSError:
                pass  # the reading thread says so

    def publish(self, number, topic, payload, qos, retain):
        kind = PUBLISH | qos << 1 | (1 if retain else 0)
        self.send(kind, text(topic) + (struct.pack(">H", number) if qos else b"") + payload)

    def subscribe(self, number, topic, qos):
        self.send(SUBSCRIBE, struct.pack(">H", number) + text(topic) + bytes([qos]))

    def end(self):
        """Says DISCONNECT and closes."""
        self.ours = True
        self.send(DISCONNECT, b"")
        self.cut()

    def cut(self):
        """Closes without a word."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if not self.reading:
            self.socket.close()

    def take(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def read_all(self):
        pinger = threading.Thread(target=self.ping_all, daemon=True)
        pinger.start()
        try:
            while True:
                kind = self.take(1)[0]
                count = shift = 0
                while True:
                    byte = self.take(1)[0]
                    count |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        break
                self.hear(kind, self.take(count))
        except OSError:
            pass
        ended_by_us, self.ours = self.ours, True
        self.socket.close()
        if not ended_by_us:
            self.owner.ended(self)

    def ping_all(self):
        while self.keepalive_s and not self.ours:
            time.sleep(min(self.keepalive_s / 3, 1))
            self.send(PINGREQ, b"")

    def hear(self, kind, body):
        if kind == CONNACK:
            self.owner.logged_in(self, body[1])
        elif kind == PUBACK:
            self.owner.acknowledged(self, struct.unpack(">H", body)[0])
        elif kind == SUBACK:
            self.owner.subscribed(self, struct.unpack(">H", body[:2])[0], body[2])
        elif kind & 0xF0 == PUBLISH:
            end = 2 + struct.unpack(">H", body[:2])[0]
            topic, rest, number = body[2:end].decode(), body[end:], 0
            if kind & 6:
                number, rest = struct.unpack(">H", rest[:2])[0], rest[2:]
                self.send(PUBACK, struct.pack(">H", number))
            self.owner.message(self, number, topic, rest)
