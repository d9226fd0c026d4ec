#!/usr/bin/env python3
"""The log-in in a real browser, before a real server that wants one.

Screenshots and logs stay in build/browser_login. Ends with the exit code of login_test.mjs.
"""
import re
import shutil
import subprocess
import sys

from browser_test import BUILD, HERE, ROOT, install
from stack import Stack, StackError

FOLDER = ROOT / "build" / "browser_login"


def main():
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        with Stack(FOLDER / "stack", build=BUILD, settings="[doors]\nrequired = true\n") as stack:
            stack.serve()
            stack.meter("m1", "--render", 5)
            log = (FOLDER / "stack" / "meterlens-0.log").read_text()
            password = re.search(r"with the password (\S+)", log).group(1)
            command = ["node", "login_test.mjs", f"{stack.url}/", FOLDER / "screenshots"]
            return subprocess.run(command, cwd=HERE, timeout=240, input=password,
                                  text=True).returncode
    except (StackError, subprocess.SubprocessError) as error:
        print(f"browser test: {error}\nThe logs are in {FOLDER}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
