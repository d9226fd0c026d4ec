#!/usr/bin/env python3
"""A private RabbitMQ for tests: a node in a temporary folder, on loopback, with a cookie, ports and
a port mapper of its own, as the user who calls.

Usage: tools/rabbitmq.py run COMMAND...   with $METERLENS_TEST_AMQP and $METERLENS_TEST_MQTT_PORT
                                          set, then stops
"""
import ctypes
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from stack import free_port, wait_until

PLUGINS = ["rabbitmq_consistent_hash_exchange", "rabbitmq_prometheus",
           "rabbitmq_auth_backend_http", "rabbitmq_auth_backend_cache"]
# Devices may come in once there is a topology: what no queue takes is acknowledged and dropped.
MQTT = "rabbitmq_mqtt"
SETTINGS = """
listeners.tcp.1 = 127.0.0.1:{amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus}
log.file.level = info
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 4GB
collect_statistics = none
management_agent.disable_metrics_collector = true
"""

# Devices are those that a server's [broker_door] at this port admits; deploy/fleet/rabbitmq.conf.
DOOR = """
mqtt.allow_anonymous = false
auth_backends.1 = internal
auth_backends.2 = cache
auth_cache.cached_backend = http
auth_cache.cache_ttl = 300000
auth_http.http_method = post
auth_http.user_path = http://127.0.0.1:{port}/user
auth_http.vhost_path = http://127.0.0.1:{port}/vhost
auth_http.resource_path = http://127.0.0.1:{port}/resource
auth_http.topic_path = http://127.0.0.1:{port}/topic
"""
# Both with TLS too; the certificate is for `localhost`.
TLS = """
listeners.ssl.1 = 127.0.0.1:{amqps}
mqtt.listeners.ssl.1 = 127.0.0.1:{mqtts}
ssl_options.certfile = {folder}/server.pem
ssl_options.keyfile = {folder}/server.key
ssl_options.versions.1 = tlsv1.3
ssl_options.versions.2 = tlsv1.2
"""


def programs():
    found = sorted(pathlib.Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if not found:
        raise SystemExit("rabbitmq: no rabbitmq-server here; tools/setup test installs it")
    return found[-1]


class PrivateRabbitmq:
    """`with PrivateRabbitmq() as broker:` runs one; devices come in after `open_mqtt()`."""

    def __init__(self, more_settings="", peer=None, starts=True, opens_mqtt=False):
        """`peer`: another node, whose cluster this one joins. What does not start has its names.
        `opens_mqtt`: from the start, for who lets no device in before there is a topology."""
        self.bin = programs()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="meterlens_mq_"))
        self.amqp_port, self.mqtt_port = free_port(), free_port()
        self.distribution_port = free_port()
        self.mapper_port = peer.mapper_port if peer else free_port()
        self.node = f"meterlens{self.amqp_port}@localhost"
        self.peer, self.process = peer, None
        cookie = self.folder / ".erlang.cookie"
        self.cookie = peer.cookie if peer else secrets.token_hex(20)
        cookie.write_text(self.cookie)
        cookie.chmod(0o400)
        (self.folder / "rabbitmq.conf").write_text(SETTINGS.format(
            amqp=self.amqp_port, mqtt=self.mqtt_port, prometheus=free_port()) + more_settings)
        self.write_plugins(opens_mqtt)
        if not starts:
            return
        try:
            self.start()
            if peer:
                self.join()
        except BaseException:
            self.close()
            raise

    @classmethod
    def cluster(cls, count):
        """Nodes that find each other and start side by side, with MQTT open; as in deploy/fleet."""
        nodes = [cls(starts=False)]
        nodes += [cls(peer=nodes[0], starts=False) for _ in range(count - 1)]
        found = "".join(f"cluster_formation.classic_config.nodes.{number} = {node.node}\n"
                        for number, node in enumerate(nodes, 1))
        try:
            for node in nodes:
                with (node.folder / "rabbitmq.conf").open("a") as settings:
                    settings.write("cluster_formation.peer_discovery_backend = classic_config\n"
                                   f"{found}cluster_partition_handling = pause_minority\n")
                node.write_plugins(opens_mqtt=True)
                node.spawn()
            for node in nodes:
                node.wait_ready(tries=3)
        except BaseException:
            for node in reversed(nodes):
                node.close()
            raise
        return nodes

    def write_plugins(self, opens_mqtt):
        names = [*PLUGINS, MQTT] if opens_mqtt else PLUGINS
        (self.folder / "plugins").write_text(f"[{','.join(names)}].\n")

    @property
    def url(self):
        return f"amqp://guest@127.0.0.1:{self.amqp_port}/"

    @property
    def environment(self):
        return {**os.environ, "HOME": str(self.folder), "RABBITMQ_NODENAME": self.node,
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(self.amqp_port),
                "RABBITMQ_DIST_PORT": str(self.distribution_port),
                "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
                "RABBITMQ_LOG_BASE": str(self.folder / "log"),
                "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
                "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced"),
                "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
                "RABBITMQ_PID_FILE": str(self.folder / "pid"),
                "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                    "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
                "ERL_EPMD_ADDRESS": "127.0.0.1", "ERL_EPMD_PORT": str(self.mapper_port)}

    def call(self, program, *arguments, timeout_s=240):
        done = subprocess.run([self.bin / program, "-n", self.node, *arguments], cwd=self.folder,
                              env=self.environment, capture_output=True, text=True,
                              timeout=timeout_s)
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmq: {program} {arguments} failed: "
                               f"{done.stderr or done.stdout}")
        return done.stdout

    def start(self):
        self.spawn()
        self.wait_ready()

    def spawn(self):
        def child():
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)
        # The name of a host in Erlang's short form has no dot, and localhost is always there.
        subprocess.run(["epmd", "-address", "127.0.0.1", "-port", str(self.mapper_port), "-daemon"],
                       check=True, env=self.environment)
        with (self.folder / "out.log").open("wb") as log:
            self.process = subprocess.Popen([self.bin / "rabbitmq-server"], cwd=self.folder,
                                            env=self.environment, stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, preexec_fn=child,
                                            start_new_session=True)

    def wait_ready(self, tries=1):
        """Started up to `tries` times, as a service is: nodes that start side by side may
        not get the first leader of the MQTT plugin in time."""
        def ready():
            nonlocal tries
            if self.process.poll() is not None:
                tries -= 1
                if tries == 0:
                    raise SystemExit("rabbitmq: the node does not start: " + self.log_tail())
                self.spawn()
            return "completed with" in self.out()
        wait_until(ready, 240, "RabbitMQ", 0.2)

    def join(self):
        self.call("rabbitmqctl", "stop_app")
        self.call("rabbitmqctl", "join_cluster", self.peer.node)
        self.call("rabbitmqctl", "start_app")

    def out(self):
        return (self.folder / "out.log").read_text(errors="replace")

    def log_tail(self):
        return self.out()[-3000:]

    def open_mqtt(self):
        self.call("rabbitmq-plugins", "enable", MQTT)

    def queues(self, *columns):
        """Each queue's `columns`, texts in a row."""
        text = self.call("rabbitmqctl", "-q", "list_queues", "--no-table-headers", *columns)
        return [line.split("\t") for line in text.splitlines()]

    def stop(self, how=signal.SIGTERM):
        if self.process is None or self.process.poll() is not None:
            return
        # The node is a child of a shell script that waits for it.
        os.killpg(self.process.pid, how)
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self):
        self.stop(signal.SIGKILL)
        deadline = time.monotonic() + (0 if self.peer else 10)
        # The mapper lets nobody end it while it still knows a node.
        while subprocess.run(["epmd", "-port", str(self.mapper_port), "-kill"],
                             env=self.environment, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def main(arguments):
    if len(arguments) > 1 and arguments[0] == "run":
        with PrivateRabbitmq() as broker:
            environment = dict(os.environ, METERLENS_TEST_AMQP=broker.url,
                               METERLENS_TEST_MQTT_PORT=str(broker.mqtt_port))
            return subprocess.run(arguments[1:], env=environment).returncode
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
