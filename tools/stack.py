"""Starts the real programs for the demo, the benchmarks and the flow tests, and talks to them.

Everything listens on loopback and ends with the `Stack`: processes are ended by their own id.
"""
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


class StackError(Exception):
    pass


def free_port(preferred=0):
    """`preferred` when nobody uses it, else any free port: of those that Linux does not give to
    connections, one of which may have it by the time it is listened at."""
    others = random.sample(range(10_000, 32_768), 20)
    for port in [preferred, *others] if preferred else others:
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise StackError("no free port on 127.0.0.1")


def wait_until(condition, timeout_s, what, poll_s=0.05):
    """The first true value of `condition()`; a StackError naming `what` after the timeout."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise StackError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(poll_s)


class Stack:
    """`meterlens serve` with its broker in `folder`, and any number of simulated meters."""

    def __init__(self, folder, build=ROOT / "build" / "release", http_port=0, mqtt_port=0,
                 settings=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.build = pathlib.Path(build)
        self.http_port = free_port(http_port)
        self.mqtt_port = free_port(mqtt_port)
        self.settings = settings
        self.scheme = "http"
        self.headers = {}  # of every request, to log in with
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.http_port}"

    def spawn(self, name, *arguments):
        """Starts build/<name>; its output goes to <folder>/<first free name>.log."""
        count = sum(1 for known, _ in self.processes if known == name)
        log = open(self.folder / f"{name}-{count}.log", "ab")
        with log:
            process = subprocess.Popen([str(self.build / name), *map(str, arguments)],
                                       cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=subprocess.STDOUT,
                                       env={**os.environ, "XDG_STATE_HOME": str(self.folder)})
        self.processes.append((name, process))
        return process

    def serve(self, timeout_s=30):
        config = self.folder / "meterlens.toml"
        config.write_text(
            f"[http]\nport = {self.http_port}\n[broker]\nport = {self.mqtt_port}\n{self.settings}")
        process = self.spawn("meterlens", "serve", "--config", config)

        def healthy():
            if process.poll() is not None:
                raise StackError(f"meterlens serve ended with {process.returncode}:\n" +
                                 self.log_tail("meterlens-0"))
            with contextlib.suppress(OSError, StackError):
                return self.get("/health").get("status") == "ok"

        wait_until(healthy, timeout_s, "meterlens serve")
        return process

    def meter(self, device, *camera_arguments, dialect="native", baud=115200, baud_max=0):
        """A camera and a DTU with a serial line between them; returns both processes."""
        limit = ["--baud-max", baud_max]
        line = self.folder / f"{device}.tty"
        dtu = self.spawn("meterlens-dtu", "--serial", f"pty:{line}", "--device", device, "--broker",
                         f"mqtt://127.0.0.1:{self.mqtt_port}", "--dialect", dialect, *limit)
        wait_until(line.exists, 10, f"the serial line of {device}")
        camera = self.spawn("meterlens-camera", "--serial", line, "--baud", baud, "--flash",
                            self.folder / f"{device}.flash", *limit, *camera_arguments)
        return dtu, camera

    def log_tail(self, name, lines=20):
        text = (self.folder / f"{name}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def request(self, method, path, body=None, timeout_s=10):
        """(status, parsed JSON or bytes); an HTTP error is a status, not an exception."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, method=method,
                                         headers={"Content-Type": "application/json",
                                                  **self.headers})
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                status, content, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            status, content, kind = error.code, error.read(), error.headers["Content-Type"]
        return status, json.loads(content) if kind and "json" in kind else content

    def get(self, path):
        status, content = self.request("GET", path)
        if status != 200:
            raise StackError(f"GET {path}: {status} {content}")
        return content

    def wait_online(self, device, timeout_s=20):
        def online():
            status, content = self.request("GET", f"/devices/{device}")
            return status == 200 and content["online"]
        wait_until(online, timeout_s, f"{device} to come online")

    def capture(self, device):
        status, command = self.request("POST", f"/devices/{device}/commands", {"capture": 1})
        if status != 202:
            raise StackError(f"capture of {device}: {status} {command}")
        return command

    def wait_command(self, command, timeout_s=60, states=("read", "failed", "expired")):
        def final():
            now = self.get(f"/commands/{command['id']}")
            return now if now["state"] in states else None
        return wait_until(final, timeout_s, f"command {command['id']}")

    def stop(self):
        for _, process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                print(f"{name} did not stop in 10 s: killed")
                process.kill()
                process.wait()
        self.processes.clear()
