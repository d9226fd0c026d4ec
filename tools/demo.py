"""Three simulated meters, the real broker and the real server: what ./demo runs after the build."""
import argparse
import json
import shutil
import signal
import sys
import threading

from stack import ROOT, Stack, StackError

# Seeds of face/ that give three different meters; any seed works.
METERS = {"water-cellar": 18, "power-hall": 34, "gas-kitchen": 29}
FOLDER = ROOT / "build" / "demo"


def truth_of(device, sha256):
    """What the camera knows about the photo with this hash: it drew it."""
    for line in (FOLDER / f"{device}.truth").read_text().splitlines():
        truth = json.loads(line)
        if truth["sha256"] == sha256:
            return truth
    raise StackError(f"{device} did not draw the photo {sha256}")


def judge(device, reading, truth):
    """Prints one row; true when every wheel the program stands behind is right."""
    certain = reading["certain"]
    right = reading["status"] == "read" and certain > 0 and any(
        accepted[:certain] == reading["digits"][:certain] and
        len(accepted) == len(reading["digits"]) for accepted in truth["accepted"])
    print(f"{device:14} true {truth['digits']:>9}  read {reading['digits']:>9}  "
          f"{certain} of {len(reading['digits'])} wheels certain  {reading['status']:8}  "
          f"confidence {reading['confidence']:.3f}  {'right' if right else 'WRONG'}", flush=True)
    return right


def take(stack, device):
    """Orders one photo and follows it to its reading."""
    command = stack.wait_command(stack.capture(device))
    if command["state"] != "read":
        print(f"{device:14} {command['state']}: {command['reason']}", flush=True)
        return False
    reading = next(r for r in stack.get(f"/readings?meter={device}")["readings"]
                   if r["id"] == command["reading"])
    photo = next(p for p in stack.get(f"/photos?device={device}")["photos"]
                 if p["id"] == command["photo"])
    return judge(device, reading, truth_of(device, photo["sha256"]))


def run(once):
    shutil.rmtree(FOLDER, ignore_errors=True)
    with Stack(FOLDER, http_port=8080, mqtt_port=1883) as stack:
        stack.serve()
        for device, seed in METERS.items():
            stack.meter(device, "--render", seed, "--truth", FOLDER / f"{device}.truth")
        for device in METERS:
            stack.wait_online(device)
        print("Three simulated meters are online. Taking a photo of each:", flush=True)
        right = [take(stack, device) for device in METERS]
        print(f"{sum(right)} of {len(right)} meters were read right.", flush=True)
        if once:
            return 0 if all(right) else 1
        print("Press Ctrl-C to end. The console is at\n" + stack.url + "/", flush=True)
        threading.Event().wait()
    return 0


def main():
    parser = argparse.ArgumentParser(prog="./demo")
    parser.add_argument("--once", action="store_true", help="end after one photo of each meter")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C, leaving nothing
    try:
        return run(arguments.once)
    except StackError as error:
        print(f"demo: {error}\ndemo: the logs are in {FOLDER}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 0


if __name__ == "__main__":
    sys.exit(main())
