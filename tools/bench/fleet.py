#!/usr/bin/env python3
"""Latencies and costs of the API over a store of many meters, while photos are being ingested.

Usage: tools/bench/fleet.py FOLDER [--meters N] [--readings N] [--postgresql] [--fill]
                            [--seconds N] [--per-second N] [--photos N] [--askers N]
The store is made in FOLDER at the first call and used again (--fill: only that). Then pages are
asked for at 50 requests a second in all, of each kind in turn, while 200 photos arrive in each
second, and percentiles, CPU time and memory are printed. A time counts from when a request was due.
"""
import argparse
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from fleet_store import PostgresqlStore, SqliteStore, fill  # noqa: E402
from stack import ROOT, Stack  # noqa: E402

BUILD = pathlib.Path(os.environ.get("METERLENS_BUILD", ROOT / "build" / "release"))
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def make_photo(folder):
    subprocess.run([BUILD / "meterlens-face", "--seed", "5", "--count", "1", "--out", folder,
                    "--width", "400", "--height", "300", "--hardness", "0"], check=True,
                   stdout=subprocess.DEVNULL)
    return next(pathlib.Path(folder).rglob("*.jpg"))


def stat_of(path):
    """The fields of a stat file from the state on: [11] and [12] are the CPU times."""
    return path.read_text().rsplit(")", 1)[1].split()


def cpu_ms(process):
    """(of everything but reading photos, of reading them): the reading threads are the nice ones.
    A thread that has ended counts with its process."""
    reading = 0
    folder = pathlib.Path(f"/proc/{process.pid}")
    own = int(stat_of(folder / "stat")[16])
    for task in (folder / "task").iterdir():
        with contextlib.suppress(OSError):
            fields = stat_of(task / "stat")
            if int(fields[16]) > own:
                reading += int(fields[11]) + int(fields[12])
    fields = stat_of(folder / "stat")
    return (int(fields[11]) + int(fields[12]) - reading) * TICK_MS, reading * TICK_MS


def database_cpu_ms(postmaster):
    """Of a PostgreSQL server, with what has ended."""
    total = 0
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = stat_of(folder / "stat")
            if int(folder.name) == postmaster.pid:
                total += sum(map(int, fields[11:15]))
            elif int(fields[1]) == postmaster.pid:
                total += int(fields[11]) + int(fields[12])
    return total * TICK_MS


def memory_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return [int(status.split(key)[1].split()[0]) / 1024 for key in ("VmRSS:", "VmHWM:")]


class Ingest(threading.Thread):
    """So many photos in each second, each of another device of the fleet."""

    def __init__(self, stack, photo, options):
        super().__init__()
        self.count = int(options.photos * options.seconds)
        self.command = [BUILD / "meterlens-bench-ingest", "--port", stack.mqtt_port, "--photo",
                        photo, "--photos", self.count, "--rate", options.photos,
                        "--devices", min(self.count, options.meters), "--limit-s",
                        int(3 * options.seconds) + 10]
        self.answer = ""

    def run(self):
        done = subprocess.run(list(map(str, self.command)), capture_output=True, text=True)
        self.answer = done.stdout.strip() or done.stderr.strip()


class Client:
    def __init__(self, stack):
        self.connection = http.client.HTTPConnection("127.0.0.1", stack.http_port, timeout=60)

    def get(self, path):
        self.connection.request("GET", "/api/v1" + path)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"fleet: {path}: {answer.status} {text[:200]}")
        return text


def pages(meters):
    day = int(time.time() * 1000) // 86_400_000 * 86_400_000
    name = "bench{:05}".format
    return {"device list": lambda n: f"/devices?cursor={name(n * 7919 % meters)}",
            "reading history": lambda n: f"/readings?meter={name(n * 7919 % meters)}",
            "review queue": lambda n: "/readings?verdict=doubtful",
            "review queue, deep": lambda n:
                f"/readings?verdict=doubtful&cursor={day - n % 20 * 86_400_000}.1",
            "newest readings": lambda n: "/readings",
            "meter list": lambda n: f"/meters?cursor={name(n * 104729 % meters)}",
            "photos of a device": lambda n: f"/photos?device={name(n * 7919 % meters)}",
            "photos of a meter": lambda n: f"/photos?meter={name(n * 7919 % meters)}",
            "one device": lambda n: f"/devices/{name(n * 7919 % meters)}",
            "one group's devices": lambda n: f"/devices?group=city/{n % 100}",
            "home page": lambda n: f"/summary?since={day}&days=14"}


def ask(stack, kinds, options):
    """Sorted latencies in ms by kind, of requests that are each due at their own time: each goes to
    the first of the connections that is free. A single one has each wait for those before it."""
    names = list(kinds)
    times = {name: [] for name in names}
    numbers = iter(range(int(options.seconds * options.per_second)))
    begun, lock = time.monotonic(), threading.Lock()

    def go():
        client = Client(stack)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = begun + number / options.per_second
            time.sleep(max(0, due - time.monotonic()))
            name = names[number % len(names)]
            client.get(kinds[name](number))
            times[name].append((time.monotonic() - due) * 1000)

    with concurrent.futures.ThreadPoolExecutor(options.askers) as askers:
        for done in [askers.submit(go) for _ in range(options.askers)]:
            done.result()
    return {name: sorted(some) for name, some in times.items()}


def print_costs(stack, server, kinds, cpu):
    """CPU time of each kind of page, nothing else going on."""
    client = Client(stack)
    for name, path in kinds.items():
        client.get(path(1))
        before, begun, count = cpu(), time.monotonic(), 0
        while count < 20 or (time.monotonic() - begun < 1 and count < 500):
            count += 1
            client.get(path(count))
        ms = [(a - b) / count for a, b in zip(cpu(), before)]
        print(f"cost of {name}: {ms[0]:.2f} ms of CPU" +
              (f" + {ms[2]:.2f} ms of the database's" if len(ms) > 2 else "") +
              f" ({1000 * (time.monotonic() - begun) / count:.2f} ms in all)", flush=True)


def measure(stack, server, options, cpu):
    kinds = pages(options.meters)
    if options.costs:
        print_costs(stack, server, kinds, cpu)
    photo = make_photo(stack.folder / "photo")
    ingest = Ingest(stack, photo, options)
    before = cpu()
    if options.photos > 0:
        ingest.start()
    times = ask(stack, kinds, options)
    if options.photos > 0:
        ingest.join()
        print(f"ingest: {ingest.answer}")
        ms = [(a - b) / ingest.count for a, b in zip(cpu(), before)]
        print("cost of a photo with its share of the requests: " +
              ", ".join(f"{value:.2f} ms of {what}" for value, what in
                        zip(ms, ("taking in and asking", "reading", "the database"))))
    for name, some in {**times, "all": sorted(sum(times.values(), []))}.items():
        print(f"{name}: median {some[len(some) // 2]:.1f} ms, 99 % under "
              f"{some[int(len(some) * 0.99)]:.1f} ms, longest {some[-1]:.1f} ms "
              f"({len(some)} requests)")
    now, peak = memory_mib(server)
    print(f"memory of serve: {now:.0f} MiB, at most {peak:.0f} MiB", flush=True)


def open_store(options, is_filling):
    if options.postgresql:
        return PostgresqlStore(options.folder, is_filling)
    return SqliteStore(options.folder)


def make(options):
    settings = ""
    with contextlib.ExitStack() as things:
        if options.postgresql:
            store = things.enter_context(contextlib.closing(open_store(options, True)))
            settings = store.settings
        with Stack(options.folder, build=BUILD, settings=settings) as stack:
            stack.serve(600)  # makes the tables
        if not options.postgresql:
            store = things.enter_context(contextlib.closing(open_store(options, True)))
        if store.count() == 0:
            fill(store, options.meters, options.readings // options.meters)


def run(options):
    with contextlib.ExitStack() as things:
        postmaster, settings = None, ""
        if options.postgresql:
            store = things.enter_context(contextlib.closing(open_store(options, False)))
            postmaster, settings = store.server.process, store.settings
        stack = things.enter_context(Stack(options.folder, build=BUILD, settings=settings))
        begun = time.monotonic()
        server = stack.serve(900)
        print(f"start: ready after {time.monotonic() - begun:.1f} s, {memory_mib(server)[0]:.0f} "
              "MiB", flush=True)

        def cpu():
            more = [database_cpu_ms(postmaster)] if postmaster else []
            return [*cpu_ms(server), *more]

        measure(stack, server, options, cpu)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--meters", type=int, default=100_000)
    parser.add_argument("--readings", type=int, default=20_000_000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=float, default=50)
    parser.add_argument("--photos", type=float, default=200, help="in each second")
    parser.add_argument("--askers", type=int, default=8, help="connections that ask")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--costs", action="store_true", help="also of each page alone")
    parser.add_argument("--fill", action="store_true", help="only make the store")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    is_made = (options.folder / "made").exists()
    if not is_made:
        make(options)
        (options.folder / "made").touch()
    if not options.fill:
        run(options)


if __name__ == "__main__":
    main()
