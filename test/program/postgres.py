"""PostgreSQL for a run of tests: a cluster of its own, below a directory that every user may enter."""

import contextlib
import glob
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg2
import psycopg2.extras

USER = "muster"
# Many tests start a server, and each has a few connections.
SETTINGS = {"listen_addresses": "", "max_connections": "400", "dynamic_shared_memory_type": "mmap",
            "shared_buffers": "64MB", "timezone": "Asia/Kathmandu", "datestyle": "German"}
# The tests kill muster, and sometimes PostgreSQL, but never the kernel. It keeps what a process has written, so memory
# serves as well as a disk, and a sync costs nothing there. fsync stays on: muster warns of a database without it.
MEMORY, ENOUGH_MEMORY = "/dev/shm", 2 << 30


def place():
    """The folder for clusters; None: that of temporary files. There a run takes much longer."""
    room = os.statvfs(MEMORY) if os.path.isdir(MEMORY) else None
    return MEMORY if room and room.f_bavail * room.f_frsize >= ENOUGH_MEMORY else None


def programs():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    assert found, "PostgreSQL is not installed: script/bootstrap test"
    return found[-1]


def has_ended(pid):
    """Also if nobody has asked yet how."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Cluster:
    """One that runs, known by its directory."""

    def __init__(self, directory):
        self.directory = directory

    def uri(self, database):
        return f"postgresql://{USER}@/{database}?host={self.directory}"

    def connect(self, database):
        connection = psycopg2.connect(self.uri(database))
        connection.autocommit = True
        return connection

    def execute(self, statement, database="postgres"):
        with contextlib.closing(self.connect(database)) as connection:
            connection.cursor().execute(statement)


class Postgres(Cluster):
    """A cluster to start, to stop, and to remove: the run's, or that of a test which ends it."""

    def __init__(self, within=None, **settings):
        """within: a folder that every user may enter; None: wherever it is fast."""
        super().__init__(tempfile.mkdtemp(prefix="muster-postgres-", dir=within or place()))
        self.data, self.process = os.path.join(self.directory, "data"), None
        self.settings = {**SETTINGS, "unix_socket_directories": self.directory, **settings}
        os.chmod(self.directory, 0o755)
        self.as_user = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root
            account = pwd.getpwnam("nobody")
            os.chown(self.directory, account.pw_uid, account.pw_gid)
            self.as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._make()

    def _make(self):
        self._run("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                  "--no-instructions")

    def _run(self, program, *arguments):
        done = subprocess.run([os.path.join(programs(), program), *arguments], capture_output=True, text=True,
                              cwd=self.directory, **self.as_user)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self):
        """Returns when it answers. It ends with the thread that started it, also if that is killed."""
        options = [o for name, value in self.settings.items() for o in ("-c", f"{name}={value}")]
        with open(os.path.join(self.directory, "log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "QUIT", os.path.join(programs(), "postgres"), "-D", self.data, *options],
                stdout=log, stderr=log, cwd=self.directory, start_new_session=True, **self.as_user)
        end = time.monotonic() + 120
        while True:
            try:
                self.connect("postgres").close()
                return self
            except psycopg2.OperationalError:
                assert self.process.poll() is None and time.monotonic() < end, self.log()
                time.sleep(0.05)

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8") as f:
            return f.read()

    def demand_password(self, role):
        """From now on this role has to give its password."""
        path = os.path.join(self.data, "pg_hba.conf")
        with open(path, encoding="utf-8") as f:
            rules = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"local all {role} scram-sha-256\n{rules}")
        self.execute("SELECT pg_reload_conf()")

    def _children(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            return list(map(int, f.read().split()))

    def kill(self):
        """All of its processes, as a machine that fails would. Each has a session of its own. While the first one is
        stopped, there are no new ones."""
        os.kill(self.process.pid, signal.SIGSTOP)
        children = self._children()
        for pid in [*children, self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        while not all(map(has_ended, children)):  # else they still hold the memory that the next start asks for
            time.sleep(0.01)

    def freeze(self, stands_still):
        """Its processes go on running, but none does anything; or they do again."""
        for pid in [*self._children(), self.process.pid]:
            os.kill(pid, signal.SIGSTOP if stands_still else signal.SIGCONT)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # nobody reads the data any more
            self.process.wait()
        shutil.rmtree(self.directory)


class Standby(Postgres):
    """A copy of a cluster, which every commit waits for as soon as it has started; until it is promoted."""

    def __init__(self, primary):
        self.primary = primary
        super().__init__()

    def _make(self):
        self._run("pg_basebackup", "-h", self.primary.directory, "-U", USER, "-D", self.data, "-R", "-c", "fast", "--no-sync")

    def start(self):
        super().start()
        self.primary.execute("ALTER SYSTEM SET synchronous_standby_names TO '*'")
        self.primary.execute("SELECT pg_reload_conf()")
        with contextlib.closing(self.primary.connect("postgres")) as connection, connection.cursor() as cursor:
            end = time.monotonic() + 120
            while True:
                cursor.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
                if cursor.fetchone():
                    return self
                assert time.monotonic() < end, self.log()
                time.sleep(0.05)

    def promote(self):
        self.execute("SELECT pg_promote()")


class Databases:
    """The databases of one worker: one for each directory of a server, copied from one that muster has made."""
    TEMPLATE = "template_muster"

    def __init__(self):
        self.postgres = None  # the run's cluster (conftest.py); None: the tests are of embedded stores
        self.numbers = itertools.count(1)
        self.of_directory = {}

    def make(self, data):
        if data not in self.of_directory:
            name = f"muster_{os.getpid()}_{next(self.numbers)}"
            self.postgres.execute(f"CREATE DATABASE {name} TEMPLATE {self.TEMPLATE}")
            self.of_directory[data] = name
        return self.postgres.uri(self.of_directory[data])

    def drop(self, data):
        name = self.of_directory.pop(data, None)
        if name:
            self.postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def uri(self, data):
        """None: no server has been started on this directory."""
        return self.postgres.uri(self.of_directory[data]) if data in self.of_directory else None

    @contextlib.contextmanager
    def registry(self, data):
        """As registry_file.changed: a connection whose statements have SQLite's "?"."""
        with contextlib.closing(psycopg2.connect(self.uri(data))) as connection, connection:
            with connection.cursor() as cursor:
                cursor.execute("SET search_path = registry")
                yield Statements(cursor)


class Statements:
    def __init__(self, cursor):
        self.cursor = cursor

    def execute(self, statement, values=()):
        self.cursor.execute(statement.replace("?", "%s"), values)
        return self.cursor

    def executemany(self, statement, rows):
        psycopg2.extras.execute_batch(self.cursor, statement.replace("?", "%s"), list(rows), page_size=1000)
