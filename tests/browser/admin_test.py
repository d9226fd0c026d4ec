#!/usr/bin/env python3
"""Administration in a real browser: a real server that wants log-in, with a stand-in for the second
reader's provider and one for a webhook's address.

Screenshots and logs stay in build/browser_admin. Ends with the exit code of admin_test.mjs.
STORIES=a,b runs some of the stories alone.
"""
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading

from browser_test import BUILD, HERE, ROOT, install, run_stories, stop_server

sys.path.insert(0, str(ROOT / "tests" / "flow"))
from baidu_stand_in import KEY, SECRET, BaiduStandIn  # noqa: E402
from stack import Stack, StackError  # noqa: E402

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
url = "{house}"
[[notify.webhook]]
name = "nobody"
url = "http://127.0.0.1:9/"
timeout_s = 2
"""


class House:
    """Somebody's address that webhooks tell; it keeps what came."""

    def __init__(self):
        self.told = []
        house = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                length = int(self.headers.get("Content-Length", 0))
                house.told.append(json.loads(self.rfile.read(length)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


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


def run_parts(stack, password, baidu, house):
    def wrong_keys():
        baidu.token_line.append(BaiduStandIn.no_client("unknown client id"))

    def was_told():
        if not any(one.get("test") for one in house.told):
            raise StackError(f"the webhook heard {house.told}")

    asked = {"stop the server": lambda: stop_server(stack),
             "start the server": lambda: (stack.serve(), stack.processes.insert(
                 0, stack.processes.pop())),
             "make a backup": lambda: backup(stack), "refuse the keys": wrong_keys,
             "look whether the webhook was told": was_told}
    command = ["node", "admin_test.mjs", f"{stack.url}/", str(FOLDER / "screenshots")]
    return run_stories(command, asked, {**os.environ, "ADMIN_PASSWORD": password})


def main():
    install()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    keys = FOLDER / "keys"
    keys.write_text(f"{KEY}\n{SECRET}\n")
    keys.chmod(0o600)
    baidu, house = BaiduStandIn(), House()
    settings = SETTINGS.format(keys=keys, baidu=baidu.url, house=house.url)
    try:
        with Stack(FOLDER / "stack", build=BUILD, settings=settings) as stack:
            stack.serve()
            password = log_in(stack)
            ask_the_second_reader(stack)
            return run_parts(stack, password, baidu, house)
    except (StackError, subprocess.SubprocessError) as error:
        print(f"browser test: {error}\nThe logs are in {FOLDER}", file=sys.stderr)
        return 1
    finally:
        baidu.stop()
        house.stop()


if __name__ == "__main__":
    sys.exit(main())
