"""Starting and stopping: what is wrong is said with its place and its remedy."""
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import unittest

from flow import BUILD, FlowTest, children_of, wait_until


class Start(FlowTest):
    def ports(self):
        return (f"[http]\nport = {self.stack.http_port}\n"
                f"[broker]\nport = {self.stack.mqtt_port}\n")

    def refused(self, settings_text, *words):
        status, output = self.run_serve(settings_text)
        self.assertEqual(status, 1, output)
        for word in words:
            self.assertIn(word, output)
        self.assertNotIn("is ready", output)

    def test_http_port_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.refused(f"[http]\nport = {port}\n[broker]\nport = {self.stack.mqtt_port}\n",
                         f"127.0.0.1:{port}", "in use", "http.port")

    def test_mqtt_port_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.refused(f"[http]\nport = {self.stack.http_port}\n[broker]\nport = {port}\n",
                         str(port), "in use")

    def test_wrong_settings(self):
        self.refused("[http]\nprot = 1\n", "wrong.toml:2", "unknown key prot", "port in [http]")
        self.refused("[http]\nport = 'x'\n", "wrong.toml:2", "from 1 to 65535")
        self.refused("[broker]\nport = 70000\n", "wrong.toml:2", "from 1 to 65535")
        self.refused("[http\n", "wrong.toml:1", "not TOML")

    def test_settings_file_is_missing(self):
        done = subprocess.run([BUILD / "meterlens", "serve", "--config", "no.toml"],
                              cwd=self.folder, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("meterlens config", done.stderr)

    def test_the_printed_settings_are_the_defaults(self):
        text = subprocess.run([BUILD / "meterlens", "config"], capture_output=True, text=True,
                              check=True, timeout=30).stdout
        text = text.replace("port = 8080", f"port = {self.stack.http_port}")
        text = text.replace("port = 1883", f"port = {self.stack.mqtt_port}")
        config = self.folder / "printed.toml"
        config.write_text(text)
        self.stack.spawn("meterlens", "serve", "--config", config)
        wait_until(self.is_up, 30, "a server with the printed settings")

    def is_up(self):
        try:
            return self.stack.get("/health")["status"] == "ok"
        except OSError:
            return False

    def test_newer_database_is_refused(self):
        (self.folder / "var").mkdir()
        database = sqlite3.connect(self.folder / "var" / "meterlens.db")
        database.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at_ms)")
        database.execute("INSERT INTO schema_version VALUES (99, 0)")
        database.commit()
        database.close()
        self.refused(self.ports(), "newer program", "its schema is 99")

    def test_a_file_that_is_no_database(self):
        (self.folder / "var").mkdir()
        (self.folder / "var" / "meterlens.db").write_bytes(b"a photo, perhaps" * 1000)
        self.refused(self.ports(), "not a sound SQLite database")

    def test_a_data_folder_that_cannot_be(self):
        (self.folder / "var").write_text("a file")
        self.refused(self.ports(), "cannot make the folder var", "[storage]")

    def test_a_second_server_with_the_same_data_folder(self):
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        before = self.database().execute("SELECT count(*) FROM device WHERE online").fetchone()
        with socket.socket() as one, socket.socket() as other:
            ports = []
            for free in (one, other):
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        self.refused(f"[http]\nport = {ports[0]}\n[broker]\nport = {ports[1]}\n",
                     "another server runs with the data folder", str(self.folder / "var"))
        after = self.database().execute("SELECT count(*) FROM device WHERE online").fetchone()
        self.assertEqual((before, after), ((1,), (1,)))

    def test_a_photo_folder_that_cannot_be_written(self):
        (self.folder / "public").write_text("a file")
        self.refused(self.ports(), str(self.folder / "public" / "images"), "ReadWritePaths=",
                     "photo_folder in [storage]")

    def test_home_assistant_at_a_broker_that_lets_only_credentials_in(self):
        self.refused(self.ports() + "[doors]\ndevices = \"credentials\"\n"
                     "[notify.home_assistant]\nenabled = true\n",
                     "[notify.home_assistant] is enabled without an address")

    def test_settings_that_are_a_folder_and_a_disk_that_is_full(self):
        done = subprocess.run([BUILD / "meterlens", "serve", "--config", "."], cwd=self.folder,
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 1)
        self.assertIn("are a folder", done.stderr)
        with open("/dev/full", "w") as full:
            done = subprocess.run([BUILD / "meterlens", "config"], stdout=full, timeout=30,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "^meterlens: .*(disk full|No space left)")

    def test_stops_at_a_signal_and_leaves_nothing_running(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.stack.serve()
            brokers = children_of(server.pid)
            self.assertTrue(brokers)
            server.send_signal(number)
            self.assertEqual(server.wait(20), 0)
            wait_until(lambda: not any(is_alive(pid) for pid in brokers), 10, "the broker to end")

    def test_the_broker_dies_with_a_killed_server_and_is_restarted_alone(self):
        server = self.stack.serve()
        broker = children_of(server.pid)[0]
        os.kill(broker, signal.SIGKILL)
        wait_until(lambda: [p for p in children_of(server.pid) if p != broker], 30, "a new broker")
        wait_until(lambda: self.stack.get("/health")["broker"], 60, "the connection to it")
        brokers = children_of(server.pid)
        server.send_signal(signal.SIGKILL)
        server.wait()
        wait_until(lambda: not any(is_alive(pid) for pid in brokers), 10, "the broker to end")
        self.stack.serve()


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    unittest.main()
