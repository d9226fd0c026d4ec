"""The steps of the runbook (docs/en/fleet.md) on the fleet that deploy/fleet/up has brought up.

One line each, numbers counting from 1:
  status                       nodes, queues, workers' shares, devices, photos
  load DEVICES PER_S SECONDS   photos from devices on all nodes, while the lines after it run
  load end                     waits for them: every photo must be stored
  node add | kill N | start N | remove N
  worker add | end N | kill N
  server add | end N
  upgrade                      every worker and server anew, one after another, with the programs of
                               $METERLENS_NEXT (default: the same)
  backup FILE.tar              while all of it runs
  restore FILE.tar             into a new database; the workers and servers go over to it
  single DEVICES SECONDS       a single machine's server gets photos for a while, and ends
  move                         its rows and photos into a new database of the fleet
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from postgresql import PrivatePostgresql
from stack import Stack, StackError, free_port, wait_until

HAND_OVER_S = 30


class Steps:
    def __init__(self, down, database, nodes, stack, config, make_node):
        """`make_node(peer)`: one more node, in the cluster of that one."""
        self.down, self.database, self.nodes = down, database, list(nodes)
        self.stack, self.config, self.make_node = stack, config, make_node
        spawned = [process for name, process in stack.processes if name == "meterlens"]
        self.workers, self.servers = spawned[:-1], [(spawned[-1], stack.http_port)]
        self.loads, self.load_number = [], 0

    def obey(self, line):
        """Prints what came of it and how long it took; StackError when it failed."""
        words = line.split()
        for count in (2, 1):  # "node add" and "status"
            step = STEPS.get(" ".join(words[:count]))
            if step is not None:
                break
        else:
            raise StackError("there is no such step")
        arguments = words[count:]
        begun = time.monotonic()
        said = step(self, *arguments)
        print(f"{line}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)

    # ---- what is there ----

    def status(self):
        node = self._a_node()
        running = sum(1 for one in self.nodes if self._runs(one))
        queues = [row for row in node.queues("name", "members", "leader")
                  if row[0].startswith("meterlens.")]
        members = {row[1].count(",") + 1 for row in queues}
        shares = sorted(self._shares().values())
        photos = self.database.sql("SELECT count(*) FROM photo")[0]
        devices = self.database.sql("SELECT count(*) FROM device")[0]
        return (f"{running} of {len(self.nodes)} nodes run, {len(queues)} queues with "
                f"{sorted(members)} members, workers have {shares} queues, {len(self.servers)} "
                f"servers, {devices} devices, {photos} photos")

    def _a_node(self):
        return next(node for node in self.nodes if self._runs(node))

    @staticmethod
    def _runs(node):
        return node.process is not None and node.process.poll() is None

    def _shares(self):
        rows = self.database.sql("SELECT worker, count(*) FROM lease WHERE queue >= 0 AND until_ms"
                                 " > extract(epoch FROM clock_timestamp()) * 1000 GROUP BY worker")
        return {row.rsplit("|", 1)[0]: int(row.rsplit("|", 1)[1]) for row in rows}

    def _wait_shared_out(self):
        """Every queue has one of the workers that run, each its fair share."""
        count = len(self.workers)
        queues = int(re.search(r"(?m)^queues = (\d+)", self.config.read_text()).group(1))
        wait_until(lambda: len(shares := self._shares().values()) == count and
                   sum(shares) == queues and max(shares) - min(shares) <= 1,
                   HAND_OVER_S, f"{count} workers to share {queues} queues")
        return f"workers have {sorted(self._shares().values())} queues"

    # ---- load ----

    def load(self, devices, per_s, seconds):
        """As many as are said, parted among the nodes."""
        self.load_number += 1
        urls = " ".join(f"mqtt://127.0.0.1:{node.mqtt_port}" for node in self.nodes
                        if self._runs(node))
        passwords = self._credentials(int(devices))
        command = [self.stack.build / "meterlens", "load", "--json", "--broker", urls, "--devices",
                   devices, "--photos-per-s", per_s, "--seconds", seconds, "--prefix",
                   f"load{self.load_number}n", "--patience-s", "120", "--photo-bytes", "8000",
                   *passwords]
        self.loads.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True))
        return f"{devices} devices begin to send"

    def _credentials(self, count):
        """For `load`, where devices need some."""
        if "[broker_door]" not in self.config.read_text():
            return []
        file, lines = self.stack.folder / f"passwords-{self.load_number}", []
        for number in range(1, count + 1):
            name = f"load{self.load_number}n{number:06}"
            status, made = self.stack.request("POST", f"/devices/{name}/credential")
            if status != 201:
                raise StackError(f"no credential for {name}: {made}")
            lines.append(f"{name}:{made['password']}\n")
        file.write_text("".join(lines))
        file.chmod(0o600)
        return ["--passwords", str(file)]

    def load_end(self):
        stored, wrong, slowest, lost = 0, [], 0, 0
        for process in self.loads:
            out, words = process.communicate(timeout=600)
            if process.returncode != 0:
                wrong.append(words.strip() or out.strip())
            if out:
                told = json.loads(out.splitlines()[-1])
                stored += told["photos_stored"]
                slowest = max(slowest, told["latency_ms"]["max"])
                lost += told["disconnected"]
        self.loads = []
        if wrong:
            raise StackError("; ".join(wrong))
        return (f"all {stored} photos are stored, none later than {slowest / 1000:.1f} s; "
                f"{lost} connections were lost and came back")

    # ---- RabbitMQ's nodes ----

    def node_add(self):
        peer = self._a_node()
        node = self.down.enter_context(contextlib.closing(self.make_node(peer)))
        # Members of the queues first: devices that connect there find all of them.
        node.call("rabbitmq-queues", "grow", node.node, "all", timeout_s=600)
        node.open_mqtt()
        self.nodes.append(node)
        return f"node {len(self.nodes)} is in the cluster, with a member of every queue"

    def node_kill(self, number):
        self.nodes[int(number) - 1].stop(signal.SIGKILL)
        return "killed; workers go to another node, devices that were on it connect again"

    def node_start(self, number):
        node = self.nodes[int(number) - 1]
        (node.folder / "out.log").unlink(missing_ok=True)
        node.start()
        node.call("rabbitmqctl", "await_online_nodes", "2")
        return "back in the cluster; its members of the queues catch up by themselves"

    def node_remove(self, number):
        node = self.nodes[int(number) - 1]
        other = next(one for one in self.nodes if one is not node and self._runs(one))
        other.call("rabbitmq-queues", "shrink", node.node, timeout_s=600)
        node.stop()
        other.call("rabbitmqctl", "forget_cluster_node", node.node)
        self.nodes.remove(node)
        return "out of the cluster"

    # ---- workers and servers ----

    def _spawn(self, *words):
        process = self.stack.spawn("meterlens", *words)
        return process

    def worker_add(self):
        self.workers.append(self._spawn("worker", "--config", self.config))
        return self._wait_shared_out()

    def worker_end(self, number):
        worker = self.workers.pop(int(number) - 1)
        worker.terminate()
        worker.wait(60)
        return "has given back its queues and ended; " + self._wait_shared_out()

    def worker_kill(self, number):
        worker = self.workers.pop(int(number) - 1)
        worker.kill()
        worker.wait()
        return "killed with -9; " + self._wait_shared_out()

    def server_add(self):
        port = free_port()
        config = self.config.with_name(f"server-{port}.toml")
        text = self.config.read_text().splitlines()
        at = next(i for i, line in enumerate(text) if line.startswith("port = "))
        text[at] = f"port = {port}"
        # The door of RabbitMQ has one port on this machine: the first server's.
        text = "\n".join(text).split("[broker_door]")[0]
        config.write_text(text + "\n")
        process = self._spawn("serve", "--no-worker", "--config", config)
        self._wait_healthy(process, port)
        self.servers.append((process, port))
        return f"http://127.0.0.1:{port}/"

    def _wait_healthy(self, process, port):
        def healthy():
            if process.poll() is not None:
                raise StackError(f"the server has ended with {process.returncode}")
            return self._is_healthy(port)
        wait_until(healthy, 60, f"the server at port {port}")

    @staticmethod
    def _is_healthy(port):
        done = subprocess.run(["curl", "-sf", "--max-time", "3",
                               f"http://127.0.0.1:{port}/api/v1/health"], capture_output=True)
        return done.returncode == 0 and json.loads(done.stdout).get("status") == "ok"

    def server_end(self, number):
        process, _ = self.servers.pop(int(number) - 1)
        process.terminate()
        process.wait(60)
        return "ended; the others answer"

    def upgrade(self):
        self.stack.build = pathlib.Path(os.environ.get("METERLENS_NEXT", self.stack.build))
        for index, (old, port) in enumerate(self.servers):
            config = (self.config if port == self.stack.http_port else
                      self.config.with_name(f"server-{port}.toml"))
            old.terminate()
            old.wait(60)
            new = self._spawn("serve", "--no-worker", "--config", config)
            self._wait_healthy(new, port)
            self.servers[index] = (new, port)
        for _ in range(len(self.workers)):
            self.worker_add()
            self.worker_end(1)
        return f"{len(self.servers)} servers, then {len(self.workers)} workers are new ones"

    # ---- the database ----

    def _run(self, *words, config=None):
        done = subprocess.run([self.stack.build / "meterlens", *words, "--config",
                               config or self.config], cwd=self.stack.folder, capture_output=True,
                              text=True, timeout=600)
        if done.returncode != 0:
            raise StackError(f"meterlens {' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout.strip().splitlines()[-1]

    def backup(self, file):
        return self._run("backup", str(self.stack.folder / file))

    def _begin_with(self, fill):
        """Ends what writes, gives it a new database and folder of photos, which `fill` fills."""
        database = self.down.enter_context(contextlib.closing(PrivatePostgresql(fsync=True)))
        text = self.config.read_text().replace(self.database.url, database.url)
        for process in [*self.workers, *(server for server, _ in self.servers)]:
            process.terminate()
            process.wait(60)
        photos = self.stack.folder / "public"
        if photos.exists():
            photos.rename(self.stack.folder / f"public-before-{len(self.stack.processes)}")
        self.config.write_text(text)
        said = fill(database)
        self.database = database
        self.workers = [self._spawn("worker", "--config", self.config) for _ in self.workers]
        wait_until(lambda: database.sql("SELECT to_regclass('lease')") != [""], 60, "the tables")
        shared = self._wait_shared_out()
        server = self._spawn("serve", "--no-worker", "--config", self.config)
        self._wait_healthy(server, self.stack.http_port)
        self.servers = [(server, self.stack.http_port)]
        return f"{said}; {shared}"

    def restore(self, file):
        return self._begin_with(lambda _: self._run("restore", str(self.stack.folder / file)))

    def single(self, devices, seconds):
        with Stack(self.stack.folder / "single", build=self.stack.build) as single:
            single.serve()
            done = subprocess.run([self.stack.build / "meterlens", "load", "--json", "--broker",
                                   f"mqtt://127.0.0.1:{single.mqtt_port}", "--devices", devices,
                                   "--photos-per-s", devices, "--seconds", seconds, "--prefix",
                                   "moved", "--photo-bytes", "8000"],
                                  capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise StackError(done.stderr or done.stdout)
        return f"has {json.loads(done.stdout)['photos_stored']} photos"

    def move(self):
        old = self.stack.folder / "single"

        def fill(database):
            shutil.copytree(old / "public", self.stack.folder / "public")
            return self._run("migrate", "--from", f"sqlite:{old / 'var' / 'meterlens.db'}", "--to",
                             database.url)
        return self._begin_with(fill)


STEPS = {one.__name__.replace("_", " "): one for one in (
    Steps.status, Steps.load, Steps.load_end, Steps.node_add, Steps.node_kill, Steps.node_start,
    Steps.node_remove, Steps.worker_add, Steps.worker_end, Steps.worker_kill, Steps.server_add,
    Steps.server_end, Steps.upgrade, Steps.backup, Steps.restore, Steps.single, Steps.move)}
