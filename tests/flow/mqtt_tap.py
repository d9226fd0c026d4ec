"""Stands between devices and the nodes of a broker, as a load balancer does, and keeps books of
what devices say and are told: a judge that none of our code has written.
"""
import asyncio
import collections
import contextlib
import struct
import threading
import time

OFFER, STORED = 0x10, 0x22  # kinds of native frames, SPEC.md section 3


class Packets:
    """MQTT 3.1.1 in one direction, in pieces as they come: `publishes(data)` gives whole ones."""

    def __init__(self):
        self.rest = b""

    def publishes(self, data):
        self.rest += data
        at = 0
        while True:
            end, body = self.frame(at)
            if end is None:
                self.rest = self.rest[at:]
                return
            first = self.rest[at]
            if first >> 4 == 3:
                topic_bytes = struct.unpack_from(">H", self.rest, body)[0]
                payload = body + 2 + topic_bytes + (2 if first & 6 else 0)
                yield self.rest[body + 2:body + 2 + topic_bytes].decode(), self.rest[payload:end]
            at = end

    def frame(self, at):
        """(end, where its body begins) of the packet at `at`; (None, None): not all here yet."""
        bytes_left = 0
        for place in range(1, 5):
            if at + place >= len(self.rest):
                return None, None
            digit = self.rest[at + place]
            bytes_left |= (digit & 0x7f) << (7 * (place - 1))
            if digit < 0x80:
                end = at + place + 1 + bytes_left
                return (end, at + place + 1) if end <= len(self.rest) else (None, None)
        raise ValueError("no MQTT")


class Books:
    """By device, in order: what it has offered, and when it was told that a photo is stored."""

    def __init__(self):
        self.offers = collections.defaultdict(list)  # (photo id, SHA-256), the first of each
        self.told = collections.defaultdict(dict)    # (photo id, SHA-256): time of the first
        self.broken = collections.Counter()          # connections that ended, by what was said last

    def note(self, topic, payload):
        parts = topic.split("/")
        if parts[0] != "meterlens" or len(payload) < 8:
            return
        device, kind = "/".join(parts[1:-1]), payload[1]
        if parts[-1] == "up" and kind == OFFER:
            one = (struct.unpack_from("<I", payload, 4)[0], payload[24:56].hex())
            if one not in self.offers[device]:
                self.offers[device].append(one)
        if parts[-1] == "down" and kind == STORED:
            one = (struct.unpack_from("<I", payload, 4)[0], payload[8:40].hex())
            self.told[device].setdefault(one, time.monotonic())


class Tap:
    """Listens on `port`; each connection goes to the next of the nodes' ports that takes it."""

    def __init__(self, ports):
        self.ports, self.books, self.port = list(ports), Books(), 0
        self.turn = 0
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        if not self.listening.wait(10):
            raise RuntimeError("the tap does not listen")

    def run(self):
        asyncio.set_event_loop(self.loop)

        async def start():
            self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
            self.port = self.server.sockets[0].getsockname()[1]
            self.listening.set()
        self.loop.run_until_complete(start())
        self.loop.run_forever()

    async def node(self):
        for _ in self.ports:
            self.turn += 1
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1",
                                                     self.ports[self.turn % len(self.ports)])
        return None, None

    async def connection(self, from_device, to_device):
        from_node, to_node = await self.node()
        if to_node is None:
            to_device.close()
            return
        devices = set()
        await asyncio.wait([asyncio.create_task(self.pump(from_device, to_node, devices)),
                            asyncio.create_task(self.pump(from_node, to_device, devices))],
                           return_when=asyncio.FIRST_COMPLETED)
        for device in devices:
            self.books.broken[device] += 1
        for one in (to_device, to_node):
            one.close()

    async def pump(self, reader, writer, devices):
        packets = Packets()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                # Noted before it goes on: who is killed now has said it already.
                for topic, payload in packets.publishes(data):
                    devices.add(topic.split("/")[1])
                    self.books.note(topic, payload)
                writer.write(data)
                await writer.drain()

    def close(self):
        def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_soon(self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(10)
