"""Moving house: every table of a store from SQLite into PostgreSQL, killed on the way, and back."""
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
from flow import BUILD, FlowTest, wait_until  # noqa: E402
from postgresql import PrivatePostgresql  # noqa: E402

ROWS = 100  # of each table
ODD = "a\tb\\c\nd\r'\\N \u6c34\u8868 :x"


def tables(database):
    names = [name for name, in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return sorted(set(names) - {"schema_version", "moving"})


def columns(database, table):
    """(name, type, place in the primary key) of each."""
    return [(row[1], row[2], row[5]) for row in database.execute(
        f"SELECT * FROM pragma_table_info('{table}')")]


def to_differ(database, table):
    """One column of each constraint that wants rows to differ, a text where there is one."""
    wanted = [[name for name, _, place in columns(database, table) if place]]
    for index in database.execute(f"SELECT name FROM pragma_index_list('{table}') "
                                  "WHERE \"unique\"").fetchall():
        wanted.append([row[0] for row in database.execute(
            f"SELECT name FROM pragma_index_info('{index[0]}')")])
    types = {name: kind for name, kind, _ in columns(database, table)}
    out = set()
    for names in filter(None, wanted):
        texts = [name for name in names if types[name] == "TEXT"]
        out.add((texts or names)[-1])
    return out


def fill(database, count):
    """So many more rows in every table, like the first one that is there."""
    database.row_factory = None
    for table in tables(database):
        differ = to_differ(database, table)
        known = columns(database, table)
        sample = database.execute(f"SELECT * FROM \"{table}\"").fetchone()
        counted = "AUTOINCREMENT" in database.execute(
            "SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        for number in range(count):
            row = {}
            for i, (name, kind, place) in enumerate(known):
                if place and counted:
                    continue
                value = {"TEXT": f"{ODD}{number}", "DOUBLE": number / 7,
                         "DOUBLE PRECISION": number / 7}.get(kind, number)
                if name in differ:
                    row[name] = f"more {ODD} {number}" if kind == "TEXT" else 10**9 + number
                else:
                    row[name] = sample[i] if sample and number % 2 else value
            database.execute(
                f"INSERT INTO \"{table}\" ({', '.join(chr(34) + name + chr(34) for name in row)})"
                f" VALUES ({', '.join('?' * len(row))})", list(row.values()))


def rows_of(database, table):
    names = [name for name, _, _ in columns(database, table)]
    return [dict(zip(names, row)) for row in database.execute(f"SELECT * FROM \"{table}\"")]


class MigrateToPostgresql(FlowTest):
    def setUp(self):
        self.server = PrivatePostgresql()
        self.addCleanup(self.server.close)
        super().setUp()

    def migrate(self, source, target, *more):
        return [str(BUILD / "meterlens"), "migrate", "--from", source, "--to", target, *more]

    def run_migrate(self, source, target, *more, status=0):
        done = subprocess.run(self.migrate(source, target, *more), cwd=self.folder,
                              capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def stored(self):
        """A store with two photos and what people say, from a server that has ended."""
        self.stack.serve()
        self.rendered_meter("m1", baud=0)
        self.stack.wait_online("m1")
        for _ in range(2):
            self.take_photo("m1")
        for method, path, body in (
                ("POST", "/schedules", {"name": "noon", "cron": "0 12 1 1 *", "devices": ["m1"]}),
                ("PUT", "/devices/m1/tags",
                 {"group": "town/east", "labels": {"floor": "2"}, "version": 0})):
            status, answer = self.stack.request(method, path, body)
            self.assertLess(status, 300, (path, answer))
        self.stack.stop()

    def moved_rows(self, there):
        """Sum of what the target says is there; 0 before it has its tables."""
        try:
            return int(self.server.sql("SELECT coalesce(sum(row_count), 0) FROM moving")[0])
        except RuntimeError:
            return 0

    def assert_same_rows(self, database):
        for table in tables(database):
            lines = self.server.sql(f"SELECT row_to_json(t) FROM \"{table}\" t")
            there = [json.loads(line) for line in lines]
            here = rows_of(database, table)
            key = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
            self.assertEqual(sorted(there, key=key), sorted(here, key=key), table)
            self.assertGreaterEqual(len(here), ROWS, table)

    def test_every_table_moves_and_goes_on_after_kill_9(self):
        self.stored()
        database = sqlite3.connect(self.folder / "var" / "meterlens.db")
        self.addCleanup(database.close)
        with database:
            fill(database, ROWS)
        self.assertGreater(len(tables(database)), 30)
        source = "sqlite:var/meterlens.db"
        for times in range(1, 4):
            process = subprocess.Popen(
                self.migrate(source, self.server.url, "--batch-rows", "5"), cwd=self.folder,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            before = self.moved_rows(times)
            wait_until(lambda: self.moved_rows(times) > before + 200 or process.poll() is not None,
                       100, "some rows")
            self.assertIsNone(process.poll(), "it ended before it was killed")
            process.send_signal(signal.SIGKILL)
            process.communicate()
        half = self.moved_rows(0)
        self.assertGreater(half, 600)
        status, words = self.run_serve(f"[store]\nurl = \"{self.server.url}\"\n")
        self.assertEqual(status, 1)
        self.assertIn("half filled", words)
        words = self.run_migrate(source, self.server.url)
        self.assertIn(f"went on behind {half} rows", words)
        self.assert_same_rows(database)
        self.assertIn("already", self.run_migrate(source, self.server.url, status=1))
        # The ids go on where they were.
        last = database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'photo'").fetchone()
        self.assertEqual(self.server.sql("SELECT pg_sequence_last_value(CAST("
                                         "pg_get_serial_sequence('photo', 'id') AS regclass))"),
                         [str(last[0])])
        # And back, into a file that was not there.
        self.run_migrate(self.server.url, "sqlite:back.db")
        back = sqlite3.connect(self.folder / "back.db")
        self.addCleanup(back.close)
        for table in tables(database):
            self.assertEqual(sorted(map(repr, rows_of(back, table))),
                             sorted(map(repr, rows_of(database, table))), table)

    def test_the_moved_store_answers_as_before(self):
        self.stored()
        paths = ("/devices", "/devices/m1", "/devices/m1/tags", "/photos", "/readings", "/meters",
                 "/commands?device=m1", "/schedules", "/export/readings.csv?all=true")
        self.stack.serve()
        before = [self.stack.request("GET", path) for path in paths]
        files = [self.stack.request("GET", f"/photos/{one['id']}.jpg")
                 for one in before[3][1]["photos"]]
        self.stack.stop()
        self.run_migrate("sqlite:var/meterlens.db", self.server.url)
        (self.folder / "var" / "meterlens.db").rename(self.folder / "kept.db")
        self.stack.settings = f"[store]\nurl = \"{self.server.url}\"\n"
        self.stack.serve()
        for path, answer in zip(paths, before):
            self.assertEqual(answer[0], 200, (path, answer))
            self.assertEqual(self.stack.request("GET", path), answer, path)
        self.assertEqual([self.stack.request("GET", f"/photos/{one['id']}.jpg")
                          for one in before[3][1]["photos"]], files)
        done = subprocess.run([BUILD / "meterlens", "doctor", "--json", "--config",
                               "meterlens.toml"], cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        found = [one for one in json.loads(done.stdout)["findings"] if one["level"] == "error"]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
