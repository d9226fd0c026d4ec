#!/usr/bin/env python3
"""A private PostgreSQL for tests: in a temporary folder, on a Unix socket, as an ordinary user.

Usage: tools/postgresql.py start FILE    the URL goes to FILE; ends itself when the caller's parent
                                         is gone (ctest, a shell), or with stop
       tools/postgresql.py stop FILE
       tools/postgresql.py run COMMAND...  with $METERLENS_TEST_POSTGRESQL set, then stops
Root drops to the user postgres (or nobody), because the server refuses to run as root.
"""
import ctypes
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

USER = "meterlens"
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
max_connections = 200
shared_buffers = 32MB
fsync = {fsync}
log_min_messages = fatal
timezone = UTC
"""
# One role must show a password, so that there is something to test.
ACCESS = "local all locked scram-sha-256\nlocal all all trust\n"


def programs():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise SystemExit("postgresql: no initdb here; tools/setup test installs it")
    return pathlib.Path(on_path).resolve().parent


def ordinary_user():
    """(uid, gid) to run as when this is root, else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
            return entry.pw_uid, entry.pw_gid
        except KeyError:
            continue
    raise SystemExit("postgresql: no user postgres or nobody to run the server as")


class PrivatePostgresql:
    """`with PrivatePostgresql() as server:` runs one; `server.url` is its database."""

    def __init__(self, fsync=False, folder=None, settings=""):
        """`folder` is kept and used again; lines of `settings` win over those of tests."""
        self.bin = programs()
        self.who = ordinary_user()
        self.is_kept = folder is not None
        self.folder = folder or pathlib.Path(tempfile.mkdtemp(prefix="meterlens_pg_"))
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.who:
            os.chown(self.folder, *self.who)
        self.process = None
        try:
            if not self.data.exists():
                self.call("initdb", "--no-sync", "--auth", "trust", "--username", USER,
                          "--encoding", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu",
                          "--icu-locale", "en", "--pgdata", self.data)
            # Read after postgresql.conf; the last word counts.
            (self.data / "postgresql.auto.conf").write_text(
                SETTINGS.format(folder=self.folder, fsync="on" if fsync else "off") + settings)
            (self.data / "pg_hba.conf").write_text(ACCESS)
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def data(self):
        return self.folder / "data"

    @property
    def url(self):
        return f"postgresql://{USER}@/postgres?host={self.folder}"

    def drop(self):
        if self.who:
            os.setgroups([])
            os.setgid(self.who[1])
            os.setuid(self.who[0])
        # After the change of user, which forgets it: SIGQUIT when the parent dies.
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)

    def call(self, program, *arguments):
        done = subprocess.run([self.bin / program, *arguments], cwd=self.folder,
                              preexec_fn=self.drop, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise SystemExit(f"postgresql: {program} failed: {done.stderr or done.stdout}")

    def start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([self.bin / "postgres", "-D", self.data],
                                            cwd=self.folder, preexec_fn=self.drop, stdout=log,
                                            stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        ready = [self.bin / "pg_isready", "-q", "-h", self.folder]
        while subprocess.run(ready, timeout=30).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("postgresql: the server does not start: "
                                 + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """SIGINT: orderly; SIGQUIT: as in a crash, recovers at the next start."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def sql(self, text, timeout_s=120):
        """Runs a statement; the lines of its answer, columns parted by |."""
        done = subprocess.run([self.bin / "psql", "-X", "-A", "-t", "-q", "-d", self.url, "-v",
                               "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True,
                              timeout=timeout_s)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        return done.stdout.splitlines()

    def close(self):
        self.stop()
        if not self.is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def guard(file, watched, ready):
    """The background process: a server until SIGTERM, or until the process `watched` is gone."""
    os.setsid()
    stopping, wake = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.write(wake, b"x"))
    with PrivatePostgresql() as server:
        gone = os.pidfd_open(watched)
        part = file.with_suffix(".part")
        part.write_text(f"{server.url}\n{os.getpid()}\n")
        part.rename(file)
        os.write(ready, b"x")
        os.close(ready)
        select.select([stopping, gone], [], [])
    file.unlink(missing_ok=True)


def start(file):
    file.unlink(missing_ok=True)
    watched = os.getppid()
    is_ready, ready = os.pipe()
    if os.fork() == 0:
        os.close(is_ready)
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1):
            os.dup2(null, number)
        log = os.open(file.with_suffix(".log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 2)
        guard(file, watched, ready)
        os._exit(0)
    os.close(ready)
    if os.read(is_ready, 1) != b"x":
        raise SystemExit("postgresql: not started: " + file.with_suffix(".log").read_text())


def stop(file):
    if not file.exists():
        raise SystemExit(f"postgresql: {file} is gone: the server has ended before")
    pid = int(file.read_text().splitlines()[1])
    gone = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    if not select.select([gone], [], [], 60)[0]:
        raise SystemExit(f"postgresql: process {pid} does not end")


def main(arguments):
    if len(arguments) == 2 and arguments[0] in ("start", "stop"):
        (start if arguments[0] == "start" else stop)(pathlib.Path(arguments[1]).resolve())
        return 0
    if len(arguments) > 1 and arguments[0] == "run":
        with PrivatePostgresql() as server:
            environment = dict(os.environ, METERLENS_TEST_POSTGRESQL=server.url)
            return subprocess.run(arguments[1:], env=environment).returncode
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
