#!/usr/bin/env python3
"""Administration in a real browser: a real server that wants log-in, with a stand-in for the second
reader's provider and one for each whom the server tells.

Screenshots and logs stay in build/browser_admin. Ends with the exit code of admin_test.mjs.
STORIES=a,b runs some of the stories alone.
"""
import json
import os
import re
import shutil
import subprocess
import sys

from browser_test import BUILD, HERE, ROOT, install, run_stories, stop_server

sys.path.insert(0, str(ROOT / "tests" / "flow"))
from baidu_stand_in import KEY, SECRET, BaiduStandIn  # noqa: E402
from stack import Stack, StackError  # noqa: E402
from stand_ins import HttpStandIn, SmtpStandIn  # noqa: E402

FOLDER = ROOT / "build" / "browser_admin"
SETTINGS = """[doors]
required = true
[retention]
photo_days = 3650
[second]
keys_file = "{keys}"
base_url = "{baidu}"
price = "0.005"
[[notify.webhook]]
name = "house"
url = "http://127.0.0.1:{house}/hook"
readings = false
alarms = false
[[notify.webhook]]
name = "nobody"
url = "http://127.0.0.1:9/"
timeout_s = 2
[notify.home_assistant]
enabled = true
[notify.influxdb]
enabled = true
url = "http://127.0.0.1:{flux}"
org = "home"
[notify.email]
enabled = true
port = {post}
tls = "none"
from = "meterlens@h.example"
to = ["ann@h.example"]
"""


def log_in(stack):
    """The first administrator's password; from then on the stack's requests are theirs."""
    log = (FOLDER / "stack" / "meterlens-0.log").read_text()
    password = re.search(r"with the password (\S+)", log).group(1)
    command = ["curl", "-sSi", "-d", json.dumps({"name": "admin", "password": password}),
               f"{stack.url}/api/v1/session"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    cookie = re.search(r"(?i)set-cookie: (meterlens_session=[^;]+)", answer).group(1)
    stack.headers = {"Cookie": cookie, "X-Meterlens": "1"}
    return password


def ask_the_second_reader(stack):
    """One photo that the provider is asked about, so that there is a cost."""
    stack.meter("m1", "--render", 5, baud_max=921600)
    stack.wait_online("m1")
    status, answer = stack.request("PUT", "/meters/m1/second", {"policy": "baidu"})
    if status != 200:
        raise StackError(f"policy of m1: {status} {answer}")
    stack.wait_command(stack.capture("m1"))


def backup(stack):
    command = [str(BUILD / "meterlens"), "backup", "saved", "--config", "meterlens.toml"]
    subprocess.run(command, cwd=stack.folder, check=True, capture_output=True, timeout=60)


class Told:
    """Those whom the server tells, and what their next answers are."""

    def __init__(self):
        self.house, self.flux, self.post = HttpStandIn(), HttpStandIn(), SmtpStandIn()

    def ports(self):
        return {"house": self.house.port, "flux": self.flux.port, "post": self.post.port}

    def check(self):
        if not json.loads(self.house.requests[-1][2])["test"]:
            raise StackError(f"the webhook heard {self.house.requests}")
        if b"meterlens-test" not in self.flux.requests[-1][2]:
            raise StackError(f"the InfluxDB heard {self.flux.requests}")
        if "this is a test" not in self.post.mails[-1][2]:
            raise StackError(f"the mail server heard {self.post.mails}")

    def refuse(self):
        self.house.answers.append(401)
        self.flux.answers.append(404)
        self.post.refusals.append("550 <b>no</b>")

    def stop(self):
        for one in (self.house, self.flux, self.post):
            one.stop()


def run_parts(stack, password, baidu, told):
    def wrong_keys():
        baidu.token_line.append(BaiduStandIn.no_client("unknown client id"))

    asked = {"stop the server": lambda: stop_server(stack),
             "start the server": lambda: (stack.serve(), stack.processes.insert(
                 0, stack.processes.pop())),
             "make a backup": lambda: backup(stack), "refuse the keys": wrong_keys,
             "look what was told": told.check, "have all refuse": told.refuse}
    command = ["node", "admin_test.mjs", f"{stack.url}/", str(FOLDER / "screenshots")]
    return run_stories(command, asked, {**os.environ, "ADMIN_PASSWORD": password})


def main():
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    keys = FOLDER / "keys"
    keys.write_text(f"{KEY}\n{SECRET}\n")
    keys.chmod(0o600)
    baidu, told = BaiduStandIn(), Told()
    settings = SETTINGS.format(keys=keys, baidu=baidu.url, **told.ports())
    try:
        with Stack(FOLDER / "stack", build=BUILD, settings=settings) as stack:
            stack.serve()
            password = log_in(stack)
            ask_the_second_reader(stack)
            return run_parts(stack, password, baidu, told)
    except (StackError, subprocess.SubprocessError) as error:
        print(f"browser test: {error}\nThe logs are in {FOLDER}", file=sys.stderr)
        return 1
    finally:
        baidu.stop()
        told.stop()


if __name__ == "__main__":
    sys.exit(main())
