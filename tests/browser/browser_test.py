#!/usr/bin/env python3
"""The console in a real browser, before the real server, broker and two simulated meters.

Screenshots and logs stay in build/browser. Ends with the page test's exit code.
"""
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from stack import Stack, StackError  # noqa: E402

FOLDER = ROOT / "build" / "browser"
METERS = {"browser-water": 5, "browser-power": 34}


def install():
    """npm ci, when the lock file is newer than what is installed."""
    mark = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if not mark.exists() or mark.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)
        mark.touch()


def main():
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with Stack(FOLDER / "stack") as stack:
            stack.serve()
            for device, seed in METERS.items():
                stack.meter(device, "--render", seed)
            for device in METERS:
                stack.wait_online(device)
            command = ["node", "page_test.mjs", f"{stack.url}/", str(FOLDER / "screenshots")]
            return subprocess.run(command, cwd=HERE, timeout=300).returncode
    except (StackError, subprocess.SubprocessError) as error:
        print(f"browser test: {error}\nThe logs are in {FOLDER}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
