"""What programs cost while something is measured: CPU time, bytes that go to the disk, flushes.

From /proc and perf, so only of processes of one's own (or as root). A flush is a call of fsync,
fdatasync or syncfs; each is at least one write operation of a disk.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
FLUSHES = [f"syscalls:sys_enter_{call}" for call in ("fsync", "fdatasync", "syncfs")]


@dataclass
class Cost:
    """Sums over the processes of a role."""
    cpu_ms: float = 0       # without reading photos
    reading_ms: float = 0   # of the threads that read photos: they are nice
    written_bytes: int = 0  # pages that were made dirty, without those of files deleted again
    flushes: float = 0

    def less(self, other):
        return Cost(*(getattr(self, key) - getattr(other, key) for key in vars(self)))

    def each(self, count):
        return Cost(*(getattr(self, key) / count for key in vars(self)))


def stat_of(path):
    """The fields of a stat file from the state on: [1] parent, [11], [12] CPU times, [13], [14]
    those of children that have ended, [16] the nice value."""
    return path.read_text().rsplit(")", 1)[1].split()


def processes():
    """{process: its parent}"""
    out = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            out[int(folder.name)] = int(stat_of(folder / "stat")[1])
    return out


def tree(root):
    """A process with all its descendants."""
    parents, found = processes(), {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def reading_ticks(folder, own_nice):
    total = 0
    for task in (folder / "task").iterdir():
        with contextlib.suppress(OSError):
            fields = stat_of(task / "stat")
            if int(fields[16]) > own_nice:
                total += int(fields[11]) + int(fields[12])
    return total


def written(folder):
    lines = dict(line.split(": ") for line in (folder / "io").read_text().splitlines())
    return int(lines["write_bytes"]) - int(lines["cancelled_write_bytes"])


def cost_of(pids):
    """Up to now. A process that has ended counts its CPU with its parent; its bytes are lost."""
    cost = Cost()
    for pid in pids:
        folder = pathlib.Path(f"/proc/{pid}")
        with contextlib.suppress(OSError):
            fields = stat_of(folder / "stat")
            reading = reading_ticks(folder, int(fields[16])) if name_of(pid) == "meterlens" else 0
            cost.cpu_ms += (sum(map(int, fields[11:15])) - reading) * TICK_MS
            cost.reading_ms += reading * TICK_MS
            cost.written_bytes += written(folder)
    return cost


class Flushes:
    """`with Flushes(pids) as some:` counts; `some.count` afterwards. None: perf cannot."""

    def __init__(self, pids):
        self.pids, self.count, self.process = pids, None, None

    def __enter__(self):
        if shutil.which("perf") is not None:
            self.out = tempfile.NamedTemporaryFile("r", suffix=".perf")
            self.process = subprocess.Popen(
                ["perf", "stat", "-x", ";", "-o", self.out.name, "-e", ",".join(FLUSHES), "-p",
                 ",".join(map(str, self.pids))], stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        fields = [line.split(";") for line in self.out.read().splitlines() if ";" in line]
        counts = [int(one[0]) for one in fields if one[0].isdigit()]
        self.count = sum(counts) if len(counts) == len(FLUSHES) else None


class Meter:
    """`with Meter({role: function that gives its processes}) as meter:`, then meter.costs by role.
    A role's flushes are None where perf is not there or may not look."""

    def __init__(self, roles):
        self.roles, self.costs = roles, {}

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.flushes = {role: self.stack.enter_context(Flushes(pids()))
                        for role, pids in self.roles.items()}
        self.before = {role: cost_of(pids()) for role, pids in self.roles.items()}
        return self

    def __exit__(self, *_):
        for role, pids in self.roles.items():
            self.costs[role] = cost_of(pids()).less(self.before[role])
        self.stack.close()
        for role, flushes in self.flushes.items():
            self.costs[role].flushes = flushes.count
