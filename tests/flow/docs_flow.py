"""The guide's curl lines against a real server, what dashboards and alerts ask for, and what a
service manager is told."""
import os
import re
import signal
import socket
import subprocess
import sys
import unittest
import urllib.request

from flow import BUILD, ROOT, FlowTest
from rabbitmq import PrivateRabbitmq


def curl_lines(path):
    """The commands of the ```bash blocks; a line may go on after a backslash."""
    blocks = re.findall(r"^```bash\n(.*?)^```", path.read_text(), re.M | re.S)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


class Docs(FlowTest):
    def run_guide(self, language):
        lines = curl_lines(ROOT / "docs" / language / "api.md")
        self.assertGreater(len(lines), 15)
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        self.take_photo("m1")
        home = self.folder / "home"
        home.mkdir()
        (home / ".curlrc").write_text("fail-with-body\nsilent\nshow-error\nmax-time = 20\n")
        for line in lines:
            here = line.replace("http://127.0.0.1:8080", self.stack.url)
            self.assertNotEqual(here, line)
            done = subprocess.run(["bash", "-c", here], cwd=self.folder, text=True, timeout=30,
                                  capture_output=True, env={**os.environ, "CURL_HOME": str(home)})
            self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}\n{done.stderr}")

    def test_english_api_guide(self):
        self.run_guide("en")

    def test_chinese_api_guide(self):
        self.run_guide("zh")

    def test_dashboard_and_alerts_ask_for_figures_that_exist(self):
        self.stack.serve()
        known = set(re.findall(r"^(meterlens_\w+)", self.stack.get("/metrics").decode(), re.M))
        for path in ("deploy/grafana/meterlens.json", "deploy/prometheus/meterlens_rules.yml"):
            asked = set(re.findall(r"\bmeterlens_\w+", (ROOT / path).read_text()))
            asked -= {"meterlens_rules"}
            self.assertGreater(len(asked), 5, path)
            self.assertEqual(asked - known, set(), path)


class FleetDocs(FlowTest):
    def test_a_fleets_dashboard_and_alerts_ask_for_figures_that_exist(self):
        self.stack.serve()
        known = set(re.findall(r"^(meterlens_\w+)", self.stack.get("/metrics").decode(), re.M))
        with PrivateRabbitmq() as broker:
            settings = (broker.folder / "rabbitmq.conf").read_text()
            port = re.search(r"prometheus\.tcp\.port = (\d+)", settings).group(1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                known |= set(re.findall(r"^(rabbitmq_\w+)", answer.read().decode(), re.M))
        for path in ("fleet_dashboard.json", "fleet_rules.yml"):
            asked = set(re.findall(r"\b(?:meterlens|rabbitmq)_\w+",
                                   (ROOT / "deploy" / "fleet" / path).read_text()))
            self.assertGreater(len(asked), 8, path)
            self.assertEqual(asked - known - {"meterlens_rules"}, set(), path)

    def test_the_runbook_takes_steps_that_there_are(self):
        """`deploy/fleet/up --try docs/en/fleet.md` takes them, which costs minutes."""
        sys.path.insert(0, str(ROOT / "deploy" / "fleet"))
        from steps import STEPS
        english, chinese = (self.blocks(language) for language in ("en", "zh"))
        self.assertEqual(english, chinese)
        lines = [line for fence, line in english if fence == "fleet"]
        taken = [step for line in lines for step in STEPS if f"{line} ".startswith(f"{step} ")]
        self.assertGreaterEqual(len(taken), len(lines))
        self.assertEqual(set(taken), set(STEPS))

    @staticmethod
    def blocks(language):
        """(fence, line) of all that stands in fences, without remarks."""
        out, fence = [], None
        for line in (ROOT / "docs" / language / "fleet.md").read_text().splitlines():
            if line.startswith("```"):
                fence = line[3:] if fence is None else None
            elif fence is not None:
                out.append((fence, line.split("#")[0].strip().replace(f"docs/{language}", "docs")))
        return out

    def test_the_capacity_pages_have_what_the_figures_give(self):
        done = subprocess.run([ROOT / "deploy" / "fleet" / "capacity", "--check"],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)


class Package(unittest.TestCase):
    """What the package brings beside the program knows the program as it is."""

    @staticmethod
    def subcommands():
        text = subprocess.run([BUILD / "meterlens", "--help"], capture_output=True, text=True,
                              check=True, timeout=30).stdout
        return re.findall(r"^  ([a-z]+)  ", text.split("Subcommands:")[1], re.M)

    def test_each_subcommand_has_examples_and_stands_in_the_manual(self):
        manual = (ROOT / "deploy" / "man" / "meterlens.1").read_text()
        self.assertGreater(len(self.subcommands()), 10)
        for name in self.subcommands():
            done = subprocess.run([BUILD / "meterlens", name, "--help"], capture_output=True,
                                  text=True, check=True, timeout=30)
            self.assertRegex(done.stdout, "Examples?[:,]", name)
            self.assertRegex(manual, rf"(?m)^\.BI? {name}\b")

    def complete(self, *line):
        """What bash offers for the last word of the line."""
        file = ROOT / "deploy" / "completion" / "meterlens.bash"
        script = (f"source {file}; COMP_WORDS=({' '.join(line)} ''); COMP_CWORD={len(line)}; "
                  '_meterlens; printf "%s\\n" "${COMPREPLY[@]}"')
        path = f"{BUILD}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                              timeout=30, env={**os.environ, "PATH": path}).stdout.split()

    def test_the_shell_completes_what_there_is(self):
        self.assertLessEqual(set(self.subcommands()), set(self.complete("meterlens")))
        self.assertIn("add", self.complete("meterlens", "user"))
        self.assertIn("--quick", self.complete("meterlens", "doctor"))


class Service(FlowTest):
    def test_the_service_manager_is_told(self):
        name = self.folder / "notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(name))
            manager.settimeout(30)
            os.environ["NOTIFY_SOCKET"] = str(name)
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            serve = self.stack.serve()
            # While a store of an older version is brought up to date, more time is asked for.
            told = manager.recv(100)
            while told.startswith(b"EXTEND_TIMEOUT_USEC="):
                told = manager.recv(100)
            self.assertEqual(told, b"READY=1")
            serve.send_signal(signal.SIGTERM)
            self.assertEqual(manager.recv(100), b"STOPPING=1")
            self.assertEqual(serve.wait(20), 0)

    def test_the_journal_gets_levels(self):
        log = self.folder / "meterlens-0.log"
        log.touch()
        found = log.stat()
        os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
        self.addCleanup(os.environ.pop, "JOURNAL_STREAM")
        self.stack.serve()
        self.assertRegex(log.read_text(), r"(?m)^<6>mqtt: connected to 127\.0\.0\.1:")


if __name__ == "__main__":
    unittest.main()
