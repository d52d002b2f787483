"""A running muster: its process, its data directory, its addresses."""

import array
import contextlib
import fcntl
import glob
import json
import os
import re
import select
import signal
import subprocess
import termios
import threading
import time

import pytest

import registry_file
from postgres import Databases

BINARY = os.environ.get("MUSTER_BINARY", os.path.join(os.path.dirname(__file__), "../../build/muster"))
# Sanitized builds are several times slower; nothing here measures time, it only waits longer.
PATIENCE = float(os.environ.get("MUSTER_PATIENCE", "1"))
# What is waited for has come by then, if it is to come at all: only a test that fails waits for so long.
ENOUGH_S = 120 * PATIENCE
HANGS_S = 1800  # a test that takes longer (times PATIENCE) will not end


# MUSTER_STORE=postgres: the servers of the tests, and the commands on their directories, use databases.
OVER_POSTGRES = os.environ.get("MUSTER_STORE", "") == "postgres"
DATABASES = Databases()

# Of their own, whatever runs on this machine.
FREE_PORTS = ("--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--ops", "127.0.0.1:0")


def first_and_repeats(cases):
    """Parameters of which all but the first run the same code, on other data (docs/testing.md)."""
    first, *others = cases
    return [first, *(pytest.param(case, marks=pytest.mark.repeats) for case in others)]


def wait_until(condition, seconds=ENOUGH_S, what="condition"):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.01)


def threads(process):
    """(name, state as ps shows it) of each of its threads."""
    for path in glob.glob(f"/proc/{process.pid}/task/*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(path, encoding="ascii") as stat:
            name, _, rest = stat.read().partition("(")[2].rpartition(")")
            yield name, rest.split()[0]


def stand_still(process):
    """Stops it by SIGSTOP, and returns when no thread runs any more: that takes a moment on a busy machine."""
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: all(state == "T" for _, state in threads(process)), what="standing still")


def with_store(*args):
    """The arguments of a command, with the database if a server of the tests has one for the directory."""
    args = [str(arg) for arg in args]
    data = args[args.index("--data") + 1] if "--data" in args[:-1] else None
    uri = DATABASES.uri(data)
    return [*args[:1], "--store", uri, *args[1:]] if uri else args


def muster(*args):
    return [BINARY, *with_store(*args)]


def run(*args, input=None, timeout=ENOUGH_S, stdout=subprocess.PIPE):
    """Runs a muster command to its end."""
    return subprocess.run(muster(*args), input=input, stdout=stdout, stderr=subprocess.PIPE, text=True,
                          timeout=timeout)


class Server:
    def __init__(self, data, *options, wrapper=(), env=None):
        self.data = str(data)
        # What a test has put into the directory before is an embedded store.
        if OVER_POSTGRES and "--store" not in options and not os.path.exists(os.path.join(self.data, "registry.db")):
            DATABASES.make(self.data)
        self.options = list(options)
        self.wrapper = list(wrapper)
        self.env = env
        self.process = None
        self.log = []
        self.reading = threading.Lock()

    def start(self, *more):
        args = [*self.wrapper, *muster("serve", "--data", self.data)]
        given = " ".join([*self.options, *more])
        for name in ("http", "mqtt", "ops"):
            if f"--{name} " not in given + " ":
                args += [f"--{name}", "127.0.0.1:0"]
        self.process = subprocess.Popen([*args, *self.options, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env={**os.environ, **(self.env or {})})
        self.reader = threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(ENOUGH_S)
        assert line.startswith("muster ready "), f"no ready line but {line!r}; log: {self.log_text()}"
        self.addresses = {}
        for name, host, port in re.findall(r"(\w+)=(\S+):(\d+)", line):
            self.addresses[name] = (host.strip("[]"), int(port))
        return self

    def _read_log(self, stream):
        data, rest = True, b""
        while data:
            select.select([stream], [], [])
            with self.reading:
                data = os.read(stream.fileno(), 1 << 16)
                *lines, rest = (rest + data).split(b"\n")
                self.log += [line.decode() + "\n" for line in lines]
        if rest:
            self.log.append(rest.decode())

    def _has_said_all(self):
        """Its thread for the log is at rest, and all that this has written is read."""
        if ("log", "R") in threads(self.process):
            return False
        with self.reading:
            unread = array.array("i", [0])
            fcntl.ioctl(self.process.stderr.fileno(), termios.FIONREAD, unread)
            return unread[0] == 0

    def log_text(self):
        """All that it has logged up to now; what it logs after its answer to a test may be missing."""
        if self.process.poll() is None:
            wait_until(lambda: self._has_said_all() or self.process.poll() is not None, what="the end of its log")
        else:
            self.reader.join(ENOUGH_S)
        return "".join(self.log)

    @property
    def http(self):
        return self.addresses["http"]

    @property
    def mqtt(self):
        return self.addresses["mqtt"]

    @property
    def ops(self):
        return self.addresses["ops"]

    def apply(self, content, *options):
        result = run("apply", "--data", self.data, *options, "-", input=json.dumps(content))
        assert result.returncode == 0, result.stderr
        return result.stdout

    @contextlib.contextmanager
    def registry(self):
        """The stopped server's registry, for what no call can do: letting time pass, and rows that the
        calls so far cannot make. Commits at the end."""
        assert self.process.poll() is not None, "the server still runs"
        if DATABASES.uri(self.data):
            with DATABASES.registry(self.data) as db:
                yield db
            return
        with registry_file.changed(os.path.join(self.data, "registry.db")) as db, db:
            yield db

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(ENOUGH_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        code = self.process.returncode if self.process else 0
        return code

    def end(self):
        """As every server has to end, unless it was killed: cleanly, and without a complaint of a sanitizer."""
        if self.process.poll() is None:
            assert self.stop() == 0, self.log_text()
        text = self.log_text()
        assert "ERROR: AddressSanitizer" not in text and "runtime error:" not in text, text

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self, *more):
        self.stop()
        return self.start(*more)
