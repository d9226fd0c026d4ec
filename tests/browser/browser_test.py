#!/usr/bin/env python3
"""The console in a real browser, before the real server, broker and simulated meters.

Screenshots and logs stay in build/browser. Ends with the page test's exit code. STORIES=a,b runs
some of the stories alone.
"""
import dataclasses
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from stack import Stack, StackError  # noqa: E402

FOLDER = ROOT / "build" / "browser"


@dataclasses.dataclass
class Fleet:
    """The simulated devices; each meter's number makes its face."""
    meters: dict[str, int]
    doubted: list[str]  # meters whose readings wait for review
    past: str  # a meter with values by hand
    spare: str  # gets an update
    smart: str  # a SmartDTU


FLEET = Fleet({"browser-water": 5, "browser-power": 34, "browser-gas": 29, "browser-heat": 18},
              doubted=["browser-gas", "browser-heat"], past="browser-water",
              spare="browser-spare", smart="browser-smart")
DAY_MS = 86_400_000
LIMIT_S = 560
BUILD = pathlib.Path(os.environ.get("METERLENS_BUILD", ROOT / "build" / "release"))
# More room than any disk has, so that there are alarms.
SETTINGS = "[alarms]\ndisk_free_mb = 900000000\nperiod_s = 1\n"
KEY = FOLDER / "release.key"


def install():
    """npm ci, when the lock file is newer than what is installed."""
    mark = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
        mark.touch()


def send(stack, method, path, body, wanted):
    status, answer = stack.request(method, path, body)
    if status != wanted:
        raise StackError(f"{method} {path}: {status} {answer}")
    return answer


def take_photos(stack, fleet):
    for count in (1, 2, 3, 4):
        devices = fleet.meters if count < 3 else fleet.doubted
        commands = [stack.capture(device) for device in devices]
        for command in commands:
            if stack.wait_command(command)["state"] != "read":
                raise StackError(f"no photo of {command['device']}")


def shifted(reading, counts):
    """The reading's digits so many counts of the last wheel later; as many wheels."""
    digits = str(int(reading["digits"]) + counts).zfill(len(reading["digits"]))
    return digits[-len(reading["digits"]):]


def give_a_past(stack, meter, days):
    """Values by hand, one a day up to now, that lead to what the camera sees; below what counts of
    it when its last wheel turns."""
    reading = stack.get(f"/readings?meter={meter}")["readings"][0]
    for day in range(days, 0, -1):
        body = {"at_ms": reading["at_ms"] - day * DAY_MS, "reason": "from the old book",
                "digits": shifted(reading, -12 - 3 * day - day % 4)}
        send(stack, "POST", f"/meters/{meter}/readings", body, 201)


def make_doubtful(stack, meter):
    """A person's later word contradicts what the camera has seen: its readings wait for review."""
    reading = stack.get(f"/readings?meter={meter}")["readings"][-1]
    body = {"at_ms": reading["at_ms"] - 60_000, "digits": shifted(reading, 5_000)}
    send(stack, "POST", f"/meters/{meter}/readings", body, 201)
    waiting = stack.get(f"/readings?meter={meter}&verdict=doubtful")["readings"]
    if len(waiting) < 3:
        raise StackError(f"{meter}: only {len(waiting)} readings are doubtful")


def tool(*arguments):
    subprocess.run([BUILD / "meterlens", "image", *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


def add_image(stack, folder):
    firmware = folder / "firmware.bin"
    firmware.write_bytes(b"meterlens-linux 7\n" + bytes(range(256)) * 12)
    tool("sign", "--key", folder / "release.key", "--part", "camera", "--board", "linux",
         "--version", 7, "--in", firmware, "--out", folder / "firmware.mli")
    request = urllib.request.Request(f"{stack.url}/api/v1/images", method="POST",
                                     data=(folder / "firmware.mli").read_bytes())
    urllib.request.urlopen(request, timeout=10).close()


def start_meters(stack, fleet, folder):
    for device, seed in fleet.meters.items():
        stack.meter(device, "--render", seed, baud_max=921600)
    stack.meter(fleet.spare, "--render", 7, "--images", folder / "slots", "--image-key",
                folder / "release.key.pub", "--image-version", 5)
    stack.spawn("meterlens-dtu", "--serial", f"pty:{folder}/smart.tty", "--device", fleet.smart,
                "--dialect", "smartdtu", "--product", "P1",
                "--broker", f"mqtt://127.0.0.1:{stack.mqtt_port}")
    for device in (*fleet.meters, fleet.spare, fleet.smart):
        stack.wait_online(device)


def prepare(stack, fleet, folder):
    """Devices with photos, a past, doubtful readings, an image and a schedule; the key for the
    image is in `folder`."""
    start_meters(stack, fleet, folder)
    add_image(stack, folder)
    take_photos(stack, fleet)
    give_a_past(stack, fleet.past, 20)
    for meter in fleet.doubted:
        make_doubtful(stack, meter)
    send(stack, "POST", "/schedules", {"name": "nights", "cron": "0 2 * * *",
                                       "zone": "Europe/Berlin", "spread_s": 3600}, 201)


def stop_server(stack):
    name, process = stack.processes.pop(0)
    process.terminate()
    process.wait(20)


def stop_spare(stack):
    """The two programs of the spare device, by what they were told."""
    for name, process in list(stack.processes):
        if any(FLEET.spare in word for word in process.args):
            process.terminate()
            process.wait(20)
            stack.processes.remove((name, process))


def run_stories(command, asked, environment=None):
    """Runs the stories and does what they ask for between the lines; their exit code."""
    deadline = time.monotonic() + LIMIT_S
    with subprocess.Popen(command, cwd=HERE, text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=1, env=environment) as stories:
        for line in stories.stdout:
            if time.monotonic() > deadline:
                stories.kill()
                raise StackError(f"the stories took longer than {LIMIT_S} s")
            if not line.startswith("ask: "):
                print(line, end="", flush=True)
                continue
            try:
                asked[line.removeprefix("ask: ").strip()]()
            except BaseException:
                stories.kill()
                raise
            stories.stdin.write("done\n")
            stories.stdin.flush()
        return stories.wait(20)


def run_pages(stack):
    command = ["node", "page_test.mjs", f"{stack.url}/", str(FOLDER / "screenshots"),
               str(ROOT / "console" / "dist")]
    return run_stories(command, {
        "stop the spare device": lambda: stop_spare(stack),
        "stop the server": lambda: stop_server(stack),
        "start the server": lambda: (stack.serve(), stack.processes.insert(
            0, stack.processes.pop()))})


def main():
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    began = time.monotonic()
    try:
        FOLDER.mkdir(parents=True)
        tool("key", "--out", KEY)
        settings = f'{SETTINGS}[update]\npublic_keys_file = "{KEY}.pub"\n'
        with Stack(FOLDER / "stack", build=BUILD, settings=settings) as stack:
            stack.serve()
            prepare(stack, FLEET, FOLDER)
            print(f"prepared in {time.monotonic() - began:.0f} s", flush=True)
            code = run_pages(stack)
            seconds = time.monotonic() - began
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            print(f"browser test: {seconds:.0f} s; node and browser worked {used.ru_utime:.0f} s",
                  flush=True)
            return code
    except (StackError, subprocess.SubprocessError) as error:
        print(f"browser test: {error}\nThe logs are in {FOLDER}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
