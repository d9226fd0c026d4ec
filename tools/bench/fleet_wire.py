#!/usr/bin/env python3
"""What a photo costs on its way through a fleet, beside the single machine, in turns.

Usage: tools/bench/fleet_wire.py ratio [--turns N] [--seconds N] [--devices N] [--drawn] [--nodes N]
       tools/bench/fleet_wire.py scale [--turns N] [--seconds N] [--rate N] [--connections N]
Single: `meterlens serve` as it is without settings. Fleet: RabbitMQ, PostgreSQL that flushes, one
worker and one server. Both run all the time on this machine, and are loaded in turns by
`meterlens load`. Photos are noise of 25,000 bytes that shows no meter: each has a reading, but
looking at it costs next to nothing. With --drawn they show one, of 640x480. Devices connect before
anything is measured. `ratio`: as fast as they are taken. `scale`: the same load from 1,000, 10,000
and 100,000 devices that the fleet knows, in turns. --json FILE: the medians by role.
$METERLENS_BUILD: the programs (build/release).
"""
import argparse
import contextlib
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from costs import Cost, Meter, name_of, tree  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402
from rabbitmq import PrivateRabbitmq  # noqa: E402
from stack import ROOT, Stack, wait_until  # noqa: E402

BUILD = pathlib.Path(os.environ.get("METERLENS_BUILD", ROOT / "build" / "release"))
SIZES = (1_000, 10_000, 100_000)
UNREAD = "SELECT count(*) FROM photo WHERE state = 'stored' AND reading = 0"
# A device's queue is RabbitMQ's choice; where this one is wrong, its first message says so.
KNOWN = """INSERT INTO device (id, dialect, product, online, firmware, remark, state_json,
 first_seen_ms, last_seen_ms, queue) SELECT 'load' || lpad(n::text, 6, '0'), 'native', 'meterlens',
 1, 'bench', '', '{{}}', 1, (extract(epoch FROM now()) * 1000)::bigint, n % 32
 FROM generate_series(1, {}) n"""


class Single:
    name = "single"

    def __init__(self, folder, down):
        self.stack = down.enter_context(Stack(folder / "single", build=BUILD))
        self.server = self.stack.serve()
        self.mqtt_port = self.stack.mqtt_port
        self.roles = {"server": lambda: self.named("meterlens"),
                      "mosquitto": lambda: self.named("mosquitto")}

    def named(self, name):
        return {pid for pid in tree(self.server.pid) if name_of(pid) == name}

    def unread(self):
        file = f"file:{self.stack.folder}/var/meterlens.db?mode=ro"
        with contextlib.closing(sqlite3.connect(file, uri=True, timeout=30)) as database:
            return database.execute(UNREAD).fetchone()[0]


class Fleet:
    name = "fleet"

    def __init__(self, folder, down, devices=0, nodes=1):
        """`devices`: so many are known already, by the names that `load` gives them."""
        self.database = down.enter_context(PrivatePostgresql(fsync=True))
        self.broker = down.enter_context(PrivateRabbitmq())
        self.nodes = [self.broker]
        for _ in range(nodes - 1):
            self.nodes.append(down.enter_context(PrivateRabbitmq(peer=self.broker)))
        self.mqtt_port = self.broker.mqtt_port
        stack = down.enter_context(Stack(folder / "fleet", build=BUILD))
        config = stack.folder / "meterlens.toml"
        config.write_text(f"[http]\nport = {stack.http_port}\n[broker]\nembedded = false\n"
                          f"[store]\nurl = \"{self.database.url}\"\n"
                          f"[fleet]\nrabbitmq = \"{self.broker.url}\"\n")
        worker = stack.spawn("meterlens", "worker", "--config", config)
        wait_until(self.is_shared_out, 120, "the worker to have its queues")
        if devices > 0:
            worker.terminate()
            worker.wait(60)
            self.database.sql(KNOWN.format(devices))
            worker = stack.spawn("meterlens", "worker", "--config", config)
            wait_until(self.is_shared_out, 120, "the worker to have its queues again")
        for node in self.nodes:
            node.open_mqtt()
        server = stack.spawn("meterlens", "serve", "--no-worker", "--config", config)
        wait_until(lambda: self.is_healthy(stack), 120, "the server")
        self.roles = {"server": lambda: {server.pid}, "worker": lambda: {worker.pid},
                      "RabbitMQ": lambda: set().union(*(tree(node.process.pid)
                                                        for node in self.nodes)),
                      "PostgreSQL": lambda: tree(self.database.process.pid)}

    def is_shared_out(self):
        if self.database.sql("SELECT to_regclass('lease')") == [""]:
            return False
        return self.database.sql("SELECT count(*) FROM lease WHERE queue >= 0") == ["32"]

    @staticmethod
    def is_healthy(stack):
        with contextlib.suppress(OSError):
            return stack.get("/health").get("status") == "ok"

    def unread(self):
        return int(self.database.sql(UNREAD)[0])

    def rows_bytes(self):
        """Of tables and indexes a photo, when it is read, without the messages, which go again."""
        bytes_and_photos = self.database.sql(
            "SELECT (SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'i')"
            " AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'message%'),"
            " (SELECT count(*) FROM photo)")[0].split("|")
        return round(int(bytes_and_photos[0]) / int(bytes_and_photos[1]))


class Load:
    """Devices that are connected all the time, as they are in the field, and send when told."""

    def __init__(self, system, down, **options):
        self.system = system
        words = [word for key, value in options.items() if value is not None
                 for word in (f"--{key.replace('_', '-')}", str(value))]
        self.process = down.enter_context(subprocess.Popen(
            [BUILD / "meterlens", "load", "--json", "--on-word", "--broker",
             f"mqtt://127.0.0.1:{system.mqtt_port}", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        down.callback(self.process.stdin.close)
        if self.line() != "connected\n":
            raise SystemExit(f"fleet_wire: {system.name}: its devices cannot connect")

    def line(self):
        return self.process.stdout.readline()

    def send(self):
        """What `load` says of one turn."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        told = json.loads(self.line() or "null")
        if told is None or told["lost"]:
            raise SystemExit(f"fleet_wire: {self.system.name}: photos were lost: {told}")
        return told


def turn(load):
    """(what `load` says, seconds from the first photo to the last reading, cost a photo by role)"""
    begun = time.monotonic()
    with Meter(load.system.roles) as meter:
        told = load.send()
        wait_until(lambda: load.system.unread() == 0, 600, "every photo to be read", 0.2)
    took = time.monotonic() - begun
    count = told["photos_stored"]
    return told, took, {role: cost.each(count) if cost.flushes is not None else
                        Cost(*(value / count for value in list(vars(cost).values())[:3]), None)
                        for role, cost in meter.costs.items()}


def words_of(cost):
    flushes = "-" if cost.flushes is None else f"{cost.flushes:.2f}"
    return (f"{cost.cpu_ms:.2f} ms CPU + {cost.reading_ms:.2f} reading, "
            f"{cost.written_bytes / 1024:.0f} KiB, {flushes} flushes")


def cpu_ms(costs):
    return sum(cost.cpu_ms + cost.reading_ms for cost in costs.values())


def median_costs(many):
    """The median of each figure of each role over the turns, as a dictionary."""
    def middle(values):
        return None if None in values else round(statistics.median(values), 3)
    return {role: {key: middle([getattr(one[role], key) for one in many])
                   for key in vars(many[0][role])} for role in many[0]}


def drawn_photo(folder):
    """The smallest of 24, as a camera's compression makes them: 37 KB."""
    subprocess.run([BUILD / "meterlens-face", "--seed", "5", "--count", "24", "--out", folder,
                    "--width", "640", "--height", "480", "--hardness", "0"], check=True,
                   stdout=subprocess.DEVNULL)
    return min(folder.rglob("*.jpg"), key=lambda file: file.stat().st_size)


def bench_ratio(options, folder):
    with contextlib.ExitStack() as down:
        systems = [Single(folder, down), Fleet(folder, down, nodes=options.nodes)]
        wanted = {"devices": options.devices, "photos_per_s": 0, "seconds": options.seconds,
                  "photo": drawn_photo(folder / "photo") if options.drawn else None}
        loads = [Load(system, down, **wanted) for system in systems]
        for load in loads:
            turn(load)  # devices become known
        rates, costs = {"single": [], "fleet": []}, {"single": [], "fleet": []}
        for number in range(options.turns):
            for load in loads:
                system = load.system
                told, took, cost = turn(load)
                rate = told["photos_stored"] / took
                rates[system.name].append((told["photos_per_s"], rate))
                costs[system.name].append(cost)
                print(f"{system.name} {number + 1}: {told['photos_per_s']:.0f} photos/s stored, "
                      f"{rate:.0f} read; {cpu_ms(cost):.2f} ms of CPU a photo; "
                      f"half stored within {told['latency_ms']['p50']:.0f} ms", flush=True)
                for role, one in cost.items():
                    print(f"    {role}: {words_of(one)}", flush=True)
        rows_bytes = systems[1].rows_bytes()
    stored, read = ([fleet[at] / single[at] for single, fleet in
                     zip(rates["single"], rates["fleet"])] for at in (0, 1))
    cpu = [cpu_ms(single) / cpu_ms(fleet) for single, fleet in
           zip(costs["single"], costs["fleet"])]
    print(f"ratio fleet to single, median of {options.turns} turns: stored "
          f"{statistics.median(stored):.2f}, read {statistics.median(read):.2f}, "
          f"by CPU time {statistics.median(cpu):.2f}")
    return {"roles": median_costs(costs["fleet"]), "single": median_costs(costs["single"]),
            "nodes": options.nodes, "rows_bytes": rows_bytes,
            "wire_bytes": round(told["bytes"] / told["photos_stored"]),
            "photo_bytes": wanted["photo"].stat().st_size if wanted["photo"] else 25_000}


def bench_scale(options, folder):
    """The same load on fleets that know ever more devices, each in turn, cost by CPU time."""
    with contextlib.ExitStack() as down:
        loads, at = {}, {size: [] for size in SIZES}
        for size in SIZES:
            fleet = Fleet(folder / str(size), down, size)
            loads[size] = Load(fleet, down, devices=size, photos_per_s=options.rate,
                               connections=min(size, options.connections),
                               seconds=options.seconds)
            turn(loads[size])
        for number in range(options.turns):
            for size in SIZES:
                told, _, cost = turn(loads[size])
                at[size].append(cost)
                print(f"{size} devices, {told['connections']} connections, turn {number + 1}: "
                      f"{told['photos_per_s']:.0f} photos/s, {cpu_ms(cost):.2f} ms of CPU a photo: "
                      + ", ".join(f"{role} {one.cpu_ms:.2f}" for role, one in cost.items()),
                      flush=True)
        first = statistics.median(map(cpu_ms, at[SIZES[0]]))
        for size in SIZES:
            middle = statistics.median(map(cpu_ms, at[size]))
            print(f"{size} devices: {middle:.2f} ms of CPU a photo, {middle / first:.2f} of the "
                  f"first")
    return {str(size): median_costs(many) for size, many in at.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("ratio", "scale"))
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--drawn", action="store_true")
    parser.add_argument("--nodes", type=int, default=1, help="of RabbitMQ, all on this machine")
    parser.add_argument("--rate", type=float, default=50, help="of scale: photos a second")
    parser.add_argument("--connections", type=int, default=1_000,
                        help="of scale: that speak for all devices at most")
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meterlens-bench-") as name:
        bench = bench_ratio if options.part == "ratio" else bench_scale
        figures = bench(options, pathlib.Path(name))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
